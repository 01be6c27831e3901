"""Gathers what control has to write down and writes it in as few transactions as possible."""

import asyncio
import contextlib
import logging
from dataclasses import replace

from . import records
from .database import Database, DatabaseAway
from .facts import EventRow, HostRow, StatusRow

log = logging.getLogger(__name__)

FLUSH_S = 1.0
"""Counters (last record, clients) reach the database about so often; changes of status at once."""
HEARD_S = 2.0
"""``heard_at`` alone is written at most so often."""
EVENTS_WAITING = 20_000
ROWS_A_TURN = 500
"""A larger transaction would keep decisions, which use the same thread, waiting."""


class Writer:
    """``put_*`` never block; ``run`` is the task that writes."""

    def __init__(self, database: Database):
        self._database = database
        self._wake = asyncio.Event()
        self._statuses: dict[int, StatusRow] = {}
        self._hosts: dict[int, HostRow] = {}
        self._written: dict[int, StatusRow] = {}
        self._written_hosts: dict[int, HostRow] = {}
        self._events: list[EventRow] = []
        self._dropped = 0

    def known(self, statuses: list[StatusRow], hosts: list[HostRow]) -> None:
        """What the database holds already, at start."""
        self._written = {row.application_id: row for row in statuses}
        self._written_hosts = {row.host_id: row for row in hosts}

    def forget(self, application_id: int) -> None:
        self._statuses.pop(application_id, None)
        self._written.pop(application_id, None)

    def put_status(self, row: StatusRow) -> None:
        self._statuses[row.application_id] = row
        before = self._written.get(row.application_id)
        if before is None or before.announced != row.announced:
            self._wake.set()

    def put_host(self, row: HostRow) -> None:
        self._hosts[row.host_id] = row
        before = self._written_hosts.get(row.host_id)
        if before is None or before.announced != row.announced:
            self._wake.set()

    def put_event(self, row: EventRow) -> None:
        if len(self._events) >= EVENTS_WAITING:
            self._dropped += 1
            return
        self._events.append(row)
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled; a database that is away keeps everything waiting here."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.flush()
            except Exception:
                # One row that cannot be written must not keep all later ones back.
                log.exception("what waited could not be written and is dropped")
                self._statuses.clear()
                self._hosts.clear()
                self._events.clear()

    async def flush(self) -> None:
        """Write what waits. After a failure it waits on, for the next round."""
        for key in [key for key, row in self._statuses.items() if row == self._written.get(key)]:
            del self._statuses[key]
        statuses = [row for row in self._statuses.values() if _worth(row, self._written.get(row.application_id))]
        if len(statuses) > ROWS_A_TURN:
            statuses = statuses[:ROWS_A_TURN]
            self._wake.set()
        hosts = [row for row in self._hosts.values() if _worth(row, self._written_hosts.get(row.host_id))]
        events = self._events[:ROWS_A_TURN]
        if len(self._events) > ROWS_A_TURN:
            self._wake.set()
        if not (statuses or hosts or events):
            return
        try:
            await self._database.write(records.write, statuses, hosts, events,
                                       [*self._topics(statuses, hosts), *_event_topics(events)])
        except DatabaseAway as error:
            log.warning("%s; %d changes wait to be written", error, len(statuses) + len(hosts) + len(events))
            return
        for row in statuses:
            self._written[row.application_id] = row
            if self._statuses.get(row.application_id) is row:
                del self._statuses[row.application_id]
        for row in hosts:
            self._written_hosts[row.host_id] = row
            if self._hosts.get(row.host_id) is row:
                del self._hosts[row.host_id]
        del self._events[:len(events)]
        if self._dropped:
            log.error("%d events were not written: more than %d waited", self._dropped, EVENTS_WAITING)
            self._dropped = 0

    def _topics(self, statuses: list[StatusRow], hosts: list[HostRow]) -> list[str]:
        topics = []
        for row in statuses:
            before = self._written.get(row.application_id)
            if before is None or before.announced != row.announced:
                topics.append(f"application:{row.application_id}")
        if topics:
            topics += ["applications", "status"]
        changed_hosts = [f"host:{row.host_id}" for row in hosts if row.host_id not in self._written_hosts
                         or self._written_hosts[row.host_id].announced != row.announced]
        return topics + changed_hosts + (["status"] if changed_hosts and not topics else [])


def _event_topics(events: list[EventRow]) -> list[str]:
    """An event is often written after the status that it explains was: open timelines have to hear of it as well."""
    return list(dict.fromkeys(f"events:{row.application_id}" for row in events if row.application_id is not None))


def _worth(row, before) -> bool:
    """True when ``row`` says more than ``before``, or the same and a good deal later."""
    if before is None or replace(row, heard_at=before.heard_at) != before:
        return True
    if row.heard_at is None or before.heard_at is None:
        return row.heard_at != before.heard_at
    return (row.heard_at - before.heard_at).total_seconds() >= HEARD_S
