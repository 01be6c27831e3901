"""Records figures of servers and hosts for as long as its process runs (``manage.py runlog``).

Control takes no part in it: what it writes for the pages anyway is read from there, every 10 s, by one process.
"""

import asyncio
import logging
import time
import uuid
from collections import defaultdict
from collections.abc import Callable

from django.db import DatabaseError

from protocol.patience import PatientClock
from provisioning.charts.facts import EVERY_S, HOST, SERVER, Point
from provisioning.charts.rules.counting import Counters, of_hosts, of_servers
from provisioning.charts.selectors.kept import TOPIC
from provisioning.core import signals
from provisioning.core.database_thread import DatabaseThread

from . import readings, stored

log = logging.getLogger(__name__)
BETWEEN_S, FOLDING_S = 0.2, 1.0
"""Pause after each piece of folding and trimming, and how long they go on after each moment: others write, too."""
LATE_S = 0.05
"""A clock that goes a bit faster than this process waits must not have it come too early."""


class Recorder:
    """``clock``: Unix time, ``passed``: monotonic; both in seconds."""

    def __init__(self, clock: Callable[[], float] = time.time, passed: Callable[[], float] = time.monotonic) -> None:
        self._database = DatabaseThread("figures")
        self._clock, self._passed, self._patient = clock, passed, PatientClock()
        self._holder = uuid.uuid4().hex
        self._before: dict[int, Counters] = {}
        self._minute, self._sums = 0, defaultdict[int, list[float]](lambda: [0.0, 0.0])

    async def run(self) -> None:
        """Until it is cancelled, or something fails that is no trouble of a database."""
        try:
            while True:
                await asyncio.sleep(EVERY_S - self._clock() % EVERY_S + LATE_S)
                await self._step()
        finally:
            await self._database.end()

    async def _step(self) -> None:
        try:
            if await self._database.do(self.look):
                await self._look_after()
        except DatabaseError as error:
            log.warning("Figures were not recorded: %s", error)

    async def _look_after(self) -> None:
        """Fold and trim for a while: what is left is for the next time."""
        until = time.monotonic() + FOLDING_S
        while time.monotonic() < until and await self._database.do(self.tidy):
            await asyncio.sleep(BETWEEN_S)

    def look(self) -> bool:
        """Record this moment; False where another process does. Raises DatabaseError."""
        at = int(self._clock()) // EVERY_S * EVERY_S
        answers = readings.control_answers()
        servers, self._before = of_servers(readings.servers(), self._before, self._passed(), control_answers=answers)
        hosts = of_hosts(readings.hosts(), control_answers=answers)
        if not stored.record({SERVER: servers, HOST: hosts}, at=at, holder=self._holder):
            self._sums.clear()
            return False
        self._count(servers, at // 60)
        signals.announce(TOPIC)
        return True

    def _count(self, servers: dict[int, Point], minute: int) -> None:
        """Once a minute what was acknowledged in it is kept for lists."""
        if minute != self._minute:
            rates = {key: count / span for key, (span, count) in self._sums.items() if span}
            if self._minute:
                stored.keep_minute(rates, self._minute)
            self._minute = minute
            self._sums.clear()
        for key, (_, span, acknowledged, *_) in servers.items():
            if span:
                sums = self._sums[key]
                sums[0], sums[1] = sums[0] + span, sums[1] + acknowledged

    def tidy(self) -> bool:
        """Fold or remove something; False when there is nothing more to do. Raises DatabaseError."""
        now = self._patient.now(self._clock(), self._passed())
        return stored.fold(int(now)) or bool(stored.trim(int(now)))
