"""Judges what happens for as long as its process runs (``manage.py runlog``). It needs the Configuration Database and
nothing else: a log pair that is away, and the log database with it, raise alarms like everything else."""

import logging
import time

from django.db import DatabaseError

from protocol.beats import next_beat
from provisioning.alarms.selectors.happened import last_of_each
from provisioning.core.database_thread import DatabaseThread

from .judging import Moved, end_old, look

log = logging.getLogger(__name__)
LOOK_S, AWAY_S, END_EVERY_S = 0.5, 2.0, 10.0
"""How often it is looked for what happened, while a database is away, and for alarms that timed out."""


class Watch:
    def __init__(self) -> None:
        self._judge = DatabaseThread("alarm judge")
        self._end_at = 0.0
        self._last: tuple[list[int], list[int]] = ([], [])
        """What was there when all of it was judged."""

    async def run(self) -> None:
        """Until it is cancelled, or something fails that is no trouble of a database."""
        try:
            while True:
                await next_beat(await self._step())
        finally:
            await self._judge.end()

    def _look(self) -> bool:
        """As ``look``, which asks a lot, once something happened. Raises Moved, DatabaseError."""
        last = last_of_each(max(self._last[0], default=0))
        if last == self._last and time.monotonic() < self._end_at:
            return False
        there_is_more = look()
        if not there_is_more:
            self._last = last
        return there_is_more

    async def _step(self) -> float:
        """One look; how long to wait after it."""
        try:
            there_is_more = await self._judge.do(self._look)
            if time.monotonic() >= self._end_at:
                await self._judge.do(end_old)
                self._end_at = time.monotonic() + END_EVERY_S
        except Moved:
            log.info("Another process judges the same events.")
            return LOOK_S
        except DatabaseError as error:
            log.warning("What happened was not judged: %s", error)
            return AWAY_S
        return 0.0 if there_is_more else LOOK_S
