"""The durable log of one Message Server: SQLite, WAL, ``synchronous=FULL``, in ``<workdir>/data/``.

A ``Store`` belongs to one thread at a time (the server gives it a thread of its own); a ``Reader`` is a second,
read-only connection for replay and for catching up a standby. What ``append`` returned is on disk. What only a member
of a pair needs is in ``paired_store``.
"""

import os
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from . import records
from .mark_table import SCHEMA_OF_NEW, MarkTable
from .marks import PREFIX
from .ownership import FILE, Held, Promised, StaleEpoch, StoreError, held_in, take_lock
from .places import Places
from .records import DraftRow, Row
from .retention import DAY_S, Ages, Removal, trim_point
from .room import Room
from .settings import Retention

Marking = Callable[[Sequence[Row]], list[DraftRow]]
"""From the new records of a commit: what it says of positions and queues, as drafts."""
TRIM_ROWS = 4000
"""Most records that are removed at once, so that it never holds up senders for long."""
PAGE_BYTES = 16 * 1024
"""Of a store that is made anew; one that is there keeps its pages. A page of a large body costs two writes whatever its
size, and small messages that come together fill it as they fill smaller ones."""
CHECKPOINT_BYTES = 64 * 1024 * 1024
"""A commit that finds so much in the write-ahead log moves it to the database itself: ``Checkpoints`` did not come to
it."""
Promise = Callable[[list[Row]], None]


@dataclass(frozen=True)
class Appended:
    """Outcome of ``append``: ``seqs[i]`` is where draft i stands; ``records`` are the new ones (no duplicates)."""

    seqs: Sequence[int]
    records: list[Row]


class Formed(NamedTuple):
    """Records that are not stored yet, for the destinations ``names``; ``seqs`` as in Appended, ``fresh``: where their
    dedup-ids stand."""

    seqs: list[int]
    rows: list[Row]
    names: set[str]
    fresh: dict[tuple[str, str], int]


def page_bytes(db: sqlite3.Connection) -> int:
    size: int = db.execute("PRAGMA page_size").fetchone()[0]
    return size


