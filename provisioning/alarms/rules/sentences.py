"""What is told of alarms themselves. Pure."""

from collections.abc import Iterable

from protocol.events import written
from provisioning.core.text import closed
from provisioning.models import Alarm
from provisioning.states import AlarmEnd, ReactionVerb

TEXT_MAX = 1000
_HOW = {end: f"by its {end.label}" for end in (AlarmEnd.EVENT, AlarmEnd.TIMEOUT)} | {
    AlarmEnd.GONE: "as what it is about was deleted or renamed"}


def reactions(verbs: Iterable[ReactionVerb], channels: Iterable[str]) -> str:
    """``Restart, tell Night Duty``, "" for none."""
    return ", ".join([*(verb.label for verb in verbs), *(f"tell {name}" for name in channels)])


def ends_by(cancel_event: int) -> str:
    """What ends an alarm without Cancel Timeout; ``cancel_event`` 0 for none."""
    return f"It lasts until its Cancel Event, {written(cancel_event)}, or Clear" if cancel_event else \
        "It lasts until somebody clears it"


def raised(alarm: Alarm) -> str:
    return closed(f"{alarm.get_category_display()} alarm raised, {alarm.name}. {alarm.text[:TEXT_MAX]}")


def cleared(alarm: Alarm) -> str:
    how = f"by {alarm.cleared_by}: {alarm.clear_reason}" if alarm.cleared_how == AlarmEnd.HAND else \
        _HOW[AlarmEnd(alarm.cleared_how)]
    return closed(f"{alarm.get_category_display()} alarm cleared, {alarm.name}, {how}")
