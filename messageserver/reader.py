"""Reading the log beside the writer: replay for subscribers, batches for a peer that catches up."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from .ownership import FILE, StoreError
from .records import COLUMNS, Record

BATCH_RECORDS = 256
BATCH_BYTES = 1024 * 1024
SCAN_RECORDS = 20_000
"""Most records that one read looks at, however few of them match."""
Result = TypeVar("Result")


class Batch(NamedTuple):
    """``records`` in order; the next read starts at ``next_seq`` (nothing that matches lies before it)."""

    records: list[Record]
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

    def read(self, from_seq: int, upto: int, *, pattern: str = "*", limit: int = BATCH_RECORDS,
             max_bytes: int = BATCH_BYTES) -> Batch:
        """Records from ``from_seq`` to ``upto`` (both included) whose destination matches ``pattern``.

        ``pattern`` is a destination, or a prefix followed by ``*``. At most ``limit`` records and about
        ``max_bytes``; at least one when there is one.
        """
        try:
            oldest = self._db.execute("SELECT min(seq) FROM records").fetchone()[0]
            if oldest is None or from_seq > upto:
                return Batch([], max(from_seq, upto + 1))
            start = max(from_seq, oldest)
            end = min(upto, start + SCAN_RECORDS - 1)
            where, values = _condition(pattern)
            cursor = self._db.execute(f"SELECT {COLUMNS} FROM records WHERE seq BETWEEN ? AND ?{where} ORDER BY seq",
                                      (start, end, *values))
            return self._collect(cursor, end, limit, max_bytes)
        except sqlite3.Error as error:
            raise StoreError(f"cannot read the messages: {error}") from error

    @staticmethod
    def _collect(cursor: sqlite3.Cursor, end: int, limit: int, max_bytes: int) -> Batch:
        found: list[Record] = []
        size = 0
        for row in cursor:
            if len(found) == limit or (found and size + len(row[5]) > max_bytes):
                cursor.close()
                return Batch(found, row[0])
            found.append(Record(*row))
            size += len(row[4]) + len(row[5])
        return Batch(found, end + 1)


def _condition(pattern: str) -> tuple[str, tuple[int | str, ...]]:
    if pattern == "*":
        return "", ()
    if pattern.endswith("*"):
        return " AND substr(destination, 1, ?) = ?", (len(pattern) - 1, pattern[:-1])
    return " AND destination = ?", (pattern,)
