"""When the console does something by itself about an alarm, and how often. Pure."""

from datetime import timedelta

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 10, 20, 40))
"""After a try that was refused; after the last of them nothing is tried any more."""
LATE = timedelta(minutes=5)
"""What happened longer ago, as while nobody judged, is left to people."""
MOST, MOST_WITHIN = 3, timedelta(hours=1)
"""So many reactions to one application at most: one that fails again and again needs somebody."""


def next_pause(tries: int) -> timedelta | None:
    """After so many tries; None: that was the last one."""
    return PAUSES[tries - 1] if tries <= len(PAUSES) else None


def why_not(*, is_active: bool, is_clearance: bool, masked: bool, lately: int) -> str:
    """Why a reaction that was planned is left out now, as a sentence; "" when it is to be done. ``lately``: how many
    were done to the application within MOST_WITHIN."""
    if not is_clearance and not is_active:
        return "The alarm was cleared meanwhile."
    if masked:
        return "The alarm is masked by a maintenance."
    if lately >= MOST:
        return f"{lately} reactions were done to it within an hour. Somebody has to look at it."
    return ""
