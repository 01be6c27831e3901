"""Work on databases beside an event loop, in one thread: a connection belongs to the thread that made it."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from .kept_connections import piece_of_work

Given = ParamSpec("Given")
Result = TypeVar("Result")


TURN_S = 0.05
_turn = threading.Lock()
"""Of the threads of a process one is at work, and others after it, or beside it once it takes longer than TURN_S: short
queries at the same moment would take the interpreter's lock from each other at every row."""


class DatabaseThread:
    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)

    async def do(self, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
        """Raises what ``work`` raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: _done(work, *args, **kwargs))

    async def end(self) -> None:
        """Once what it is at is done."""
        await asyncio.to_thread(self._thread.shutdown)


def _done(work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    is_mine = _turn.acquire(timeout=TURN_S)
    try:
        with piece_of_work():
            return work(*args, **kwargs)
    finally:
        if is_mine:
            _turn.release()
