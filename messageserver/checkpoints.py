"""Moves what the write-ahead log of the store holds to its database, beside the thread that writes.

SQLite does it by itself in a commit, whose sender waits for it. Here another connection moves most of it while commits
go on; only what they have added meanwhile is moved between two of them, for only where nothing is left does the log
begin anew instead of growing.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Coroutine
from typing import Any

from .disk import DiskThread
from .ownership import StoreError
from .store import PAGE_BYTES, Store, page_bytes
from .store_thread import StoreThread

EVERY_BYTES = 16 * 1024 * 1024
"""So much was written since the last one."""
COMMIT_BYTES = PAGE_BYTES
"""What a commit writes at least beside the messages: pages are written whole."""
LEFT_BYTES, PASSES = 1024 * 1024, 3
"""The rest is as small as that after so many passes at most, unless writers are quicker than the disk."""


class Checkpoints:
    """Of one store. ``thread`` does most of it; ``spawn`` starts a task that ends with the broker."""

    def __init__(self, store: Store, storing: StoreThread, thread: DiskThread,
                 spawn: Callable[[Coroutine[Any, Any, None], str], object]):
        self._store, self._storing, self._thread, self._spawn = store, storing, thread, spawn
        self._bytes = 0
        self._working = False

    def wrote(self, size: int) -> None:
        """A commit of ``size`` bytes of messages is on disk."""
        self._bytes += size + COMMIT_BYTES
        if self._bytes > EVERY_BYTES and not self._working:
            self._bytes, self._working = 0, True
            self._spawn(self._work(), "checkpoint")

    async def _work(self) -> None:
        try:
            # A disk that fails or is full tells whoever writes to it; until then the log only grows.
            with contextlib.suppress(sqlite3.Error, StoreError):
                await self._thread.run(self._move_most, patient=True)
                await self._storing.run(self._store.checkpoint)
        finally:
            self._working = False

    def _move_most(self) -> None:
        with contextlib.closing(sqlite3.connect(self._store.path, isolation_level=None)) as db:
            size = page_bytes(db)
            for _ in range(PASSES):
                _, pages, moved = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if (pages - moved) * size < LEFT_BYTES:
                    break
