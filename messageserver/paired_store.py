"""The store as one of a pair: records that the other member made, a common point, a full copy, a name of its own."""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import records
from .aside import put_aside
from .ownership import StaleEpoch, StoreError
from .records import Record
from .store import Store
from .syncwire import Batch

COPY_BYTES = 12
TAIL_ROWS = 500


class PairedStore(Store):
    """``copy`` names this store for ever: one that was made anew, even in the same place, has another name."""

    copy = ""
    discarded = 0
    """How many records of divergent tails lie in files beside the store: somebody has to look at them."""

    def _load(self) -> None:
        super()._load()
        found = self._db.execute("SELECT value FROM meta WHERE key = 'copy'").fetchone()
        if found is None:
            found = (secrets.token_hex(COPY_BYTES),)
            self._db.execute("INSERT INTO meta VALUES ('copy', ?)", found)
        self.copy = found[0]
        kept = self._db.execute("SELECT value FROM meta WHERE key = 'discarded'").fetchone()
        self.discarded = sum(count for name, count in json.loads(kept[0]).items()
                             if (self.directory / name).exists()) if kept else 0

    def append_foreign(self, batches: list[Batch]) -> None:
        """Store records that the active server of the held epoch made, all or nothing, on disk when this returns.

        They must follow ``last_seq`` without a gap and lead to the digest that the other copy has; else StoreError.
        Raises StaleEpoch unless this server stands by in exactly the epoch of each batch: a standby that was granted a
        newer one refuses an older active server whatever it sends.
        """
        seq, digest, fresh, starts, rows = self.last_seq, self.digest, {}, [], []
        last_epoch = self._last_epoch()
        chain = records.chain
        for batch in batches:
            if (batch.epoch, "backup") != (self.held.epoch, self.held.role):
                raise StaleEpoch(f"records of epoch {batch.epoch} are refused: epoch {self.held.epoch} is held as "
                                 f"{self.held.role or 'nothing'}")
            if batch.first_seq != seq + 1:
                raise StoreError(f"record {batch.first_seq} does not follow record {seq} here")
            for epoch, time, destination, headers, body, dedup in batch.columns:
                seq += 1
                if epoch != last_epoch:
                    if not last_epoch < epoch <= batch.epoch:
                        raise StoreError(f"record {seq} of epoch {epoch} does not follow epoch {last_epoch} here")
                    starts.append((epoch, seq))
                    last_epoch = epoch
                digest = chain(digest, seq, epoch, time, destination, headers, body)
                if dedup is not None:
                    fresh[(destination, dedup)] = seq
                rows.append((seq, epoch, time, destination, headers, body, dedup, digest))
            if digest != batch.digest:
                raise StoreError(f"the digests differ at record {seq}: the copies are not the same")

        def write() -> None:
            self._db.executemany("INSERT OR REPLACE INTO epochs VALUES (?, ?)", starts)
            self._insert(rows)

        self._write(write)
        self.last_seq, self.digest = seq, digest
        self._remember(fresh)

    def digest_at(self, seq: int) -> bytes | None:
        """The running digest after record ``seq``; None when it is not kept here (any more)."""
        if seq == self.first_seq - 1:
            base = self._db.execute("SELECT value FROM meta WHERE key = 'base_digest'").fetchone()
            return base[0] if base else records.NO_DIGEST
        found = self._db.execute("SELECT digest FROM records WHERE seq = ?", (seq,)).fetchone()
        return found[0] if found else None

    def cut_back(self, seq: int) -> int:
        """Remove what lies after record ``seq``, keeping it in a file in the store's directory; how many there were."""
        removed = self._put_aside_after(seq)
        if removed:
            self.truncate_after(seq)
        return removed

    def begin_anew(self, common: int, base_seq: int, base_digest: bytes, ages: list[Any] | None = None) -> int:
        """Remove everything, for a full copy that begins after ``base_seq`` of records with these ``ages``. Records
        after ``common``, which the other copy does not have, are kept in a file; how many they are."""
        kept = self._put_aside_after(max(common, self.first_seq - 1))

        def write() -> None:
            self._db.execute("DELETE FROM records")
            self._db.execute("DELETE FROM epochs")
            self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)",
                                 [("base_seq", base_seq), ("base_digest", base_digest)])
            self.ages.forget(after=0)
            self.ages.take(ages or [])
            self.places.begin_anew()

        self._write(write)
        self._load()
        return kept

    def _put_aside_after(self, seq: int) -> int:
        count = max(0, self.last_seq - seq)
        if count:
            try:
                self._note_discarded(put_aside(self.directory, self._tail(seq)), count)
            except (OSError, sqlite3.Error) as error:
                raise StoreError(f"the records after {seq} cannot be kept in a file: {error}") from error
        return count

    def _note_discarded(self, file: Path, count: int) -> None:
        kept = self._db.execute("SELECT value FROM meta WHERE key = 'discarded'").fetchone()
        files = {name: number for name, number in json.loads(kept[0] if kept else "{}").items()
                 if (self.directory / name).exists()}
        files[file.name] = count
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('discarded', ?)", (json.dumps(files),))
        self.discarded = sum(files.values())

    def _tail(self, seq: int) -> Iterator[Record]:
        while rows := self._db.execute(f"SELECT {records.COLUMNS} FROM records WHERE seq > ? ORDER BY seq LIMIT ?",
                                       (seq, TAIL_ROWS)).fetchall():
            yield from (Record(*row) for row in rows)
            seq = rows[-1][0]

    def note_version(self, record_version: int, generation: str = "") -> None:
        """Keep on disk that the pair's record was seen at ``record_version``."""
        if record_version > self.held.record_version:
            self.grant(self.held.role, self.held.epoch, record_version, generation)

    def prove(self) -> None:
        """Write and sync one row and take it away again. Raises StoreError when the disk does not take it."""
        self._write(lambda: self._db.execute("INSERT INTO room VALUES (zeroblob(16))"))
        self._write(lambda: self._db.execute("DELETE FROM room"))
