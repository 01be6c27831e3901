"""Clocks of servers and hosts beside control's own."""

from control.facts import EventRow
from control.live import LiveApplication
from control.narration import CLOCK_OFF_S, CLOCK_STEP_S, pair_event
from protocol.events import Own


def look_at_clock(live: LiveApplication, clock: float, now: float) -> EventRow | None:
    """Keep by how much the clock of the server's machine (``clock``, 0: not said) is ahead of ours; an event once it is
    off. Both are Unix times."""
    connection = live.connection
    if not clock or connection is None:
        return None
    before, offset = connection.clock_offset_s, round(clock - now, 1)
    # What a report takes on its way is no change.
    if before is None or abs(offset - before) >= CLOCK_STEP_S:
        connection.clock_offset_s = offset
    if abs(offset) <= CLOCK_OFF_S or _is_told(before, offset):
        return None
    direction = "ahead of" if offset > 0 else "behind"
    return pair_event(live, Own.CLOCK_OFF, (
        f"The clock of {live.facts.name}'s machine is {abs(offset):.0f} s {direction} that of control. Nothing is "
        "removed for it, but the times that it gives are wrong: set one of the two."))


def _is_told(before: float | None, offset: float) -> bool:
    """A clock that was off already; one that was set, wrongly again, is news."""
    return before is not None and abs(before) > CLOCK_OFF_S and abs(offset - before) <= CLOCK_OFF_S
