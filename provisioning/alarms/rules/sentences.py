"""What is told of alarms themselves. Pure."""

from provisioning.core.text import closed
from provisioning.models import Alarm
from provisioning.states import AlarmEnd

TEXT_MAX = 1000
_HOW = {end: f"by its {end.label}" for end in (AlarmEnd.EVENT, AlarmEnd.TIMEOUT)} | {
    AlarmEnd.GONE: "as what it is about was deleted or renamed"}


def raised(alarm: Alarm) -> str:
    return closed(f"{alarm.get_category_display()} alarm raised, {alarm.name}. {alarm.text[:TEXT_MAX]}")


def cleared(alarm: Alarm) -> str:
    how = f"by {alarm.cleared_by}: {alarm.clear_reason}" if alarm.cleared_how == AlarmEnd.HAND else \
        _HOW[AlarmEnd(alarm.cleared_how)]
    return closed(f"{alarm.get_category_display()} alarm cleared, {alarm.name}, {how}")