class Store:
    """The log for writing. Raises StoreLocked or StoreError when it cannot be opened."""

    held: Held
    last_seq: int
    digest: bytes
    first_seq: int
    first_digest: bytes
    marks: MarkTable
    places: Places
    _dedup: OrderedDict[tuple[str, str], int]

    def __init__(self, directory: Path, retention: Retention):
        self.directory, self.path, self.retention = directory, directory / FILE, retention
        self._trouble = ""
        self._promised: list[Row] = []
        self._room = Room()
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o750)
            self._lock = take_lock(directory / "lock")
        except OSError as error:
            raise StoreError(f"cannot use {directory}: {error.strerror}") from error
        try:
            self._open()
        except (sqlite3.Error, StoreError) as error:
            os.close(self._lock)
            raise StoreError(f"cannot open {self.path}: {error}") from error

    def _open(self, ages: Ages | None = None) -> None:
        """``ages``: of the same file when it was open before."""
        self._db = db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=10,
                                        cached_statements=64)
        try:
            db.execute(f"PRAGMA page_size={PAGE_BYTES}")
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_BYTES // page_bytes(db)}")
            db.execute("PRAGMA journal_size_limit=67108864")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                db.executescript(f"BEGIN;{records.SCHEMA}{SCHEMA_OF_NEW}PRAGMA user_version={records.SCHEMA_VERSION};"
                                 "COMMIT;")
            elif version != records.SCHEMA_VERSION:
                raise StoreError(f"it was written by another release (format {version}, this server reads "
                                 f"{records.SCHEMA_VERSION})")
            if ages is None:
                self.ages = Ages(db, self._meta())
            else:
                ages.reopened(db)
            self._load()
        except BaseException:
            db.close()
            raise

    def _load(self) -> None:
        """Take the position from disk; after a failed commit memory may be wrong, the disk is not."""
        meta = self._meta()
        self.held = held_in(meta)
        base_seq, base_digest = meta.get("base_seq", 0), meta.get("base_digest", records.NO_DIGEST)
        last = self._db.execute("SELECT seq, digest FROM records ORDER BY seq DESC LIMIT 1").fetchone()
        self.last_seq, self.digest = last or (base_seq, base_digest)
        self.first_seq, self.first_digest = base_seq + 1, base_digest
        # Before the places: what they find written without them, they take for known from then on.
        self.marks = MarkTable(self._db, meta, self.first_seq, self.last_seq)
        self.places = Places(self._db, meta, self.first_seq, self.last_seq)
        since = self.last_seq - self.retention.dedup_window
        self._dedup = OrderedDict(((destination, dedup), seq) for destination, dedup, seq in self._db.execute(
            "SELECT destination, dedup, seq FROM records WHERE seq > ? AND dedup IS NOT NULL ORDER BY seq", (since,)))

    def _meta(self) -> dict[str, Any]:
        return dict(self._db.execute("SELECT key, value FROM meta"))

    def close(self) -> None:
        """Close the file and give up the lock; everything acknowledged is on disk already."""
        lock, self._lock = self._lock, -1
        try:
            self._db.close()
        finally:
            if lock >= 0:
                os.close(lock)

    # --- writing -------------------------------------------------------------------------------------

    def append(self, drafts: Sequence[DraftRow], epoch: int, marking: Marking | None = None,
               promise: Promise | None = None) -> Appended:
        """Store ``drafts`` in order as one transaction, then what ``marking`` makes of them, on disk when this returns.

        A draft whose dedup-id stands in the dedup window for the same destination is not stored again: its place
        is the original's. Raises StaleEpoch, or StoreError and then nothing of it counts. ``promise`` is called with
        the new records before they are on disk, so that the other member may have them first; when the disk does not
        take them, it raises Promised, and ``recover`` stores them before anything else in this epoch: ``(epoch, seq)``
        names one record for ever.
        """
        return self.put(self.form(drafts, epoch, marking), promise)

    def check_writes(self, epoch: int) -> None:
        """Raises StaleEpoch unless this server is the one that writes in ``epoch``."""
        if epoch != self.held.epoch or self.held.role != "primary":
            raise StaleEpoch(f"epoch {epoch} may not write: epoch {self.held.epoch} is held as "
                             f"{self.held.role or 'nothing'}")

    def form(self, drafts: Sequence[DraftRow], epoch: int, marking: Marking | None = None) -> Formed:
        """The records that ``append`` would make of ``drafts``, which are what is ``put`` next. Waits for no disk
        unless ``marking`` does. Raises StaleEpoch, and StoreError while ``recover`` has to store others first."""
        self.check_writes(epoch)
        if self._promised:
            raise StoreError(self._trouble)
        now, seq, digest = time.time_ns() // 1_000_000, self.last_seq, self.digest
        known = self._dedup
        fresh: dict[tuple[str, str], int] = {}
        rows: list[Row] = []
        seqs: list[int] = []
        names: set[str] = set()
        name = None
        chain = records.chain
        for destination, headers, body, dedup in drafts:
            if dedup is not None:
                key = (destination, dedup)
                original = fresh.get(key) or known.get(key)
                if original and original > seq - self.retention.dedup_window:
                    seqs.append(original)
                    continue
                fresh[key] = seq + 1
            seq += 1
            digest = chain(digest, seq, epoch, now, destination, headers, body)
            rows.append((seq, epoch, now, destination, headers, body, dedup, digest))
            seqs.append(seq)
            if destination is not name:  # mostly it is: to ask a set of each would cost more
                name = destination
                names.add(name)
        for destination, headers, body, dedup in marking(rows) if marking else ():
            seq += 1
            digest = chain(digest, seq, epoch, now, destination, headers, body)
            rows.append((seq, epoch, now, destination, headers, body, dedup, digest))
            names.add(destination)
        return Formed(seqs, rows, names, fresh)

    def put(self, formed: Formed, promise: Promise | None = None, *, promised: bool = False) -> Appended:
        """Store what was just formed, as ``append`` says. ``promised``: the other member was given it already. Raises
        StaleEpoch, StoreError."""
        rows = formed.rows
        if rows:
            self.check_writes(rows[0][1])
            if promise is not None or promised:
                self._promised = rows
            if promise is not None:
                promise(rows)
            try:
                self._write(lambda: self._insert(rows, formed.names))
            except StoreError as error:
                if self._promised:
                    raise Promised(str(error)) from error
                raise
            self._promised = []
            self.last_seq, self.digest = rows[-1][0], rows[-1][7]
            if formed.fresh:
                self._remember(formed.fresh)
        return Appended(formed.seqs, rows)

    def _insert(self, rows: Sequence[Row], destinations: set[str]) -> None:
        """In a transaction."""
        records.insert(self._db, rows)
        if rows:
            self.places.add(destinations, rows[0][0], rows[-1][0])
        if any(name.startswith(PREFIX) for name in destinations):
            self.marks.note([row for row in rows if row[3].startswith(PREFIX)])

    def _keep_promise(self) -> None:
        """Store what the other member was given before this disk failed to take it. Raises StoreError."""
        left = [row for row in self._promised if row[0] > self.last_seq]
        if left:
            self._write(lambda: self._insert(left, {row[3] for row in left}))
            self.last_seq, self.digest = left[-1][0], left[-1][7]
            self._remember({(row[3], row[6]): row[0] for row in left if row[6] is not None})
        self._promised = []

    def grant(self, role: str, epoch: int, record_version: int, generation: str = "") -> None:
        """Put control's grant on disk; as primary the epoch starts at the next record. Raises StaleEpoch."""
        if epoch < self.held.epoch or (epoch == self.held.epoch and record_version < self.held.record_version):
            raise StaleEpoch(f"epoch {epoch} was granted, but epoch {self.held.epoch} is already held")
        generation = generation or self.held.generation
        values = [("epoch", epoch), ("record_version", record_version), ("role", role), ("generation", generation)]

        def write() -> None:
            self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)
            if role == "primary":
                self._db.execute("INSERT OR IGNORE INTO epochs VALUES (?, ?)", (epoch, self.last_seq + 1))

        self._write(write)
        if epoch != self.held.epoch:
            self._promised = []
        self.held = Held(epoch, record_version, role, generation)

    def truncate_after(self, seq: int) -> int:
        """Remove every record after ``seq`` (a divergent tail); how many there were. Read them first if wanted."""
        if seq < self.first_seq - 1:
            raise StoreError(f"record {seq} is no longer kept, the oldest is {self.first_seq}")
        removed = max(0, self.last_seq - seq)

        def write() -> None:
            self._db.execute("DELETE FROM records WHERE seq > ?", (seq,))
            self._db.execute("DELETE FROM epochs WHERE first_seq > ?", (seq,))
            self.ages.forget(after=seq)
            self.marks.forget_after(seq)
            self.places.truncated(seq)

        self._write(write)
        self._load()
        return removed

    def to_trim(self) -> Removal | None:
        """The oldest records that retention no longer keeps, at most TRIM_ROWS of them, and why; None for none."""
        removal = self._trim_point()
        return removal and replace(removal, last=min(removal.last, self.first_seq + TRIM_ROWS - 1))

    def kept_after(self) -> int:
        """The last record that retention does not keep, whether it was removed already or not."""
        removal = self._trim_point()
        return removal.last if removal else self.first_seq - 1

    def _trim_point(self) -> Removal | None:
        keep = self.retention
        return trim_point(
            keep, first_seq=self.first_seq, last_seq=self.last_seq,
            aged=self.ages.older_than(keep.days * DAY_S) if keep.days else 0,
            bytes_used=self.bytes_used() if keep.megabytes else 0)

    def trim_to(self, upto: int) -> int:
        """Remove records up to ``upto``, at most TRIM_ROWS of them; how many it removed. Raises StoreError."""
        first = self.first_seq
        upto = min(upto, self.last_seq, first + TRIM_ROWS - 1)
        if upto < first:
            return 0

        digest = self._db.execute("SELECT digest FROM records WHERE seq = ?", (upto,)).fetchone()[0]

        def write() -> None:
            self.marks.trim(upto)
            self._db.execute("DELETE FROM records WHERE seq <= ?", (upto,))
            self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)",
                                 [("base_seq", upto), ("base_digest", digest)])
            self.ages.forget(upto=upto)
            self.places.trimmed(upto)

        self._write(write)
        self.first_seq, self.first_digest = upto + 1, digest
        return upto - first + 1

    def fill_marks(self) -> bool:
        """Fill in some of the marks that a former release did not keep; whether more lack. There is no question about
        marks before all are there. Raises StoreError."""
        if not self.marks.is_complete:
            self._write(lambda: self.marks.fill(self.first_seq))
            self.marks.filled(self.first_seq)
        return not self.marks.is_complete

    def note_age(self) -> None:
        """Note from time to time how far the log has come. Raises StoreError."""
        if self.ages.due():
            self._write(lambda: self.ages.note(self.last_seq))

    def fill_places(self) -> bool:
        """Fill in some of the places that a former release did not keep; whether more lack. Raises StoreError."""
        if self.places.lack(self.first_seq):
            self._write(lambda: self.places.fill(self.first_seq))
        return self.places.lack(self.first_seq)

    def bytes_used(self) -> int:
        """Bytes of the database file that hold records (space freed by retention is used again)."""
        pages, free = (self._db.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count"))
        used: int = (pages - free) * page_bytes(self._db)
        return used

    def recover(self) -> None:
        """After a StoreError: open the file anew and prove that it takes data. Raises StoreError while it does not."""
        self._db.close()
        try:
            self._open(self.ages)
        except sqlite3.Error as error:
            raise StoreError(self.why(error)) from error
        self._write(lambda: self._db.execute("INSERT INTO room VALUES (zeroblob(?))", (self._room.wanted(),)))
        self._write(lambda: self._db.execute("DELETE FROM room"))
        self._room.found()
        self._keep_promise()

    def checkpoint(self) -> None:
        """Move what is left in the write-ahead log to the database, so that the next commit begins it anew."""
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _write(self, body: Callable[[], object]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            body()
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            raise StoreError(self.why(error)) from error

    def why(self, error: sqlite3.Error) -> str:
        """What ``error`` is to be told as: that a file is closed since the disk failed is no reason."""
        if not isinstance(error, sqlite3.ProgrammingError):
            self._trouble = str(error)
        return self._trouble or str(error)

    def _undo(self) -> None:
        self.places.doubt()
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error:
            self._db.close()  # recover() opens it anew

    def _remember(self, fresh: dict[tuple[str, str], int]) -> None:
        for key, seq in fresh.items():
            self._dedup[key] = seq
            self._dedup.move_to_end(key)
        oldest = self.last_seq - self.retention.dedup_window
        while self._dedup:
            key, seq = self._dedup.popitem(last=False)
            if seq > oldest:
                self._dedup[key] = seq
                self._dedup.move_to_end(key, last=False)
                break

    # --- epochs --------------------------------------------------------------------------------------

    def epochs(self) -> list[tuple[int, int]]:
        """The epoch history: (epoch, first seq), oldest first."""
        return self._db.execute("SELECT epoch, first_seq FROM epochs ORDER BY epoch").fetchall()

    def _last_epoch(self) -> int:
        epoch: int = self._db.execute("SELECT coalesce(max(epoch), 0) FROM records WHERE seq = ?",
                                      (self.last_seq,)).fetchone()[0]
        return epoch
