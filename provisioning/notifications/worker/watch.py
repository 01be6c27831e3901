"""Tells of alarms for as long as its process runs (``manage.py runlog``). It needs the Configuration Database and
nothing else.

All that is read and written is done by one thread. Messages go by others, a channel at a time: one that is slow or
dead keeps no other one waiting."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, connections

from provisioning.alarms.worker.judging import alarms_changed

from . import reactions
from .outbox import due_channels, record, remove_old, take, tried
from .planner import plan

log = logging.getLogger(__name__)
LOOK_S, AWAY_S, REMOVE_EVERY_S = 1.0, 2.0, 600.0
"""How often it is looked for what other processes wrote, while the database is away, and for old deliveries."""
MOST_AT_ONCE = 16
ENDING_S = 2.0
Given = ParamSpec("Given")
Result = TypeVar("Result")


class Notifier:
    def __init__(self) -> None:
        # A connection belongs to the thread that made it.
        self._database = ThreadPoolExecutor(1, "notifications")
        self._senders = ThreadPoolExecutor(MOST_AT_ONCE, "notification")
        self._woken = asyncio.Event()
        self._serving: dict[int | None, asyncio.Task[None]] = {}
        self._remove_at = 0.0
        self._ending = False

    async def run(self) -> None:
        """Until it is cancelled, or something fails that is no trouble of a database."""
        loop = asyncio.get_running_loop()

        def wake(**_: object) -> None:
            loop.call_soon_threadsafe(self._woken.set)

        alarms_changed.connect(wake)
        try:
            while True:
                wait_s = await self._step()
                await self._rest(wait_s)
        finally:
            alarms_changed.disconnect(wake)
            await self._end()

    async def _end(self) -> None:
        """What is on its way for longer is sent again after the next start, by the same number."""
        self._ending = True
        if self._serving:
            await asyncio.wait(self._serving.values(), timeout=ENDING_S)
        for task in self._serving.values():
            task.cancel()
        self._senders.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._database.shutdown)

    async def _rest(self, wait_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._woken.wait()
        self._woken.clear()

    async def _step(self) -> float:
        """One look; how long to wait after it."""
        try:
            await self._read(plan)
            await self._read(reactions.tell)
            for channel in await self._read(due_channels):
                if channel not in self._serving:
                    self._serve(channel)
            if time.monotonic() >= self._remove_at:
                self._remove_at = time.monotonic() + REMOVE_EVERY_S
                await self._read(remove_old)
        except DatabaseError as error:
            log.warning("Nobody was told of alarms: %s", error)
            return AWAY_S
        for task in [each for each in self._serving.values() if each.done()]:
            task.result()
        return LOOK_S

    def _serve(self, channel: int | None) -> None:
        task = self._serving[channel] = asyncio.create_task(self._served(channel))

        def ended(done: asyncio.Task[None]) -> None:
            if done.cancelled() or done.exception() is None:
                self._serving.pop(channel, None)
            self._woken.set()

        task.add_done_callback(ended)

    async def _served(self, channel: int | None) -> None:
        """All that is due to one channel, in order."""
        try:
            while not self._ending and (taken := await self._read(take, channel)) is not None:
                made = await asyncio.get_running_loop().run_in_executor(self._senders, tried, taken)
                await self._read(record, taken, made)
        except DatabaseError as error:
            log.warning("What came of a message was not written, so it is sent again: %s", error)
            await asyncio.sleep(AWAY_S)

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
