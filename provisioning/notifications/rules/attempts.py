"""When a message that was not taken is tried again. Pure."""

from datetime import datetime, timedelta

WAITS = tuple(timedelta(seconds=s) for s in (10, 60, 5 * 60, 30 * 60, 2 * 3600, 6 * 3600))
"""After the first attempt, the second …; after the last of these always that long."""
GIVEN_UP_AFTER = timedelta(hours=24)


def next_attempt(attempts: int, created_at: datetime, now: datetime) -> datetime | None:
    """After ``attempts`` that failed, the last of them ``now``; None: it is given up."""
    at = now + WAITS[min(attempts, len(WAITS)) - 1]
    return at if at <= created_at + GIVEN_UP_AFTER else None
