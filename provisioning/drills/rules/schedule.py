"""When a failover drill starts by itself. Pure; all times are UTC."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

DAY = timedelta(days=1)
EVERY_MOST = 366


@dataclass(frozen=True, kw_only=True)
class DrillPlan:
    """Every ``every_days`` days at ``at``, or later until ``until`` (of the next day when it is not after ``at``).
    Nothing is due for a time before ``since``, when this was decided."""

    every_days: int
    at: time
    until: time
    since: datetime
    enabled: bool = True


def window(plan: DrillPlan, day: date) -> tuple[datetime, datetime]:
    """From when to when a drill may start that belongs to ``day``."""
    begins = datetime.combine(day, plan.at, UTC)
    ends = datetime.combine(day, plan.until, UTC)
    return begins, ends if ends > begins else ends + DAY


def due(plan: DrillPlan, now: datetime, last: datetime | None) -> bool:
    """Whether a drill is to start ``now``; ``last`` is when the last one of this plan did."""
    begins = _begun(plan, now)
    return plan.enabled and begins is not None and begins >= _earliest(plan, last)


def next_due(plan: DrillPlan, now: datetime, last: datetime | None) -> datetime | None:
    """When the next one is to start: now or later; None while it is switched off."""
    if not plan.enabled:
        return None
    earliest = _earliest(plan, last)
    begins = _begun(plan, now)
    if begins is not None and begins >= earliest:
        return begins
    day = max(earliest, now).astimezone(UTC).date()
    begins = window(plan, day)[0]
    return begins if begins >= max(earliest, now) else begins + DAY


def _begun(plan: DrillPlan, now: datetime) -> datetime | None:
    """The beginning of the window that ``now`` is in, None outside."""
    today = now.astimezone(UTC).date()
    for day in (today, today - DAY):
        begins, ends = window(plan, day)
        if begins <= now < ends:
            return begins
    return None


def _earliest(plan: DrillPlan, last: datetime | None) -> datetime:
    """No window counts that begins before this."""
    if last is None:
        return plan.since
    begun = _begun(plan, last) or window(plan, last.astimezone(UTC).date())[0]
    return max(plan.since, begun + plan.every_days * DAY)
