"""How much of one application on one host is kept: so many log records a second, averaged over a minute. Pure.

Time is when the Message Server took a record, so it is the same however late, and however fast, the records are read.
What is left out is counted in one record a minute. It takes the place of the first that was left out, which no other
record has, so one that is read again finds it there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from protocol.events import Own, level_of, written
from protocol.log_records import AUDIT, CATEGORIES
from provisioning.logs.rules.messages import Row

AVERAGED_S = 60
KNOWN_MOST = 20_000
"""Programs name themselves: of so many the last one is remembered, and who is forgotten begins anew."""

Key = tuple[str, str, str]
"""Application, host, level: a storm of traces leaves out no alarm."""


class Left(NamedTuple):
    """``row`` is the first of so many ``records`` that were left out, without what it said."""

    row: Row
    records: int


class Spoken(NamedTuple):
    """What a key may still say, ``room`` records at the moment ``at`` (milliseconds), and what was left out of it in
    the last minute in which something was."""

    room: float
    at: int
    left: Left | None = None


@dataclass(frozen=True)
class Bounded:
    """``kept``: the rows that are written; ``counts``: the records that count what is left out, once more with a higher
    count where they are there; ``spoken``: what has changed."""

    kept: list[Row]
    counts: list[Row]
    spoken: dict[Key, Spoken]


def bounded(spoken: Mapping[Key, Spoken], rows: Sequence[Row], per_second: int) -> Bounded:
    """What is kept of ``rows`` after all that was ``spoken``. 0 for ``per_second``: all of them."""
    if not per_second:
        return Bounded(list(rows), [], {})
    most, kept = float(per_second * AVERAGED_S), list[Row]()
    changed, counted = dict[Key, Spoken](), dict[tuple[int, int], Left]()
    for row in rows:
        if row.category == AUDIT:
            kept.append(row)
            continue
        key = (row.application, row.host, row.level)
        room, at, left = changed.get(key) or spoken.get(key) or Spoken(most, row.received)
        # A log that is read again, and a member with another clock, begin earlier than the last one ended.
        room = min(most, room + max(0, row.received - at) * per_second / 1000)
        if room >= 1:
            room -= 1
            kept.append(row)
        else:
            left = _left(left, row)
            counted[left.row.epoch, left.row.seq] = left
        changed[key] = Spoken(room, row.received, left)
    return Bounded(kept, [_counting(left, per_second) for left in counted.values()], changed)


def remembered(spoken: dict[Key, Spoken], changed: Mapping[Key, Spoken]) -> None:
    """``changed`` is part of ``spoken`` from now on, and who was silent for longest is forgotten."""
    for key in changed:
        spoken.pop(key, None)
    spoken.update(changed)
    for key in list(islice(spoken, max(0, len(spoken) - KNOWN_MOST))):
        del spoken[key]


def _left(before: Left | None, row: Row) -> Left:
    if before is not None and 0 <= row.received - before.row.received < AVERAGED_S * 1000:
        return before._replace(records=before.records + 1)
    return Left(row._replace(text="", attributes="{}"), 1)


def _counting(left: Left, per_second: int) -> Row:
    """The record that says it, of the same application and host, so that whoever looks for theirs finds it."""
    first = left.row
    who = f"{first.application or 'whoever names no application'}{f' on {first.host}' if first.host else ''}"
    records = "1 log record was" if left.records == 1 else f"{left.records} log records were"
    text = (f"From here on {records} left out of those of {who} with level {first.level}: within a minute "
            f"there came more than {per_second} a second.")
    return first._replace(level=level_of(Own.LEFT_OUT), number=written(Own.LEFT_OUT), event=int(Own.LEFT_OUT),
                          category=CATEGORIES[0], text=text)
