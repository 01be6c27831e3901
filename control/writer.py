"""Gathers what control has to write down for the pages and writes it in as few transactions as possible."""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from protocol.beats import until_next

from . import copies
from .copies import Batch
from .database import Database, DatabaseAway
from .event_budget import EventBudget
from .facts import EventRow, HostRow, PairCopy, StatusRow

log = logging.getLogger(__name__)

FLUSH_S = 1.0
"""Counters (last record, clients) reach the database about so often; changes of status at once."""
HEARD_S, HEARD_MAX_S, HEARD_A_SECOND = 2.0, 5.0, 2500
"""How often it is written that all who are connected were heard of: the more there are, the less often."""
EVENTS_WAITING = 50_000
ROWS_A_TURN, PAUSE_A_ROW_S = 500, 0.0002
"""Rows of one kind in one transaction, and the pause after it; everybody else who writes gets a turn."""
Row = TypeVar("Row")


class Lane(Generic[Row]):
    """Rows of one kind: those that are written, and those that wait. ``key`` names a row, ``told`` is what of it pages
    are told of when it changes."""

    def __init__(self, key: Callable[[Row], int], told: Callable[[Row], object]):
        self._key, self._told = key, told
        self._waiting: dict[int, Row] = {}
        self._news: dict[int, None] = {}
        self._counted: set[int] = set()
        self._written: dict[int, Row] = {}

    def known(self, rows: Iterable[Row]) -> None:
        """What the database holds already, at start."""
        self._written = {self._key(row): row for row in rows}

    def __len__(self) -> int:
        return len(self._written)

    @property
    def waiting(self) -> int:
        """How many rows wait."""
        return len(self._waiting)

    def forget(self, key: int) -> None:
        self._no_longer_waits(key)
        self._written.pop(key, None)

    def put(self, row: Row, *, counted: bool = False) -> bool:
        """True when pages are to be told at once. ``counted``: nothing but counters differs from the last one put."""
        key = self._key(row)
        known = self._written.get(key)
        if key not in self._waiting:
            if row == known:
                return False
            if counted and known is not None:
                self._counted.add(key)
        elif not counted:
            self._counted.discard(key)
        self._waiting[key] = row
        is_news = known is None or self._told(known) != self._told(row)
        if is_news:
            self._news[key] = None
        return is_news

    def due(self, most: int) -> list[Row]:
        """What is to be written now, news first."""
        keys = itertools.chain(self._news, (key for key in self._waiting if key not in self._news))
        return [self._waiting[key] for key in itertools.islice(keys, most)]

    def is_counted(self, row: Row) -> bool:
        """Nothing but counters of it differs from what is written."""
        return self._key(row) in self._counted

    def news(self, rows: Iterable[Row]) -> list[int]:
        """Keys of those of ``rows`` that pages are to be told of."""
        return [key for row in rows if (key := self._key(row)) in self._news]

    def done(self, rows: Iterable[Row]) -> None:
        """These are written."""
        for row in rows:
            key = self._key(row)
            self._written[key] = row
            if self._waiting.get(key) is row:
                self._no_longer_waits(key)

    def drop(self, rows: Iterable[Row]) -> None:
        """These are given up. What the database holds of them is not known any more."""
        for row in rows:
            self.forget(self._key(row))

    def _no_longer_waits(self, key: int) -> None:
        self._waiting.pop(key, None)
        self._news.pop(key, None)
        self._counted.discard(key)


