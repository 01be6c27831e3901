"""What every verb of a pair shares: control is asked, says no as a refusal, and what was done goes into history."""

import logging

from django.db import DatabaseError

from protocol.messages import PairAnswer
from provisioning import control_client, history
from provisioning.control_client import ControlUnavailable
from provisioning.errors import Link, Refusal, Refused, Unanswered
from provisioning.models import Application
from provisioning.permissions import Actor
from provisioning.selectors.failover import record_trouble

from .health import database_trouble

log = logging.getLogger(__name__)

LOOKS = frozenset({"probe", "record"})
"""Verbs of PAIR_VERBS that change nothing: nobody has to know later that they were not answered."""


def ask(actor: Actor, primary: Application, verb: str, reason: str, *, did: str, target: str = "") -> PairAnswer:
    """Control's answer to ``verb`` on the pair of ``primary``; ``did`` names the deed in sentences. Raises Refused with
    control's reason, Unanswered."""
    try:
        answer = control_client.ask_pair(verb, primary.name, target=target, by=actor.name, reason=reason)
    except ControlUnavailable as error:
        if verb not in LOOKS:
            _record_unanswered(actor, primary, did, reason)
        raise Unanswered(Refusal(str(error))) from error
    if not answer.ok:
        said = " ".join(filter(None, (answer.reason, record_trouble(answer, database_trouble()), answer.advice)))
        raise Refused(Refusal(said or f"Control refused it without a reason. {did} was not done."))
    return answer


def record(actor: Actor, primary: Application, what: str, reason: str) -> None:
    """``what`` was done, as an entry in the history of ``primary``."""
    history.record_verb(actor=actor, row=primary, reason=f"{what} {reason}".rstrip())


def _record_unanswered(actor: Actor, primary: Application, did: str, reason: str) -> None:
    try:
        record(actor, primary, f"{did} was asked for and control did not answer.", reason)
    except DatabaseError as error:
        # That nobody answered is what has to be said.
        log.warning("history does not tell that control did not answer: %s", error)


def link(row: Application) -> Link:
    return Link("application", str(row.pk), row.name)
