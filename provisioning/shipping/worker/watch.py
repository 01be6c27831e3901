"""Sends entries of History for as long as its process runs (``manage.py runlog``). It needs the Configuration Database
and nothing else.

All that is read and written is done by one thread. Entries go by others, a target at a time: one that is slow or dead
keeps no other one waiting."""

import logging
import time

from django.db import DatabaseError

from protocol.beats import next_beat
from provisioning.core.database_thread import DatabaseThread
from provisioning.core.receivers import Receivers
from provisioning.shipping.rules.pace import Pace

from .cursor import Due, due_targets, next_batch, record, sent, tell_of_lag

log = logging.getLogger(__name__)
LOOK_S, AWAY_S, TELL_EVERY_S = 1.0, 2.0, 10.0
"""How often it is looked for new entries, while the database is away, and for targets that are behind."""


class Shipper:
    def __init__(self) -> None:
        self._database = DatabaseThread("audit shipping")
        self._targets = Receivers[int]("shipment")
        self._paces: dict[int, tuple[int, Pace]] = {}
        self._waits: dict[int, float] = {}
        self._tell_at = 0.0
        self._told_last: int | None = None

    async def run(self) -> None:
        """Until it is cancelled, or something fails that is no trouble of a database."""
        try:
            while True:
                await next_beat(await self._step())
        finally:
            await self._targets.end()
            await self._database.end()

    async def _step(self) -> float:
        """One look; how long to wait after it."""
        try:
            for due in await self._database.do(due_targets):
                if due.key not in self._targets and self._may_try(due):
                    self._targets.begin(due.key, self._served(due))
            if time.monotonic() >= self._tell_at:
                self._tell_at = time.monotonic() + TELL_EVERY_S
                self._told_last = await self._database.do(tell_of_lag, self._told_last)
        except DatabaseError as error:
            log.warning("Entries of History were not sent: %s", error)
            return AWAY_S
        self._targets.check()
        return LOOK_S

    def _may_try(self, due: Due) -> bool:
        """A target that was changed is tried at once."""
        revision, pace = self._paces.get(due.key, (0, None))
        if pace is None or revision != due.revision or due.number < pace.position:
            self._paces[due.key] = (due.revision, Pace(due.number))
            return True
        return time.monotonic() >= self._waits.get(due.key, 0.0)

    async def _served(self, due: Due) -> None:
        """All that there is to send, in order, until an attempt fails that is not worth another one at once."""
        while not self._targets.is_ending and await self._one(due):
            pass

    async def _one(self, due: Due) -> bool:
        """One attempt; whether another one follows at once."""
        revision, pace = self._paces[due.key]
        batch = await self._database.do(next_batch, due.key, pace.position, pace.size)
        if batch is None:
            return False
        outcome = await self._targets.send(sent, batch)
        number = await self._database.do(record, due.key, batch, outcome)
        pace = pace.taken(batch.last) if outcome.taken else pace.failed(reached=outcome.reached)
        if number < pace.position:
            pace = Pace(number)
        self._paces[due.key] = (revision, pace)
        if outcome.taken:
            return True
        wait_s = pace.wait_s(len(batch.messages), reached=outcome.reached)
        self._waits[due.key] = time.monotonic() + wait_s
        return wait_s == 0
