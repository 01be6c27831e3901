"""From when until when charts show, and in how large steps. Pure."""

from dataclasses import dataclass

from provisioning.charts.facts import DAY_S, EVERY_S, FINE_KEPT_S, HOUR_S, LONG_S


@dataclass(frozen=True)
class Range:
    """``length``, the ``step`` of a chart and that of its table, s; ``refresh_ms``: how often an open page shows it
    anew."""

    name: str
    label: str
    length: int
    step: int
    table_step: int
    refresh_ms: int
    with_day: bool = False


RANGES = {each.name: each for each in (
    Range("1h", "1 h", HOUR_S, 30, 60, 10_000),
    Range("24h", "24 h", DAY_S, 300, 1800, 60_000),
    Range("7d", "7 d", 7 * DAY_S, 1800, 3 * HOUR_S, 300_000, with_day=True),
    Range("30d", "30 d", 30 * DAY_S, 2 * HOUR_S, 12 * HOUR_S, 300_000, with_day=True))}
FIRST = "1h"


@dataclass(frozen=True)
class Window:
    """[since, until) of a range, Unix time in seconds: multiples of its step. ``stored``: the step in which what is
    kept is read; ``step``: that of the chart; ``goes_on``: it ends now."""

    range: Range
    since: int
    until: int
    stored: int
    step: int
    goes_on: bool

    @property
    def earlier(self) -> int:
        """Until when the window before it shows."""
        return self.since

    @property
    def has_later(self) -> bool:
        return not self.goes_on

    @property
    def later(self) -> int:
        return self.until + self.range.length


def window(name: str, until: int | None, now: int) -> Window:
    """What an address asks for: a range, and until when; anything else is the first range, until now."""
    chosen = RANGES.get(name) or RANGES[FIRST]
    goes_on = until is None or until >= now or until < chosen.length
    # The second that has begun is within.
    end = -(-(now + 1 if until is None or goes_on else until) // chosen.step) * chosen.step
    since = end - chosen.length
    stored = EVERY_S if chosen.step < LONG_S and since >= now - FINE_KEPT_S else LONG_S
    return Window(chosen, since, end, stored, max(chosen.step, stored), goes_on)
