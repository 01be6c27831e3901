"""When an alarm is told, what of it, and together with what. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from provisioning.notifications.facts import AlarmFact, NoticeFact, RuleFact
from provisioning.states import Told

from .times import after_quiet

HOUR = timedelta(hours=1)
ORDER = (Told.RAISED, Told.REPEATED, Told.CLEARED)
"""In which messages of the same moment go."""
TOLD_BEFORE = frozenset({Told.RAISED, Told.REPEATED})


class Hold(Enum):
    """By what an alarm is held that is to be told."""

    MASKED = "a maintenance"
    LIMIT = "the Limit"
    QUIET = "the Quiet Hours"
    GATHER = "Gather For"
    WAIT = "the Wait"


class Rest(Enum):
    """What else than a message: nothing yet, no further reminder, nothing more at all."""

    LATER, ENOUGH, OVER = range(3)


@dataclass(frozen=True)
class Item:
    """``what`` is told of ``alarm``."""

    what: Told
    alarm: AlarmFact


def first_due(rule: RuleFact, now: datetime) -> datetime:
    """When an alarm that was raised ``now`` is told."""
    return after_quiet(now + timedelta(seconds=rule.wait_s), rule.quiet_hours, rule.time_zone)


def what_next(rule: RuleFact, notice: NoticeFact, now: datetime) -> Told | Rest:
    """What is told of the alarm of ``notice`` now."""
    alarm, is_due = notice.alarm, notice.due_at is not None and notice.due_at <= now
    if notice.over:
        return Rest.OVER
    if not notice.told:
        if alarm.cleared_at is not None and (rule.wait_s or alarm.is_masked):
            return Rest.OVER
        found: Told | Rest = Told.RAISED if is_due else Rest.LATER
    elif alarm.cleared_at is not None:
        found = Told.CLEARED if rule.recovery else Rest.OVER
    elif not is_due:
        return Rest.LATER
    else:
        found = Told.REPEATED if rule.repeat_h and not alarm.is_acknowledged else Rest.ENOUGH
    if alarm.is_masked and found in (Told.RAISED, Told.REPEATED):
        return Rest.LATER
    is_quiet = after_quiet(now, rule.quiet_hours, rule.time_zone) > now
    return Rest.LATER if isinstance(found, Told) and is_quiet else found


def after_telling(rule: RuleFact, notice: NoticeFact, told: Told, now: datetime, *, is_digest: bool) -> NoticeFact:
    """``notice`` once that was told. A digest says of an alarm that it was cleared: that is not told again."""
    if is_digest and notice.alarm.cleared_at is not None:
        told = Told.CLEARED
    again = told != Told.CLEARED and rule.repeat_h
    due_at = after_quiet(now + timedelta(hours=rule.repeat_h), rule.quiet_hours, rule.time_zone) if again else None
    over = told == Told.CLEARED or not (rule.recovery or rule.repeat_h)
    return replace(notice, told=told, told_at=now, due_at=due_at, over=over)


def became_due(notice: NoticeFact) -> datetime | None:
    """Since when there is something to tell, None where nobody knows."""
    if notice.told and notice.alarm.cleared_at is not None:
        return notice.alarm.cleared_at
    return notice.due_at


def next_message_at(rule: RuleFact, sent: Sequence[datetime]) -> datetime | None:
    """Before this nothing more is sent by ``rule``, which sent at the times ``sent``; None: at once."""
    return max(filter(None, (_gathers_until(rule, sent), limit_ends(rule, sent))), default=None)


def _gathers_until(rule: RuleFact, sent: Sequence[datetime]) -> datetime | None:
    return max(sent) + timedelta(seconds=rule.group_s) if sent else None


def limit_ends(rule: RuleFact, sent: Sequence[datetime]) -> datetime | None:
    """When ``rule``, which sent at the times ``sent``, may send again by its Limit; None where it may at once."""
    return sorted(sent)[-rule.limit_per_hour] + HOUR if len(sent) >= rule.limit_per_hour else None


def held(rule: RuleFact, notice: NoticeFact, sent: Sequence[datetime],
         now: datetime) -> tuple[Hold, datetime | None] | None:
    """Why what ``rule`` has to say of the alarm of ``notice`` waits, and until when where that is known; None where
    nothing waits, as the reminder of an alarm that was told."""
    is_over = notice.alarm.cleared_at is not None
    if what_next(rule, notice, now) in (Rest.OVER, Rest.ENOUGH) or (notice.told and not is_over):
        return None
    if notice.alarm.is_masked and not is_over:
        return Hold.MASKED, None
    ends = ((Hold.QUIET, after_quiet(now, rule.quiet_hours, rule.time_zone)), (Hold.LIMIT, limit_ends(rule, sent)),
            (Hold.GATHER, _gathers_until(rule, sent)), (Hold.WAIT, None if notice.told else notice.due_at))
    # Of several the one that lasts longest; Quiet Hours are in the time that Wait ends, too.
    return max(((why, until) for why, until in ends if until is not None and until > now),
               key=lambda each: each[1], default=None)


def is_digest(rule: RuleFact, sent: Sequence[datetime], due: Sequence[datetime], kinds: int, now: datetime) -> bool:
    """Whether what is told ``now`` had to wait for the limit, or would exceed it with a message of each of its
    ``kinds``; it became ``due`` then."""
    if sum(at > now - HOUR for at in sent) + kinds > rule.limit_per_hour:
        return True
    return bool(due) and sum(at > min(due) - HOUR for at in sent) >= rule.limit_per_hour


def batches(told: Sequence[Item], *, as_digest: bool) -> list[tuple[Told, list[AlarmFact]]]:
    """The messages of a moment: one of each kind, or one digest of all."""
    if as_digest:
        return [(Told.DIGEST, list({each.alarm.id: each.alarm for each in told}.values()))] if told else []
    found = [(what, [each.alarm for each in told if each.what == what]) for what in ORDER]
    return [(what, alarms) for what, alarms in found if alarms]
