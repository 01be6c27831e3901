"""Quiet hours of a notification rule. Pure."""

import re
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")


@cache
def zone_names() -> frozenset[str]:
    """Names that the system's database of time zones has."""
    return frozenset(available_timezones()) | {"UTC"}


def hours_of(text: str) -> tuple[time, time] | None:
    """(begin, end) of "22:00-06:00", None for anything else, also for hours that begin and end at the same time."""
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        return None
    begin, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    return None if begin == end else (begin, end)


def after_quiet(at: datetime, quiet_hours: str, time_zone: str) -> datetime:
    """``at``, or the end of the quiet hours that it lies in; in UTC. What cannot be read keeps nobody quiet."""
    hours = hours_of(quiet_hours)
    if hours is None or time_zone not in zone_names():
        return at
    begin, end = hours
    local = at.astimezone(ZoneInfo(time_zone))
    clock = local.time().replace(tzinfo=None, fold=0)
    quiet = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not quiet:
        return at
    day = local.date() + timedelta(days=1 if begin > end and clock >= begin else 0)
    # An hour that the clock shows twice ends at its second time only if it began before.
    ends = datetime.combine(day, end, ZoneInfo(time_zone)).astimezone(UTC)
    if ends <= at:
        ends = datetime.combine(day, end.replace(fold=1), ZoneInfo(time_zone)).astimezone(UTC)
    return max(ends, at.astimezone(UTC))
