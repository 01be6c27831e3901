"""What every verb of a pair shares: control is asked, says no as a refusal, and what was done goes into history."""

import logging
from dataclasses import replace

from django.db import DatabaseError

from protocol.pair_messages import PairAnswer
from provisioning.core import control_client
from provisioning.core.control_client import ControlUnavailable
from provisioning.core.database import database_trouble, waiting_at_most
from provisioning.core.database_trouble import FAILING, Trouble
from provisioning.core.database_version import trouble_with
from provisioning.core.permissions import Actor
from provisioning.errors import Refusal, Refused, Unanswered
from provisioning.history import history
from provisioning.models import Application
from provisioning.pairs.selectors.failover import record_trouble

log = logging.getLogger(__name__)

LOOKS = frozenset({"probe", "record"})
"""Verbs of PAIR_VERBS that change nothing: nobody has to know later that they were not answered."""
RECORD_S = 2.0
"""So long a verb that was carried out waits for the database to take its entry of history."""


def ask(actor: Actor, primary: Application, verb: str, reason: str, *, did: str, target: str = "") -> PairAnswer:
    """Control's answer to ``verb`` on the pair of ``primary``; ``did`` names the deed in sentences. Raises Refused with
    control's reason, Unanswered."""
    try:
        answer = control_client.ask_pair(verb, primary.name, target=target, by=actor.name, reason=reason)
    except ControlUnavailable as error:
        if verb not in LOOKS:
            # That nobody answered is what has to be said, whether or not history can be written.
            recorded(PairAnswer(ok=False), actor, primary, f"{did} was asked for and control did not answer.", reason)
        raise Unanswered(Refusal(str(error))) from error
    if not answer.ok:
        said = " ".join(filter(None, (answer.reason, record_trouble(answer, database_trouble()), answer.advice)))
        raise Refused(Refusal(said or f"Control refused it without a reason. {did} was not done."))
    return answer


def recorded(answer: PairAnswer, actor: Actor, primary: Application, what: str, reason: str) -> PairAnswer:
    """``answer`` once the history of ``primary`` tells ``what`` was done. It was done whether or not the Configuration
    Database takes a write, so nobody waits long for that; ``facts``: unrecorded, a sentence, when it did not."""
    try:
        with waiting_at_most(RECORD_S):
            history.record_verb(actor=actor, row=primary, reason=f"{what} {reason}".rstrip())
    except DatabaseError as error:
        log.warning("history does not tell: %s (%s)", what, error)
        trouble = trouble_with(error) or Trouble(FAILING)
        return replace(answer, facts={**answer.facts, "unrecorded": (
            f"It is done, but History does not tell of it and pages show it later. {trouble.sentence}")})
    return answer
