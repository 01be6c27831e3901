"""Which destinations have a record in which part of the log, so that a read need not look at all that lies between.

A block is ``BLOCK`` seqs. One row says that a destination has at least one record in a block: the first record of a
destination in a block writes it, all later ones nothing. A row may be there without such a record: it may outlive it,
and records that are written together count for each block that they reach. None is ever missing from ``whole_from``
on. What lies before that, in the store of a release that kept no places, is filled in little by little.
"""

import sqlite3
from typing import Any

BLOCK = 2048
FILL_BLOCKS = 4
"""So many blocks are filled in at once: a few milliseconds."""
SCHEMA = """CREATE TABLE IF NOT EXISTS places (block INTEGER NOT NULL, destination TEXT NOT NULL,
                                               PRIMARY KEY (block, destination)) WITHOUT ROWID"""
WHOLE_FROM, MARK = "places_from", "places_mark"


def block_of(seq: int) -> int:
    return seq // BLOCK


def span(block: int) -> tuple[int, int]:
    """The first and the last seq of ``block``."""
    return block * BLOCK, block * BLOCK + BLOCK - 1


def _mark(db: sqlite3.Connection, block: int) -> str:
    """Names the log up to ``block``: whoever changes that without this table changes the mark."""
    found = db.execute("SELECT digest FROM records WHERE seq = ?", (block * BLOCK - 1,)).fetchone()
    return f"{block} {found[0].hex() if found else ''}"


def is_known(db: sqlite3.Connection, meta: dict[str, Any], first_seq: int, last_seq: int) -> bool:
    """Whether what lies before the block of ``last_seq`` is what was last written with places. A release that keeps
    none may have written there, or cut that back. In that block itself it may have in any case."""
    block = last_seq // BLOCK
    return first_seq >= block * BLOCK or meta.get(MARK) == _mark(db, block)


class Places:
    """The places of one store, in its database; used in the store's thread. Raises sqlite3.Error."""

    def __init__(self, db: sqlite3.Connection, meta: dict[str, Any], first_seq: int, last_seq: int):
        self._db = db
        db.execute(SCHEMA)
        self._block = block = last_seq // BLOCK
        self._known = {name for name, in db.execute("SELECT DISTINCT destination FROM records WHERE seq >= ?",
                                                    (block * BLOCK,))}
        there = {name for name, in db.execute("SELECT destination FROM places WHERE block = ?", (block,))}
        kept = is_known(db, meta, first_seq, last_seq)
        if not kept or self._known - there:
            db.execute("BEGIN IMMEDIATE")
            if not kept:
                self._begin_at(block)
            self._insert([(block, name) for name in sorted(self._known)])
            db.execute("COMMIT")

    def _begin_at(self, block: int) -> None:
        self._db.execute("DELETE FROM places")
        self._note(WHOLE_FROM, block * BLOCK)
        self._note(MARK, _mark(self._db, block))

    def _note(self, key: str, value: int | str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _insert(self, lacking: list[tuple[int, str]]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO places VALUES (?, ?)", lacking)

    # --- along with the records: in their transactions ---------------------------------------------------

    def add(self, destinations: set[str], first: int, last: int) -> None:
        """Records ``first`` to ``last`` were inserted behind all others, all of them to ``destinations``."""
        for block in range(block_of(first), block_of(last) + 1):
            if block != self._block:
                self._block, self._known = block, set()
                self._note(MARK, _mark(self._db, block))
            if lacking := destinations - self._known:
                self._insert([(block, name) for name in sorted(lacking)])
                self._known |= lacking

    def doubt(self) -> None:
        """A transaction failed: what it added may not be there."""
        self._block, self._known = -1, set()

    def trimmed(self, upto: int) -> None:
        """The records up to ``upto`` were removed."""
        self._db.execute("DELETE FROM places WHERE block < ?", ((upto + 1) // BLOCK,))

    def truncated(self, after: int) -> None:
        """The records behind ``after`` were removed."""
        self._db.execute("DELETE FROM places WHERE block > ?", (after // BLOCK,))
        self._note(MARK, _mark(self._db, after // BLOCK))

    def begin_anew(self) -> None:
        """All records were removed."""
        self._begin_at(0)

    # --- the log of a former release ---------------------------------------------------------------------

    def lack(self, first_seq: int) -> bool:
        """Whether places of a log from ``first_seq`` on are still to be filled in."""
        return whole_from(self._db) > first_seq

    def fill(self, first_seq: int) -> None:
        """In a transaction: fill in the newest blocks that lack, of a log from ``first_seq`` on."""
        upto = whole_from(self._db)
        low = max(first_seq // BLOCK, upto // BLOCK - FILL_BLOCKS) * BLOCK
        self._db.execute("INSERT OR IGNORE INTO places SELECT DISTINCT seq / ?, destination FROM records "
                         "WHERE seq >= ? AND seq < ?", (BLOCK, low, upto))
        self._note(WHOLE_FROM, low)


# --- reading beside the store, with a connection of its own ----------------------------------------------------

_WALK = ("WITH RECURSIVE walk(block) AS (SELECT ? UNION ALL SELECT block + ? FROM walk WHERE block <> ?) "
         "SELECT block FROM walk WHERE ")
_HAS = "EXISTS (SELECT 1 FROM places WHERE places.block = walk.block AND destination = ?) LIMIT ?"
_HAS_PREFIX = ("substr((SELECT destination FROM places WHERE places.block = walk.block AND destination >= ? "
               "ORDER BY destination LIMIT 1), 1, ?) = ? LIMIT ?")


def whole_from(db: sqlite3.Connection) -> int:
    """From this seq on the places of all records are known."""
    found = db.execute("SELECT value FROM meta WHERE key = ?", (WHOLE_FROM,)).fetchone()
    return found[0] if found else 0


def blocks(db: sqlite3.Connection, first: int, last: int, pattern: str, most: int) -> list[int]:
    """The first ``most`` blocks, from ``first`` up or down to ``last``, that have what matches ``pattern``."""
    walk = (first, 1 if first <= last else -1, last)
    if pattern.endswith("*"):
        rows = db.execute(_WALK + _HAS_PREFIX, (*walk, pattern[:-1], len(pattern) - 1, pattern[:-1], most))
    else:
        rows = db.execute(_WALK + _HAS, (*walk, pattern, most))
    return [block for block, in rows]
