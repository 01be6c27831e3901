"""Threads for what may have to wait for the disk, and how long they have been waiting.

A disk that fails says so; one that hangs (NFS, iSCSI, a volume that is taken away) says nothing. So nobody but these
threads waits for it, and whoever wants to know can ask how long the present work has taken.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")
_Asked = tuple[asyncio.Future[Any], Callable[..., Any], tuple[Any, ...], bool]
"""Who waits for it, the work and its arguments, whether it may take long: of each its own types."""


class DiskThread:
    """Works off what it is given, one after the other. A daemon: a disk that hangs does not keep the process."""

    def __init__(self, name: str):
        self._loop = asyncio.get_running_loop()
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._since: float | None = None
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, work: Callable[[*Arguments], Result], *arguments: *Arguments, patient: bool = False) -> Result:
        """The result of ``work(*arguments)``. ``patient``: it may take long though the disk is well."""
        done: asyncio.Future[Result] = self._loop.create_future()
        self._asked.put((done, work, arguments, patient))
        return await done

    def post(self, work: Callable[[], object]) -> None:
        """Do ``work`` when its turn comes; nobody waits for it."""
        self._asked.put((self._loop.create_future(), work, (), True))

    @property
    def busy_s(self) -> float:
        """For how many seconds the present work has been going on; 0 when there is none, or it may take long."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def close(self) -> None:
        """End after what was asked up to now."""
        self._asked.put(None)

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            done, work, arguments, patient = asked
            if done.cancelled():
                continue
            if not patient:
                self._since = time.monotonic()
            result, error = None, None
            try:
                result = work(*arguments)
            except BaseException as raised:
                error = raised
            self._since = None
            try:
                self._loop.call_soon_threadsafe(_finish, done, result, error)
            except RuntimeError:
                return  # the loop has ended; nobody waits any more


def _finish(done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if done.cancelled():
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)


class Disk:
    """All such threads of the server."""

    def __init__(self) -> None:
        self._threads: list[DiskThread] = []

    def thread(self, name: str) -> DiskThread:
        made = DiskThread(name)
        self._threads.append(made)
        return made

    def release(self, thread: DiskThread) -> None:
        """``thread`` is not needed any more; nobody waits for it."""
        thread.close()
        self._threads.remove(thread)

    @property
    def silent_s(self) -> float:
        """For how many seconds the disk has not answered."""
        return max((thread.busy_s for thread in self._threads), default=0.0)
