"""What retention removes of a log: its messages become negative (``~message``), so that each place is still one seq.

A full copy begins after records that it knows nothing of, not even their epoch (0).
"""

from functools import cache

from messageserver.position import Position, meeting
from messageserver.retention import trim_point
from messageserver.settings import Retention

NOT_KNOWN = (0, -1)
KEEP = Retention(records=0, days=1, megabytes=0, dedup_window=0)


def begins_after(log: tuple) -> int:
    """How many records are gone."""
    return sum(message < 0 for _, message in log)


def trimmed(log: tuple, upto: int) -> tuple:
    """The log without its records up to ``upto``, as far as it has come."""
    return tuple((epoch, ~message) if place < upto and message >= 0 else (epoch, message)
                 for place, (epoch, message) in enumerate(log))


def full_copy_begins(log: tuple) -> tuple:
    """The log of a standby that is about to fetch everything that is in ``log``."""
    return (NOT_KNOWN,) * begins_after(log)


@cache
def due(log: tuple, aged: int) -> int:
    """The last record that retention does not keep, of those that are there; 0 for none."""
    removal = trim_point(KEEP, first_seq=begins_after(log) + 1, last_seq=len(log), aged=aged, bytes_used=0)
    return removal.last if removal else 0


@cache
def meet(ours: tuple, aged: int, theirs: tuple, *, believed: bool) -> tuple[int, bool]:
    """(the common point of an active server with the log ``ours`` and a standby, whether that may go on after it).
    ``believed``: where the standby begins makes no difference."""
    first = begins_after(theirs) + 1
    position = Position(len(theirs), 1 if believed else first, tuple(history(theirs)), "")
    return meeting(position, history(ours), first_seq=begins_after(ours) + 1, last_seq=len(ours),
                   kept_after=due(ours, aged) or begins_after(ours))


def history(log: tuple) -> list[tuple[int, int]]:
    """The epoch history of a log: (epoch, first seq)."""
    return [(epoch, index + 1) for index, (epoch, _) in enumerate(log)
            if epoch and (not index or log[index - 1][0] != epoch)]
