"""What is sent on to several receivers, each in a turn of its own: one that is slow or dead keeps no other
one waiting."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, ParamSpec, TypeVar

from django.db import DatabaseError

log = logging.getLogger(__name__)
MOST_AT_ONCE = 16
AWAY_S, ENDING_S = 2.0, 2.0
"""How long a receiver rests when the database is away; how long what is on its way is waited for at the end."""
Key = TypeVar("Key", bound=Hashable)
Given = ParamSpec("Given")
Result = TypeVar("Result")


class Receivers(Generic[Key]):
    """``of``: what is sent, in the name of its threads. ``woken`` is called when a turn is over."""

    def __init__(self, of: str, woken: Callable[[], object] = lambda: None) -> None:
        self._senders = ThreadPoolExecutor(MOST_AT_ONCE, of)
        self._turns: dict[Key, asyncio.Task[None]] = {}
        self._of, self._woken = of, woken
        self.is_ending = False

    def __contains__(self, key: Key) -> bool:
        """Whether it has its turn."""
        return key in self._turns

    def begin(self, key: Key, turn: Coroutine[Any, Any, None]) -> None:
        """``turn`` sends all that there is for ``key``, in order, until ``is_ending``."""
        task = self._turns[key] = asyncio.create_task(self._turn(turn))

        def ended(done: asyncio.Task[None]) -> None:
            if done.cancelled() or done.exception() is None:
                self._turns.pop(key, None)
            self._woken()

        task.add_done_callback(ended)

    async def _turn(self, turn: Coroutine[Any, Any, None]) -> None:
        try:
            await turn
        except DatabaseError as error:
            log.warning("What came of a %s was not written, so it is sent again: %s", self._of, error)
            await asyncio.sleep(AWAY_S)

    async def send(self, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
        """Done in a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._senders, lambda: work(*args, **kwargs))

    def check(self) -> None:
        """Raise what a turn ended by, where that is no trouble of the database."""
        for task in [each for each in self._turns.values() if each.done()]:
            task.result()

    async def end(self) -> None:
        """What is on its way for longer is sent again after the next start."""
        self.is_ending = True
        if self._turns:
            await asyncio.wait(self._turns.values(), timeout=ENDING_S)
        for task in self._turns.values():
            task.cancel()
        self._senders.shutdown(wait=False, cancel_futures=True)
