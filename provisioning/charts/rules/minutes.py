"""The last hour of servers, a number a minute: messages acknowledged a second. Pure."""

from collections.abc import Mapping, Sequence

from provisioning.charts.facts import NAN

MINUTES = 60
Hour = tuple[float, ...]
"""Of MINUTES minutes, the last one at the end; NaN where nobody knows."""
NEVER: Hour = (NAN,) * MINUTES


def moved(hour: Hour, minutes: int, rate: float) -> Hour:
    """The same so many minutes later, when ``rate`` is that of the last one."""
    if minutes <= 0:
        return hour
    return (*hour, *(NAN,) * (min(minutes, MINUTES) - 1), rate)[-MINUTES:]


def went_on(hours: Mapping[int, Hour], minutes: int, rates: Mapping[int, float]) -> dict[int, Hour]:
    """{key: its hour}, so many minutes later; who has no number any more goes."""
    found = {key: moved(hours.get(key, NEVER), minutes, rates.get(key, NAN)) for key in {*hours, *rates}}
    return {key: hour for key, hour in found.items() if any(value == value for value in hour)}


def together(hours: Sequence[Hour]) -> Hour:
    """Of several servers, as of one: what is known of any of them."""
    return tuple(sum(there) if (there := [value for value in minute if value == value]) else NAN
                 for minute in zip(*hours, strict=True)) if hours else NEVER
