"""When the console does something by itself about an alarm, and how often. Pure."""

from datetime import timedelta

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 10, 20, 40))
"""After a try that was refused; after the last of them nothing is tried any more."""
LATE = timedelta(minutes=5)
"""What happened longer ago, as while nobody judged, is left to people."""
MOST, MOST_WITHIN = 3, timedelta(hours=1)
"""About so many alarms of one application at most something is done: one that fails again and again needs
somebody."""


def next_pause(tries: int) -> timedelta | None:
    """After so many tries; None: that was the last one."""
    return PAUSES[tries - 1] if tries <= len(PAUSES) else None


def why_not_plan(*, by_record: bool, has_application: bool, is_late: bool) -> str:
    """Why nothing is done about an alarm that was just raised or cleared, as a sentence; "" when something is."""
    if by_record:
        return "It was a log record, and whoever may publish records has nothing done by them."
    if not has_application:
        return "The alarm is about no application."
    return f"It happened more than {LATE.seconds // 60} minutes ago." if is_late else ""


def why_not(*, is_active: bool, is_clearance: bool, masked: bool, lately: int) -> str:
    """Why a reaction that was planned is left out now, as a sentence; "" when it is to be done. ``lately``: about how
    many other alarms, raised or cleared, something was done to the application within MOST_WITHIN."""
    if not is_clearance and not is_active:
        return "The alarm was cleared meanwhile."
    if masked:
        return "The alarm is masked by a maintenance."
    if lately >= MOST:
        return f"There were reactions to it {lately} times within an hour. Somebody has to look at it."
    return ""


def why_not_tell(*, is_clearance: bool, masked: bool, was_told: bool, channel: str, is_there: bool,
                 enabled: bool) -> str:
    """Why a channel is not told, as a sentence; "" when it is. The end of what it ``was_told`` is told during a
    maintenance, too."""
    if not is_there:
        return f"The channel {channel} was deleted."
    if not enabled:
        return f"The channel {channel} is disabled."
    return "The alarm is masked by a maintenance." if masked and not (is_clearance and was_told) else ""
