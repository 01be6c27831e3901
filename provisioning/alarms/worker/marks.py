"""What is noted at alarms beside their own state: that a maintenance masks them, and from which they follow."""

from collections.abc import Sequence
from datetime import datetime

from provisioning.alarms.rules.masks import causes, is_masked
from provisioning.alarms.selectors.concerned import concerned, raised_with, windows
from provisioning.models import Alarm


def mask(now: datetime) -> bool:
    """Mask what a maintenance is about, and no longer what none is about any more; whether anything changed."""
    active, going_on = Alarm.objects.filter(cleared_at=None), windows(now)
    if not going_on:
        former = active.filter(masked=True)
        return former.exists() and bool(former.update(masked=False))
    rows = list(active)
    masked = {alarm.key for alarm in concerned(rows) if is_masked(alarm, going_on, now)}
    changed = [row.pk for row in rows if row.masked != (row.pk in masked)]
    active.filter(pk__in=[key for key in changed if key in masked]).update(masked=True)
    active.filter(pk__in=[key for key in changed if key not in masked]).update(masked=False)
    return bool(changed)


def mark_new(rows: Sequence[Alarm], now: datetime) -> None:
    """Alarms that were just stored: masked from the first moment on, and with their causes."""
    if going_on := windows(now):
        masked = [alarm.key for alarm in concerned(rows) if is_masked(alarm, going_on, now)]
        Alarm.objects.filter(pk__in=masked).update(masked=True)
    found: dict[int, list[int]] = {}
    for key, cause in causes(concerned(raised_with(rows))).items():
        found.setdefault(cause, []).append(key)
    for cause, keys in found.items():
        Alarm.objects.filter(pk__in=keys, cause=None).update(cause=cause)
