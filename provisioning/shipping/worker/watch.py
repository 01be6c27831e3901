"""Sends entries of History for as long as its process runs (``manage.py runlog``). It needs the Configuration Database
and nothing else.

All that is read and written is done by one thread. Entries go by others, a target at a time: one that is slow or dead
keeps no other one waiting."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, connections

from provisioning.shipping.rules.pace import Pace

from .cursor import Due, due_targets, next_batch, record, sent, tell_of_lag

log = logging.getLogger(__name__)
LOOK_S, AWAY_S, TELL_EVERY_S = 1.0, 2.0, 10.0
"""How often it is looked for new entries, while the database is away, and for targets that are behind."""
MOST_AT_ONCE = 16
ENDING_S = 2.0
Given = ParamSpec("Given")
Result = TypeVar("Result")


class Shipper:
    def __init__(self) -> None:
        # A connection belongs to the thread that made it.
        self._database = ThreadPoolExecutor(1, "audit shipping")
        self._senders = ThreadPoolExecutor(MOST_AT_ONCE, "shipment")
        self._serving: dict[int, asyncio.Task[None]] = {}
        self._paces: dict[int, tuple[int, Pace]] = {}
        self._waits: dict[int, float] = {}
        self._tell_at = 0.0
        self._told_last: int | None = None
        self._ending = False

    async def run(self) -> None:
        """Until it is cancelled, or something fails that is no trouble of a database."""
        try:
            while True:
                await asyncio.sleep(await self._step())
        finally:
            await self._end()

    async def _end(self) -> None:
        """What is on its way for longer is sent again after the next start."""
        self._ending = True
        if self._serving:
            await asyncio.wait(self._serving.values(), timeout=ENDING_S)
        for task in self._serving.values():
            task.cancel()
        self._senders.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._database.shutdown)

    async def _step(self) -> float:
        """One look; how long to wait after it."""
        try:
            for due in await self._read(due_targets):
                if due.key not in self._serving and self._may_try(due):
                    self._serve(due)
            if time.monotonic() >= self._tell_at:
                self._tell_at = time.monotonic() + TELL_EVERY_S
                self._told_last = await self._read(tell_of_lag, self._told_last)
        except DatabaseError as error:
            log.warning("Entries of History were not sent: %s", error)
            return AWAY_S
        for task in [each for each in self._serving.values() if each.done()]:
            task.result()
        return LOOK_S

    def _may_try(self, due: Due) -> bool:
        """A target that was changed is tried at once."""
        revision, pace = self._paces.get(due.key, (0, None))
        if pace is None or revision != due.revision or due.number < pace.position:
            self._paces[due.key] = (due.revision, Pace(due.number))
            return True
        return time.monotonic() >= self._waits.get(due.key, 0.0)

    def _serve(self, due: Due) -> None:
        task = self._serving[due.key] = asyncio.create_task(self._served(due))

        def ended(done: asyncio.Task[None]) -> None:
            if done.cancelled() or done.exception() is None:
                self._serving.pop(due.key, None)

        task.add_done_callback(ended)

    async def _served(self, due: Due) -> None:
        """All that there is to send, in order, until an attempt fails that is not worth another one at once."""
        try:
            while not self._ending and await self._one(due):
                pass
        except DatabaseError as error:
            log.warning("What a target has taken was not written, so it is sent again: %s", error)
            await asyncio.sleep(AWAY_S)

    async def _one(self, due: Due) -> bool:
        """One attempt; whether another one follows at once."""
        revision, pace = self._paces[due.key]
        batch = await self._read(next_batch, due.key, pace.position, pace.size)
        if batch is None:
            return False
        outcome = await asyncio.get_running_loop().run_in_executor(self._senders, sent, batch)
        number = await self._read(record, due.key, batch, outcome)
        pace = pace.taken(batch.last) if outcome.taken else pace.failed(reached=outcome.reached)
        if number < pace.position:
            pace = Pace(number)
        self._paces[due.key] = (revision, pace)
        if outcome.taken:
            return True
        wait_s = pace.wait_s(len(batch.messages), reached=outcome.reached)
        self._waits[due.key] = time.monotonic() + wait_s
        return wait_s == 0

    async def _read(self, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
        return await asyncio.get_running_loop().run_in_executor(
            self._database, lambda: _done(work, *args, **kwargs))


def _done(work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    try:
        return work(*args, **kwargs)
    except DatabaseError:
        # The next one begins with connections that work.
        for connection in connections.all(initialized_only=True):
            connection.close()
        raise
