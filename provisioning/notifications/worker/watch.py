"""Tells of alarms for as long as its process runs (``manage.py runlog``). It needs the Configuration Database and
nothing else.

All that is read and written is done by one thread. Messages go by others, a channel at a time: one that is slow or
dead keeps no other one waiting."""

import asyncio
import logging
import time
from contextlib import suppress

from django.db import DatabaseError

from protocol.beats import until_next
from provisioning.alarms.worker.judging import alarms_changed
from provisioning.core.database_thread import DatabaseThread
from provisioning.core.receivers import Receivers

from . import reactions
from .outbox import due_channels, record, remove_old, take, tried
from .planner import plan

log = logging.getLogger(__name__)
LOOK_S, AWAY_S, REMOVE_EVERY_S = 1.0, 2.0, 600.0
"""How often it is looked for what other processes wrote, while the database is away, and for old deliveries."""


class Notifier:
    def __init__(self) -> None:
        self._database = DatabaseThread("notifications")
        self._woken = asyncio.Event()
        self._channels = Receivers[int | None]("notification", self._woken.set)
        self._remove_at = 0.0

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
            await self._channels.end()
            await self._database.end()

    async def _rest(self, wait_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(until_next(wait_s, time.monotonic())):
                await self._woken.wait()
        self._woken.clear()

    async def _step(self) -> float:
        """One look; how long to wait after it."""
        try:
            for channel in await self._database.do(_planned):
                if channel not in self._channels:
                    self._channels.begin(channel, self._served(channel))
            if time.monotonic() >= self._remove_at:
                self._remove_at = time.monotonic() + REMOVE_EVERY_S
                await self._database.do(remove_old)
        except DatabaseError as error:
            log.warning("Nobody was told of alarms: %s", error)
            return AWAY_S
        self._channels.check()
        return LOOK_S

    async def _served(self, channel: int | None) -> None:
        """All that is due to one channel, in order."""
        while not self._channels.is_ending and (taken := await self._database.do(take, channel)) is not None:
            made = await self._channels.send(tried, taken)
            await self._database.do(record, taken, made)


def _planned() -> list[int | None]:
    """Channels to which something is due, once what is to be told was written. Raises DatabaseError."""
    plan()
    reactions.tell()
    return due_channels()
