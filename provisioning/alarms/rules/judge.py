"""What happens to alarms: which are raised, raised again and cleared by events, and by time alone. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from protocol.events import OF_ALARMS
from provisioning.alarms.facts import Condition, Happened, Standing
from provisioning.states import AlarmEnd, AlarmSelection

Place = tuple[int, tuple[str, str]]
"""A condition and what the alarm is about: there is one active alarm at each."""
OLDEST = timedelta(days=30)
"""What happened longer ago raises nothing where no Cancel Timeout says so."""


def numbers(conditions: Iterable[Condition]) -> frozenset[int]:
    """Numbers of the events that say anything to ``conditions``; what is told of alarms never does."""
    return frozenset(number for condition in conditions for number in (condition.detect_event, condition.cancel_event)
                     if number and number not in OF_ALARMS)


def selects(condition: Condition, event: Happened) -> bool:
    """Whether ``condition`` is about the application of ``event``."""
    match condition.selection_mode:
        case AlarmSelection.TYPE:
            return event.type == condition.application_type
        case AlarmSelection.APPLICATION:
            return event.application == condition.application
        case _:
            return True


def judge(conditions: Collection[Condition], standing: Iterable[Standing], happened: Iterable[Happened], *,
          now: datetime) -> list[Standing]:
    """The alarms that ``happened``, in its order, raised or changed: first those that were cleared, then those that are
    active. ``standing`` are the active ones that there were."""
    active: dict[Place, Standing] = {(alarm.condition, alarm.about): alarm for alarm in standing
                                     if alarm.condition is not None}
    cleared: list[Standing] = []
    changed: set[Place] = set()
    for event in happened:
        for condition in conditions:
            if event.number not in (condition.detect_event, condition.cancel_event) or not selects(condition, event):
                continue
            place = condition.key, event.about
            before = active.get(place)
            if event.number == condition.cancel_event:
                if before is not None:
                    cleared.append(_cleared(active.pop(place), event))
                    changed.discard(place)
            elif (after := _raised(condition, before, event, now)) is not None:
                active[place] = after
                changed.add(place)
    return [*cleared, *(alarm for place, alarm in active.items() if place in changed)]


def _raised(condition: Condition, before: Standing | None, event: Happened, now: datetime) -> Standing | None:
    """None where ``event`` raises nothing: the condition is disabled, somebody had asked for what caused it, or it is
    so old that the timeout would have cleared the alarm by now, as when a log is read from its beginning."""
    timeout = condition.cancel_timeout
    if not condition.enabled or event.planned or event.at + (timeout or OLDEST) <= now:
        return None
    # A clock that is ahead keeps no alarm for longer than the timeout says.
    ends_at = min(event.at, now) + timeout if timeout else None
    if before is not None:
        last = None if ends_at is None or before.ends_at is None else max(before.ends_at, ends_at)
        return replace(before, times=before.times + 1, text=event.text, last_at=max(before.last_at, event.at),
                       ends_at=last, host=event.host or before.host)
    return Standing(
        key=None, condition=condition.key, condition_name=condition.name, category=condition.category,
        number=event.number, application=event.application, application_type=event.type, host=event.host,
        text=event.text, raised_at=event.at, last_at=event.at, ends_at=ends_at, by_record=event.is_record)


def _cleared(alarm: Standing, event: Happened) -> Standing:
    # The clocks of two machines may differ: nothing is over before it was there.
    return replace(alarm, cleared_at=max(event.at, alarm.last_at), cleared_how=AlarmEnd.EVENT,
                   by_record=event.is_record)


def timed_out(standing: Iterable[Standing], *, now: datetime) -> list[Standing]:
    """Those that nothing was heard of for as long as their conditions say."""
    return [replace(alarm, cleared_at=now, cleared_how=AlarmEnd.TIMEOUT) for alarm in standing
            if alarm.ends_at is not None and alarm.ends_at <= now]


def gone(standing: Iterable[Standing], *, now: datetime) -> list[Standing]:
    """``standing``, whose applications and hosts are not there any more: no event will clear them."""
    return [replace(alarm, cleared_at=now, cleared_how=AlarmEnd.GONE) for alarm in standing]
