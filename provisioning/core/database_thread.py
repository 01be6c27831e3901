"""Work on databases beside an event loop, in one thread: a connection belongs to the thread that made it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from .kept_connections import piece_of_work

Given = ParamSpec("Given")
Result = TypeVar("Result")


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
    with piece_of_work():
        return work(*args, **kwargs)