class Writer:
    """``put_*`` never block; ``run`` is the task that writes."""

    def __init__(self, database: Database, budget: EventBudget | None = None):
        self._database, self._budget = database, budget or EventBudget()
        self._wake = asyncio.Event()
        self._statuses: Lane[StatusRow] = Lane(lambda row: row.application_id, lambda row: row.announced)
        self._hosts: Lane[HostRow] = Lane(lambda row: row.host_id, lambda row: row.announced)
        self._pairs: Lane[PairCopy] = Lane(lambda row: row.primary_id, lambda row: row)
        self._events: list[EventRow] = []
        self._dropped = 0
        self._waiters: list[asyncio.Future[None]] = []
        self._heard_at = 0.0
        self._begun = False
        self.unwritten_since: datetime | None = None
        """Since when what was put is not in the database; None when all of it is, or only just came."""

    def known(self, statuses: list[StatusRow], hosts: list[HostRow], pairs: list[PairCopy]) -> None:
        """What the database holds already, at start."""
        self._statuses.known(statuses)
        self._hosts.known(hosts)
        self._pairs.known(pairs)

    def forget(self, application_id: int) -> None:
        self._budget.forget(application_id)
        self._statuses.forget(application_id)
        self._pairs.forget(application_id)

    def put_status(self, row: StatusRow) -> None:
        if self._statuses.put(row):
            self._wake.set()

    def put_progress(self, row: StatusRow) -> None:
        """Nothing but its counters (facts.COUNTERS) differs from the last row of this application that was put."""
        if self._statuses.put(row, counted=True):
            self._wake.set()

    def put_host(self, row: HostRow) -> None:
        if self._hosts.put(row):
            self._wake.set()

    def put_pair(self, row: PairCopy) -> None:
        if self._pairs.put(row):
            self._wake.set()

    def put_event(self, row: EventRow) -> None:
        if not self._budget.takes(row):
            return
        if len(self._events) >= EVENTS_WAITING:
            self._dropped += 1
            return
        self._events.append(self._budget.located(row))
        self._wake.set()

    async def written(self, patience_s: float) -> None:
        """Wait until what was put up to now is in the database: whoever reads there afterwards sees it. A database that
        is busy is not waited for longer than this."""
        done = asyncio.get_running_loop().create_future()
        self._waiters.append(done)
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await done

    async def run(self) -> None:
        """Write until cancelled; a database that is away keeps everything waiting here."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(until_next(FLUSH_S, time.monotonic())):
                    await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(PAUSE_A_ROW_S * await self.flush())

    async def flush(self) -> int:
        """Write what waits, as much of it as one turn takes; how many rows were written. While the database is away
        everything waits on; what cannot be written for another reason is dropped."""
        lanes = (self._statuses, self._hosts, self._pairs)
        self._events += self._budget.left_out()
        all_of_it = all(many <= ROWS_A_TURN for many in (*(lane.waiting for lane in lanes), len(self._events)))
        waiters, self._waiters = (self._waiters, []) if all_of_it else ([], self._waiters)
        if not all_of_it:
            self._wake.set()
        batch = self._gathered()
        try:
            await self._write(batch)
        except DatabaseAway as error:
            self._waiters += waiters
            log.warning("%s; %d changes wait to be written", error, len(batch))
            return 0
        except Exception:
            # One row that cannot be written must not keep all later ones back.
            log.exception("%d changes could not be written and are dropped", len(batch))
            for lane, rows in self._rows_of(batch):
                lane.drop(rows)
        else:
            for lane, rows in self._rows_of(batch):
                lane.done(rows)
        del self._events[:len(batch.events)]
        self._tell_written(waiters)
        return len(batch)

    def _gathered(self) -> Batch:
        statuses, hosts = self._statuses.due(ROWS_A_TURN), self._hosts.due(ROWS_A_TURN)
        pairs = self._pairs.due(ROWS_A_TURN)
        events = self._events[:ROWS_A_TURN]
        return Batch([row for row in statuses if not self._statuses.is_counted(row)],
                     [row for row in statuses if self._statuses.is_counted(row)],
                     hosts, pairs, events, self._topics(statuses, hosts, pairs, events), self._heard_due())

    def _rows_of(self, batch: Batch) -> list[tuple[Lane[Any], list[Any]]]:
        return [(self._statuses, [*batch.statuses, *batch.counted]), (self._hosts, batch.hosts),
                (self._pairs, batch.pairs)]

    async def _write(self, batch: Batch) -> None:
        """Raises DatabaseAway."""
        if self._begun and not len(batch) and not batch.heard_at:
            return
        self.unwritten_since = self.unwritten_since or datetime.now(UTC)
        if not self._begun:
            await self._database.write(copies.begin)
            self._begun = True
        await self._database.write(copies.write, batch)
        self.unwritten_since = None
        if batch.heard_at:
            self._heard_at = time.monotonic()

    def _tell_written(self, waiters: list[asyncio.Future[None]]) -> None:
        for done in waiters:
            if not done.done():
                done.set_result(None)
        if self._dropped:
            log.error("%d events were not written: more than %d waited", self._dropped, EVENTS_WAITING)
            self._dropped = 0

    def _heard_due(self) -> datetime | None:
        """Now, when it is time to write that all who are connected were heard of."""
        every_s = min(HEARD_MAX_S, max(HEARD_S, (len(self._statuses) + len(self._hosts)) / HEARD_A_SECOND))
        return datetime.now(UTC) if time.monotonic() - self._heard_at >= every_s else None

    def _topics(self, statuses: list[StatusRow], hosts: list[HostRow], pairs: list[PairCopy],
                events: list[EventRow]) -> list[str]:
        applications = [f"application:{key}" for key in self._statuses.news(statuses)]
        changed_hosts = [f"host:{key}" for key in self._hosts.news(hosts)]
        # An event is often written after the status that it explains was: open timelines have to hear of it as well.
        timelines = dict.fromkeys(f"events:{row.application_id}" for row in events if row.application_id is not None)
        return [*applications, *(["applications"] if applications else []),
                *(["status"] if applications or changed_hosts else []), *changed_hosts,
                *(f"pair:{row.primary_id}" for row in pairs), *timelines]
