"""Tasks that a program stands on: none of them ends by an error unseen."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def until_one_ends(*works: Coroutine[Any, Any, object]) -> None:
    """Run ``works`` beside each other until the first ends, and raise what that raised. None runs any more then.

    Not a TaskGroup: on Python 3.11 it swallows a cancellation that comes together with an error.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Tasks:
    """``failed`` is called with the error by which one of them ended: without it the rest would only seem to work."""

    def __init__(self, failed: Callable[[BaseException], None]):
        self._failed = failed
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Result], name: str = "") -> asyncio.Task[Result]:
        """Begin with ``work``."""
        task = asyncio.get_running_loop().create_task(work, name=name or getattr(work, "__qualname__", None))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def end(self) -> None:
        """Cancel all of them and wait for their ends."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)
