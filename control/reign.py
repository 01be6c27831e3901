"""Configuration Server and Solution Control at work, in one term of leadership."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from protocol import collector
from protocol.events import Own
from protocol.patience import PatientClock
from protocol.tasks import Tasks
from provisioning.record.models import UNWRITTEN_SINCE

from . import copies, ledger
from .database import CONFIGURATION, RECORD, Database, DatabaseAway
from .directory import Directory
from .event_budget import EventBudget
from .facts import EventRow
from .leadership import LAPSE_S
from .ledger import Ledger
from .office import Office
from .peers import Peers
from .reload import Reloader
from .sessions import Sessions
from .snapshot import Timing
from .solution import SolutionControl
from .writer import Writer

log = logging.getLogger(__name__)

PRUNE_S, PRUNE_PAUSE_S = 3600.0, 0.2
CLOSE_S = 5.0


class Reign:
    """Of the ``office`` in its present term: ``load``, ``start``, then ``stop`` and ``close``. ``failed`` hears
    the error of a part of it that has ended though it must not."""

    def __init__(self, office: Office, *, data_dir: Path, settle_s: float, timing: Timing,
                 failed: Callable[[BaseException], None]):
        self.term, self._office, self._data_dir = office.term, office, data_dir
        self.since = time.time()
        # Reading does not wait behind writing: a database that is locked for writers can still be read.
        self._record, self._objects, self._copies = self._databases = (
            Database(RECORD, self.term), Database(CONFIGURATION), Database(CONFIGURATION, self.term))
        self.ledger, self.directory = Ledger(self._record, lambda: office.trouble), Directory(self._objects)
        writer = Writer(self._copies, EventBudget(self._host_of, self._names_of))
        self.solution = SolutionControl(self.ledger, writer, timing=timing, settle_s=settle_s,
                                        leads=lambda: office.is_sure and office.term == self.term)
        self.reloader = Reloader(self.solution, self._objects, self.directory, self.ledger)
        self.peers = Peers()
        self.sessions = Sessions(self.solution, self.reloader, self.directory, self.peers, self.facts)
        self._tasks = Tasks(failed)

    def _host_of(self, application_id: int) -> int | None:
        live = self.solution.world.applications.get(application_id)
        return live.facts.host_id if live else None

    def _names_of(self, application_id: int | None, host_id: int | None) -> tuple[str, str]:
        world = self.solution.world
        live = world.applications.get(application_id) if application_id else None
        host = world.hosts.get(host_id) if host_id else None
        return live.facts.name if live else "", host.facts.name if host else ""

    def facts(self) -> dict[str, Any]:
        """What a Pong and the heartbeat row tell."""
        applications, hosts = self.solution.world.connected()
        unwritten = self.solution.writer.unwritten_since
        return {"since": self.since, "applications": applications, "hosts": hosts, "term": self.term,
                UNWRITTEN_SINCE: unwritten.isoformat() if unwritten else None, "pid": os.getpid(),
                "trouble": self.ledger.trouble,
                "doubted": len(self.solution.pairs.doubted()) if self.ledger.trusted_from else 0}

    async def load(self) -> None:
        """Read everything, before anybody connects. Raises DatabaseAway."""
        await self.ledger.load()
        await self.solution.load(self._objects)
        await self.solution.configurations.log_pairs.look(self._objects)
        await self.solution.witnesses.remember(self._data_dir)
        collector.spare()

    def start(self) -> None:
        """Begin to work."""
        log.info("this control leads in term %d: %s", self.term, self._office.reason)
        for work in (self.solution.writer.run, self.solution.settle, self.reloader.run, self._prunings,
                     self.solution.pauses.run, self.solution.witnesses.run, self.peers.run):
            self._tasks.start(work())
        office = self._office
        if office.predecessor:
            self.solution.writer.put_event(EventRow(
                at=datetime.now(UTC), number=Own.TOOK_OVER, text=f"Control at {office.leader} took over in term "
                f"{self.term}, before it was the one at {office.predecessor}. {office.reason}"))

    async def stop(self, *, may_write: bool) -> None:
        """Decide nothing any more and write what waits."""
        await self._tasks.end()
        await self.solution.pairs.close()
        await self.ledger.close()
        await self.directory.close()
        # Written before the sessions end: that control ends says nothing about servers and hosts.
        if may_write:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self.solution.writer.flush()
        self.solution.close()

    async def close(self) -> None:
        """After the sessions have ended. A database that hangs is left to itself."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAPSE_S):
                await asyncio.gather(*(database.close() for database in self._databases))
        collector.spare_nothing()

    async def _prunings(self) -> None:
        clock = PatientClock()
        while True:
            try:
                await self._record.write(ledger.prune, clock.now(time.time(), time.monotonic()))
                while await self._copies.write(copies.prune_events):
                    await asyncio.sleep(PRUNE_PAUSE_S)
            except DatabaseAway as error:
                log.warning("%s", error)
            await asyncio.sleep(PRUNE_S)
