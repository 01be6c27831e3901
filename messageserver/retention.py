"""How old records are, and which of them retention removes. No clock that somebody can set has a part in it.

A store counts the time that it has lived: while it is open, and between two processes on a machine that was not
restarted meanwhile. Every now and then it notes up to which record it had come by then; a record is as old as the
oldest of these notes that covers it. It may be older, never younger: so a jump of the clock removes nothing, and a
record that is stamped in the future holds nothing up. What passed while the machine was down is not counted, and the
records are kept that much longer.
"""

import sqlite3
from dataclasses import dataclass
from typing import Any

from protocol.identity import boot_id

from . import system
from .settings import Retention

NOTE_S = 600.0
"""How often the store notes how far it has come; ages are right to that."""
DAY_S = 86_400.0
SCHEMA = "CREATE TABLE IF NOT EXISTS ages (seq INTEGER PRIMARY KEY, lived REAL NOT NULL)"


@dataclass(frozen=True)
class Removal:
    """Records ``first`` to ``last`` are removed, because of ``reason``: the end of a sentence."""

    first: int
    last: int
    reason: str


class Ages:
    """The notes of one store, in its database; used in the store's thread. Raises sqlite3.Error."""

    def __init__(self, db: sqlite3.Connection, meta: dict[str, Any]):
        self._db, self._boot = db, boot_id()
        db.execute(SCHEMA)
        lived: float = meta.get("lived", 0.0)
        at: float = meta.get("lived_at", 0.0)
        same_boot = self._boot and meta.get("lived_boot") == self._boot
        self._before = lived + max(0.0, system.since_boot() - at) if same_boot else lived
        self._opened = system.since_boot()
        self._noted = -NOTE_S

    def reopened(self, db: sqlite3.Connection) -> None:
        """Go on with another connection to the same database."""
        self._db = db

    @property
    def lived(self) -> float:
        """Seconds of real time that the store has lived for certain."""
        return self._before + max(0.0, system.since_boot() - self._opened)

    def due(self) -> bool:
        return self.lived - self._noted >= NOTE_S

    def note(self, last_seq: int) -> None:
        """In a transaction: the log has come to ``last_seq`` by now."""
        lived = self.lived
        self._db.execute("INSERT OR IGNORE INTO ages VALUES (?, ?)", (last_seq, lived))
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [
            ("lived", lived), ("lived_at", system.since_boot()), ("lived_boot", self._boot)])
        self._noted = lived

    def older_than(self, seconds: float) -> int:
        """The last record that is certainly so old; 0 for none."""
        found = self._db.execute("SELECT max(seq) FROM ages WHERE lived <= ?", (self.lived - seconds,)).fetchone()[0]
        return found or 0

    def forget(self, *, upto: int = 0, after: int | None = None) -> None:
        """In a transaction: records up to ``upto`` are gone, and those behind ``after``."""
        self._db.execute("DELETE FROM ages WHERE seq <= ? OR seq > ?", (upto, 2**62 if after is None else after))

    def told(self) -> list[list[float]]:
        """[[seq, age in seconds], ...] for another copy."""
        lived = self.lived
        return [[seq, round(lived - at, 1)] for seq, at in self._db.execute("SELECT seq, lived FROM ages ORDER BY seq")]

    def take(self, told: list[Any]) -> None:
        """In a transaction: the notes of the other copy, as ``told`` gave them; what does not fit is left out."""
        lived = self.lived
        self._db.executemany("INSERT OR IGNORE INTO ages VALUES (?, ?)", [
            (each[0], lived - each[1]) for each in told if isinstance(each, list) and len(each) == 2
            and type(each[0]) is int and type(each[1]) in (int, float) and each[0] >= 0 <= each[1]])


def trim_point(keep: Retention, *, first_seq: int, last_seq: int, aged: int, bytes_used: int) -> Removal | None:
    """What retention removes of a log from ``first_seq`` to ``last_seq``; None for nothing. Pure.

    ``aged``: the last record that is older than ``keep.days``; ``bytes_used``: what all records take together.
    """
    kept = last_seq - first_seq + 1
    excess = bytes_used - keep.megabytes * 1_000_000
    reasons = [
        (last_seq - keep.records if keep.records else 0,
         f"more than {keep.records} are there (option messages/retention-records)"),
        (aged if keep.days else 0, f"they are older than {keep.days} days (option messages/retention-days)"),
        (first_seq + excess * kept // bytes_used if keep.megabytes and kept and excess > 0 else 0,
         f"they take more than {keep.megabytes} MB (option messages/retention-mb)"),
    ]
    upto, reason = max(reasons, key=lambda each: each[0])
    upto = min(upto, last_seq)
    return Removal(first_seq, upto, reason) if upto >= first_seq else None
