"""Carries out reactions: what a condition says is done about an application, in the name of the condition."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from protocol.beats import next_beat
from provisioning.alarms.rules.reactions import MOST_WITHIN, next_pause, why_not
from provisioning.alarms.selectors.alarms import TOPIC
from provisioning.core import changes
from provisioning.core.database_thread import DatabaseThread
from provisioning.core.permissions import Actor
from provisioning.core.prepared import Given, Prepared
from provisioning.errors import PairwiseError, Refused, Unanswered
from provisioning.models import Application, Reaction
from provisioning.models.alarms import NOTE_CHARACTERS
from provisioning.pairs.selectors.pairs import get_pair
from provisioning.pairs.services.pairs import switch_over
from provisioning.states import ReactionState, ReactionVerb, Role
from provisioning.verbs.services.jobs import restart_application, start_application

log = logging.getLogger(__name__)
LOOK_S = 2.0
ORIGIN = "alarm"
_DUE = Prepared(lambda: Reaction.objects.filter(state=ReactionState.WAITING, due_at__lte=Given()).exclude(
    verb="").order_by().values_list("id")[:1])


async def react() -> None:
    """Until it is cancelled, or something fails that is no trouble of a database."""
    database = DatabaseThread("reactions")
    try:
        while True:
            await next_beat(LOOK_S)
            try:
                while await database.do(react_once):
                    pass
            except DatabaseError as error:
                log.info("Reactions were not carried out: %s", error)
    finally:
        await database.end()


def react_once(now: datetime | None = None) -> bool:
    """Carry out what is due longest; whether anything was. Raises DatabaseError."""
    now = now or timezone.now()
    if not _DUE.rows(now):
        return False
    waiting = Reaction.objects.filter(state=ReactionState.WAITING).exclude(verb="")
    before = waiting.filter(alarm=OuterRef("alarm"), is_clearance=OuterRef("is_clearance"), id__lt=OuterRef("id"))
    row = waiting.select_related("alarm").filter(~Exists(before), due_at__lte=now).order_by("due_at", "id").first()
    if row is None:
        return False
    alarm = row.alarm
    if why := why_not(is_active=alarm.is_active, is_clearance=row.is_clearance, masked=alarm.masked,
                      lately=_lately(row, now)):
        _end(row, ReactionState.LEFT_OUT, why)
        return True
    pause = next_pause(row.tries + 1)
    # Of two processes one takes it; and one that dies with it leaves it to the next try.
    taken = Reaction.objects.filter(pk=row.pk, tries=row.tries, state=ReactionState.WAITING).update(
        tries=F("tries") + 1, due_at=now + (pause or MOST_WITHIN))
    if taken:
        _try(row, is_last=pause is None)
    return bool(taken)


def _lately(row: Reaction, now: datetime) -> int:
    """What is done about one alarm in a row counts once."""
    done = Reaction.objects.filter(alarm__application=row.alarm.application, state=ReactionState.DONE,
                                   ended_at__gt=now - MOST_WITHIN).exclude(verb="")
    others = done.exclude(alarm=row.alarm, is_clearance=row.is_clearance)
    return others.order_by().values("alarm", "is_clearance").distinct().count()


def _try(row: Reaction, *, is_last: bool) -> None:
    try:
        said = _do(row)
    except Unanswered as error:
        # Whether it was done is not known: doing it twice may be worse than not at all.
        _end(row, ReactionState.FAILED, str(error))
    except Refused as error:
        if is_last:
            _end(row, ReactionState.FAILED, str(error))
        else:
            Reaction.objects.filter(pk=row.pk).update(said=str(error)[:NOTE_CHARACTERS])
            changes.tell(TOPIC)
    except PairwiseError as error:
        _end(row, ReactionState.FAILED, str(error))
    except DatabaseError:
        raise
    except Exception:
        log.exception("%s failed", row)
        _end(row, ReactionState.FAILED, "The console met an internal error; the log of the log reader says more.")
    else:
        _end(row, ReactionState.DONE, said)


def _end(row: Reaction, state: ReactionState, said: str) -> None:
    Reaction.objects.filter(pk=row.pk).update(state=state, said=said[:NOTE_CHARACTERS], ended_at=timezone.now())
    log.info("%s: %s, %s", row, state.label, said)
    changes.tell(TOPIC)


def _do(row: Reaction) -> str:
    """What was done, as a sentence. Raises PairwiseError."""
    name = row.alarm.application
    key = Application.objects.filter(name=name).values_list("pk", flat=True).first()
    if key is None:
        raise PairwiseError(f"There is no application {name}.")
    actor = Actor(name=row.alarm.condition_name[:150], roles=frozenset({str(Role.OPERATOR)}), origin=ORIGIN)
    return DOES[ReactionVerb(row.verb)](actor, key, name)


def _switch_over(actor: Actor, key: int, name: str) -> str:
    """Away from ``name`` alone: by now another member may serve."""
    pair = get_pair(key)
    if pair.active is None or pair.active.name != name or pair.standby is None:
        return f"{name} is not the active server of a pair, so nothing was done."
    to = pair.standby.name
    switch_over(actor=actor, application_id=key, to=to, reason="A reaction to an alarm.")
    return f"{to} took over."


def _job(verb: Callable[..., Any]) -> Callable[[Actor, int, str], str]:
    def ask(actor: Actor, key: int, name: str) -> str:
        return f"{verb(actor=actor, application_id=key)} was asked for."
    return ask


DOES: dict[ReactionVerb, Callable[[Actor, int, str], str]] = {
    ReactionVerb.SWITCHOVER: _switch_over, ReactionVerb.RESTART: _job(restart_application),
    ReactionVerb.START: _job(start_application)}
