"""The store at work: in a thread of its own, with a limit to how long control's word waits for it, and whether it
takes messages at present."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable

from .disk import Arguments, DiskThread, Result
from .ownership import StoreError
from .paired_store import PairedStore

RETRY_S = 0.2


class StoreThread:
    """``unavailable`` is a sentence about why nothing can be stored, or ""; ``changed`` is called when it changes.
    ``limit_s`` tells for how many seconds a disk may keep silent."""

    def __init__(self, store: PairedStore, thread: DiskThread, limit_s: Callable[[], float],
                 changed: Callable[[], None]):
        self._store, self._thread, self._limit_s, self._changed = store, thread, limit_s, changed
        self._time = asyncio.get_running_loop().time
        self.unavailable = ""
        self._unavailable_since = 0.0

    async def run(self, work: Callable[[*Arguments], Result], *arguments: *Arguments, patient: bool = False) -> Result:
        """Run ``work`` in the store's thread, after everything that was asked of it before. ``patient``: it may take
        long though the disk is well. Raises StoreError, whatever it was that the disk did."""
        try:
            return await self._thread.run(work, *arguments, patient=patient)
        except sqlite3.Error as error:
            raise StoreError(self._store.why(error)) from error

    async def once_available(self) -> None:
        """Wait a moment, and then until messages can be stored."""
        await asyncio.sleep(RETRY_S)
        while self.unavailable:
            await asyncio.sleep(RETRY_S)

    @contextlib.asynccontextmanager
    async def soon(self) -> AsyncIterator[None]:
        """Inside, a disk that does not answer in time is an error of the store: whoever carries out what control says
        must not wait for it for ever. Raises StoreError."""
        limit_s = self._limit_s()
        try:
            async with asyncio.timeout(limit_s):
                yield
        except TimeoutError:
            raise StoreError(f"the disk has not answered within {limit_s:g} s") from None

    async def note_version(self, record_version: int, generation: str) -> None:
        """Keep on disk that the pair's record was seen at ``record_version``. Raises StoreError."""
        async with self.soon():
            await self.run(self._store.note_version, record_version, generation)

    # --- whether it takes messages -----------------------------------------------------------------------

    def failed(self, error: StoreError, what: str = "Messages") -> None:
        """A use of the store failed: ``what`` cannot be stored until it has recovered."""
        self._say(f"{what} cannot be stored: {error}.")

    def disk_is_silent(self, seconds: float) -> None:
        """It has not answered for so long. Said is since when: the sentence stays for as long as it hangs."""
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(time.time() - seconds))
        self._say(f"The disk has not answered since {since}.", lasted_s=seconds)

    def recovered(self) -> None:
        self._say("")

    def _say(self, reason: str, *, lasted_s: float = 0.0) -> None:
        if reason != self.unavailable:
            if not self.unavailable:
                self._unavailable_since = self._time() - lasted_s
            self.unavailable = reason
            self._changed()

    @property
    def unavailable_s(self) -> float:
        """For how many seconds it has been unavailable."""
        return self._time() - self._unavailable_since if self.unavailable else 0.0
