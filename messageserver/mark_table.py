"""The marks of a store by name, beside its records: what is asked about a position or queue costs one look.

Every kept record that is a mark has a row. Of a name whose newest mark retention has removed, that one stays: together
the rows are the state at any record that the log can be cut back to. What a release that keeps no such rows did to the
log is noticed as the store is opened, and taken in.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from . import marks, places
from .marks import Mark
from .records import Row

SCHEMA = """
CREATE TABLE marks (seq INTEGER PRIMARY KEY, name TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX marks_by_name ON marks (name, seq);
"""
SCHEMA_OF_NEW = f"{SCHEMA}INSERT INTO meta VALUES ('marks_complete', 1);"
"""For a store that has no record yet."""
FILL_RECORDS = 20_000
"""So many are looked at at once: some 20 milliseconds."""
_IS_MARK = "destination >= 'mark:' AND destination < 'mark;'"
_OF_RECORDS = ("INSERT OR IGNORE INTO marks SELECT seq, destination, body FROM records "
               f"WHERE seq BETWEEN ? AND ? AND {_IS_MARK}")
_OF_BLOCK = f"INSERT INTO marks SELECT seq, destination, body FROM records WHERE seq >= ? AND {_IS_MARK}"
_NEWEST = "SELECT seq, body FROM marks WHERE name = ? AND seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT 1"
_NEXT_NAME = "SELECT name FROM marks WHERE name > ? AND name < ? ORDER BY name LIMIT 1"
_LACKS = f"""SELECT EXISTS (SELECT 1 FROM records LEFT JOIN marks USING (seq) WHERE seq >= ? AND {_IS_MARK}
             AND (name IS NULL OR name <> destination OR marks.body <> records.body))"""
_SURPLUS = """SELECT EXISTS (SELECT 1 FROM marks WHERE seq >= ? AND NOT EXISTS (
              SELECT 1 FROM records WHERE records.seq = marks.seq AND destination = name))"""
_LEFT = "SELECT name FROM marks WHERE seq < ? GROUP BY name HAVING count(*) > 1 OR name NOT LIKE 'mark:position:%'"
_REMOVED = "DELETE FROM marks WHERE name IN (?, ?) AND seq <= ?"
_END = 2**62


class MarkTable:
    """Of one store; used in its thread. What changes it is called inside a transaction. Raises sqlite3.Error."""

    def __init__(self, db: sqlite3.Connection, meta: dict[str, Any], first_seq: int, last_seq: int):
        self._db = db
        self._complete, self._fill_to = bool(meta.get("marks_complete")), last_seq
        if not db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'marks_by_name'").fetchone()[0]:
            db.executescript(f"BEGIN;{SCHEMA}COMMIT;")
        self._follow(first_seq, max(first_seq, last_seq // places.BLOCK * places.BLOCK),
                     known=places.is_known(db, meta, first_seq, last_seq))

    def _follow(self, first_seq: int, since: int, *, known: bool) -> None:
        """A release that keeps no marks may have written, cut back or trimmed the log since: before ``since`` it has
        not where that is ``known``."""
        db = self._db
        differs = not known or any(db.execute(what, (since,)).fetchone()[0] for what in (_LACKS, _SURPLUS))
        left = db.execute(_LEFT, (first_seq,)).fetchall()
        if not (differs or left):
            return
        db.execute("BEGIN IMMEDIATE")
        if differs:
            db.execute("DELETE FROM marks WHERE seq >= ?", (since if known else first_seq,))
            db.execute(_OF_BLOCK, (since,))
        if not known:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('marks_complete', 0)")
            self._complete = False
        self._outlive([name for name, in left], first_seq - 1)
        db.execute("COMMIT")

    def _note_complete(self) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('marks_complete', 1)")

    def fill(self, first_seq: int) -> None:
        """Take in some of what a former release stored as standby without knowing marks, in the end all: every record
        of a log that begins at ``first_seq`` is looked at once."""
        upto = self._fill_to
        self._db.execute(_OF_RECORDS, (max(first_seq, upto - FILL_RECORDS + 1), upto))
        if upto - FILL_RECORDS < first_seq:
            self._note_complete()

    def filled(self, first_seq: int) -> None:
        """What ``fill`` did is on disk."""
        self._fill_to -= FILL_RECORDS
        self._complete = self._fill_to < first_seq

    @property
    def is_complete(self) -> bool:
        return self._complete

    # --- what happens to the log -------------------------------------------------------------------------

    def note(self, rows: Sequence[Row]) -> None:
        """``rows`` are marks that were appended."""
        self._db.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)",
                             [(row[0], row[3], row[5]) for row in rows])

    def forget_after(self, seq: int) -> None:
        """The log was cut back to ``seq``."""
        self._db.execute("DELETE FROM marks WHERE seq > ?", (seq,))

    def trim(self, upto: int) -> None:
        """Records up to ``upto`` are about to be removed."""
        if not self._complete:
            self._db.execute(_OF_RECORDS, (0, upto))
        first = self._db.execute("SELECT coalesce(min(seq), 0) FROM records").fetchone()[0]
        names = self._db.execute("SELECT DISTINCT name FROM marks WHERE seq BETWEEN ? AND ?", (first, upto)).fetchall()
        self._outlive([name for name, in names], upto)

    def _outlive(self, names: Iterable[str], upto: int) -> None:
        """Of ``names`` only that stays which says something when there are no records up to ``upto``: what was open is
        removed, too."""
        for name in {marks.whole_name(name) for name in names}:
            stays = self._outlived(name, upto) if marks.outlives(name) else []
            self._db.execute(_REMOVED, (name, marks.since_name(name), upto))
            self._db.executemany("INSERT INTO marks VALUES (?, ?, ?)", stays)

    def _outlived(self, name: str, upto: int) -> list[tuple[int, str, bytes]]:
        try:
            seq, mark = self._at(name, upto)
        except ValueError:
            # What one release cannot read the next one may, and nothing that is removed waits for it.
            return [(seq, each, body) for each in (name, marks.since_name(name))
                    for seq, body in self._db.execute(_NEWEST, (each, 0, upto))]
        return [] if mark is None else [(seq, name, marks.write(replace(mark, open=())))]

    # --- questions ---------------------------------------------------------------------------------------

    def newest(self, name: str) -> Mark | None:
        """What the marks of ``name`` say; None when there are none, or it is gone. Raises ValueError."""
        return self._at(name, _END)[1]

    def _at(self, name: str, upto: int) -> tuple[int, Mark | None]:
        """What they said at record ``upto``, and where the last whole one stands."""
        seq, body = self._db.execute(_NEWEST, (name, 0, upto)).fetchone() or (0, None)
        if body == marks.GONE:
            return seq, None
        since = self._db.execute(_NEWEST, (marks.since_name(name), seq + 1, upto)).fetchone()
        if body is None and since is None:
            return seq, None
        return seq, marks.read(body or marks.GONE, since[1] if since else marks.GONE)

    def all(self, prefix: str) -> dict[str, Mark]:
        """What is said of each name whose whole marks begin with ``prefix`` and that is not gone. Raises ValueError."""
        end, name, found = prefix[:-1] + chr(ord(prefix[-1]) + 1), prefix, {}
        while (row := self._db.execute(_NEXT_NAME, (name, end)).fetchone()) is not None:
            name = row[0]
            if (mark := self.newest(name)) is not None:
                found[name] = mark
        return found

    # --- for a full copy ---------------------------------------------------------------------------------

    def told(self, upto: int) -> list[list[Any]]:
        """[[seq, name, body], ...]: what was the state at record ``upto``, before which nothing is kept."""
        return [[seq, name, body.decode()] for seq, name, body in self._db.execute(
            "SELECT seq, name, body FROM marks WHERE seq <= ? ORDER BY seq", (upto,))]

    def take(self, told: Iterable[Any], upto: int) -> None:
        """The state of the other copy at ``upto``, as ``told`` gave it, instead of this one's; what does not fit is
        left out."""
        self._db.execute("DELETE FROM marks")
        self._db.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", [
            (each[0], each[1], each[2].encode()) for each in told
            if isinstance(each, list) and [type(part) for part in each] == [int, str, str] and 0 <= each[0] <= upto])
        self._note_complete()
