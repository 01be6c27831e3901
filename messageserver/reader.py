"""Reading the log beside the writer: replay for subscribers, batches for a peer that catches up."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from . import places
from .ownership import FILE, StoreError
from .places import block_of, span
from .records import COLUMNS, Record
from .selector import Selector
from .tails import Stored, joined_frames, stored_tails

BATCH_RECORDS = 256
BATCH_BYTES = 1024 * 1024
TAILS = 512
"""Most tails that are read at once: they cost little, next to nothing of it in the event loop."""
SCAN_RECORDS = 20_000
"""Most records that one read looks at, however few of them match."""
SCAN_BLOCKS = SCAN_RECORDS // places.BLOCK
WALK_BLOCKS = 4096
"""Most blocks that one read asks for what it wants: a few milliseconds."""
Result = TypeVar("Result")
Found = TypeVar("Found")
Row = tuple[Any, ...]
"""What a statement finds: the seq first."""


class Batch(NamedTuple, Generic[Found]):
    """``records`` in order; the next read starts at ``next_seq`` (nothing that matches lies before it)."""

    records: list[Found]
    next_seq: int


class Frames(NamedTuple):
    """``messages`` whole MESSAGE frames in order, as they are sent; the next read starts at ``next_seq``."""

    messages: int
    data: bytes
    next_seq: int


class Wanted(NamedTuple):
    """``pattern`` is a destination, or a prefix followed by ``*``; of the records there those that ``selector``
    selects, None for all."""

    pattern: str = "*"
    selector: Selector | None = None

    def condition(self) -> tuple[str, list[int | str | bytes]]:
        """In SQL: what follows WHERE and AND, and its values."""
        where, values = _of_pattern(self.pattern)
        if self.selector is not None:
            more, lines = self.selector.condition()
            return where + more, [*values, *lines]
        return where, values


def _of_pattern(pattern: str) -> tuple[str, list[int | str | bytes]]:
    if pattern == "*":
        return "", []
    if pattern.endswith("*"):
        return " AND substr(destination, 1, ?) = ?", [len(pattern) - 1, pattern[:-1]]
    return " AND destination = ?", [pattern]


class Parts(NamedTuple):
    """Where the log has to be looked at: ``ranges`` of seqs, both ends included, and in none of what lies between them.
    The next part is looked at from ``next_seq`` on."""

    ranges: list[tuple[int, int]]
    next_seq: int


class Reader:
    """A read-only connection, used by one thread at a time. Raises StoreError."""

    def __init__(self, directory: Path):
        try:
            self._db = sqlite3.connect(f"file:{directory / FILE}?mode=ro", uri=True, isolation_level=None,
                                       check_same_thread=False, timeout=10)
        except sqlite3.Error as error:
            raise StoreError(f"cannot read the messages: {error}") from error

    def close(self) -> None:
        self._db.close()

    def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """What ``work`` finds in the records."""
        try:
            return work(self._db)
        except sqlite3.Error as error:
            raise StoreError(f"cannot read the messages: {error}") from error

    def read(self, from_seq: int, upto: int, *, pattern: str = "*", selector: Selector | None = None,
             limit: int = BATCH_RECORDS, max_bytes: int = BATCH_BYTES) -> Batch[Record]:
        """Records from ``from_seq`` to ``upto`` (both included) that are ``Wanted(pattern, selector)``. At most
        ``limit`` and about ``max_bytes``. It looks at a part of the log, and may find none there."""
        wanted = Wanted(pattern, selector)
        found = self.run(lambda db: _read(db, from_seq, upto, wanted, limit, max_bytes, _records, _size_of_record))
        return Batch([Record(*row) for row in found.records], found.next_seq)

    def tails(self, from_seq: int, upto: int, wanted: Wanted, limit: int = TAILS) -> Batch[Stored]:
        """As ``read``, for whoever only hands them on."""
        return self.run(lambda db: _read(db, from_seq, upto, wanted, limit, BATCH_BYTES, stored_tails, _size_of_tail))

    def frames(self, from_seq: int, upto: int, wanted: Wanted, head: bytes) -> Frames | None:
        """The next records as frames that begin with ``head``; None where they have to be taken one by one: ``tails``
        has them."""
        return self.run(lambda db: _frames(db, from_seq, upto, wanted, head))

    def these(self, seqs: Sequence[int], max_bytes: int = BATCH_BYTES) -> list[Record]:
        """The records with these ``seqs`` (ascending) that are still there, from the first on, about ``max_bytes``."""
        return self.run(lambda db: _these(db, seqs, max_bytes))

    def newest(self, below: int, wanted: Wanted, count: int) -> tuple[list[int], int]:
        """(seqs of at most ``count`` records before ``below``, the newest first; the next look is before this seq, 0
        when all was looked at). It looks at a part of the log."""
        return self.run(lambda db: _newest(db, below, wanted, count))

    def first_at(self, time: int, upto: int) -> int:
        """The seq of a record that is not older than ``time`` (Unix, milliseconds) and follows one that is; the oldest
        one when none is older, ``upto`` + 1 when all up to there are."""
        return self.run(lambda db: _first_at(db, time, upto))


def _oldest(db: sqlite3.Connection) -> int | None:
    found: int | None = db.execute("SELECT min(seq) FROM records").fetchone()[0]
    return found


def _records(db: sqlite3.Connection, pattern: str, where: str, values: Sequence[int | str | bytes]) -> sqlite3.Cursor:
    return db.execute(f"SELECT {COLUMNS} FROM records WHERE {where} ORDER BY seq", values)


def _size_of_record(row: Row) -> int:
    return len(row[4]) + len(row[5])


def _size_of_tail(row: Stored) -> int:
    return len(row[2])


def _read(db: sqlite3.Connection, from_seq: int, upto: int, wanted: Wanted, limit: int, max_bytes: int,
          select: Callable[[sqlite3.Connection, str, str, Sequence[int | str | bytes]], sqlite3.Cursor],
          size_of: Callable[[Found], int]) -> Batch[Found]:
    oldest = _oldest(db)
    if oldest is None or from_seq > upto:
        return Batch([], max(from_seq, upto + 1))
    where, values = wanted.condition()
    parts = _parts(db, max(from_seq, oldest), upto, wanted.pattern)
    found: list[Found] = []
    size = 0
    for first, last in parts.ranges:
        cursor = select(db, wanted.pattern, f"seq BETWEEN ? AND ?{where}", (first, last, *values))
        for row in cursor:
            size += size_of(row)
            if len(found) == limit or (found and size > max_bytes):
                cursor.close()
                return Batch(found, row[0])
            found.append(row)
    return Batch(found, parts.next_seq)


def _frames(db: sqlite3.Connection, from_seq: int, upto: int, wanted: Wanted, head: bytes) -> Frames | None:
    oldest = _oldest(db)
    if oldest is None or from_seq > upto:
        return Frames(0, b"", max(from_seq, upto + 1))
    where, values = wanted.condition()
    parts = _parts(db, max(from_seq, oldest), upto, wanted.pattern)
    for first, last in parts.ranges:
        found = joined_frames(db, head, wanted.pattern, f"seq BETWEEN ? AND ?{where}", (first, last, *values), TAILS)
        if found is None:
            return None
        count, newest, data = found
        if count:
            return Frames(count, data, newest + 1)
    return Frames(0, b"", parts.next_seq)


def _these(db: sqlite3.Connection, seqs: Sequence[int], max_bytes: int) -> list[Record]:
    found: list[Record] = []
    size = 0
    for seq in seqs:
        row = db.execute(f"SELECT {COLUMNS} FROM records WHERE seq = ?", (seq,)).fetchone()
        if row is not None:
            found.append(Record(*row))
            size += len(row[5])
        if size > max_bytes:
            break
    return found


def _parts(db: sqlite3.Connection, start: int, upto: int, pattern: str) -> Parts:
    """Where what matches ``pattern`` may lie from ``start`` on."""
    whole_from = places.whole_from(db)
    if pattern == "*" or start < whole_from:
        end = min(upto, start + SCAN_RECORDS - 1)
        return Parts([(start, end)], end + 1)
    first = block_of(start)
    last = min(block_of(upto), first + WALK_BLOCKS - 1)
    blocks = places.blocks(db, first, last, pattern, SCAN_BLOCKS)
    if len(blocks) == SCAN_BLOCKS:
        last = blocks[-1]
    ranges = [(max(start, first), min(upto, end)) for first, end in _joined(blocks)]
    return Parts(ranges, min(upto, span(last)[1]) + 1)


def _newest(db: sqlite3.Connection, below: int, wanted: Wanted, count: int) -> tuple[list[int], int]:
    oldest = _oldest(db)
    if oldest is None or below <= oldest:
        return [], 0
    where, values = wanted.condition()
    parts = parts_before(db, below, oldest, wanted.pattern)
    found: list[int] = []
    for first, last in parts.ranges:
        rows = db.execute(f"SELECT seq FROM records WHERE seq BETWEEN ? AND ?{where} ORDER BY seq DESC LIMIT ?",
                          (first, last, *values, count - len(found)))
        found += [seq for seq, in rows]
        if len(found) == count:
            break
    return found, parts.next_seq if parts.next_seq > oldest else 0


def parts_before(db: sqlite3.Connection, below: int, oldest: int, pattern: str) -> Parts:
    """Where what matches ``pattern`` may lie before ``below``, the newest first."""
    upto, whole_from = below - 1, max(oldest, places.whole_from(db))
    if pattern == "*" or upto < whole_from:
        begin = max(oldest, below - SCAN_RECORDS)
        return Parts([(begin, upto)], begin)
    last = block_of(upto)
    first = max(block_of(whole_from), last - WALK_BLOCKS + 1)
    blocks = places.blocks(db, last, first, pattern, SCAN_BLOCKS)
    if len(blocks) == SCAN_BLOCKS:
        first = blocks[-1]
    begin = max(span(first)[0], whole_from)
    return Parts([(max(begin, low), min(upto, high)) for low, high in map(span, blocks)], begin)


def _joined(blocks: Iterable[int]) -> list[tuple[int, int]]:
    """The first and last seq of each run of ``blocks`` that follow one another."""
    runs: list[tuple[int, int]] = []
    for block in blocks:
        first, last = span(block)
        if runs and runs[-1][1] + 1 == first:
            runs[-1] = runs[-1][0], last
        else:
            runs.append((first, last))
    return runs


def _first_at(db: sqlite3.Connection, time: int, upto: int) -> int:
    low, high = _oldest(db) or upto + 1, upto + 1
    while low < high:
        middle = (low + high) // 2
        found = db.execute("SELECT time FROM records WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,)).fetchone()
        if found is None or found[0] >= time:
            high = middle
        else:
            low = middle + 1
    return low
