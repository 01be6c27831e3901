"""Carries out ``decide``: one snapshot, one durable write, then the grants. One decision a pair at a time."""

import asyncio
import logging
import time
from collections.abc import Callable

from protocol.messages import Grant

from . import records
from .database import Database, DatabaseAway
from .decide import Decision, GrantTo, Member, Record, Snapshot, Timing, decide
from .live import LiveApplication, ServerConnection, World

log = logging.getLogger(__name__)

RETRY_S = 1.0


class Pairs:
    """``wake`` whenever something about a pair's members changed. ``on_decided`` hears of each decision."""

    def __init__(self, world: World, database: Database, *, timing: Timing,
                 on_decided: Callable[[list[LiveApplication], Decision], None]):
        self._world, self._database, self._timing, self._on_decided = world, database, timing, on_decided
        self._records: dict[int, Record] = {}
        self._dirty: set[int] = set()
        self._tasks: dict[int, asyncio.Task] = {}
        self._since = time.monotonic()

    def wake(self, pair_id: int) -> None:
        self._dirty.add(pair_id)
        if pair_id not in self._tasks:
            task = self._tasks[pair_id] = asyncio.create_task(self._work(pair_id), name=f"pair {pair_id}")
            task.add_done_callback(lambda _: self._ended(pair_id))

    def forget(self, pair_id: int) -> None:
        """Read the record again before the next decision: the pair's objects changed."""
        self._records.pop(pair_id, None)

    async def close(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _ended(self, pair_id: int) -> None:
        task = self._tasks.pop(pair_id)
        if not task.cancelled() and task.exception() is not None:
            log.error("deciding about pair %s failed", pair_id, exc_info=task.exception())
            self._later(pair_id, RETRY_S)
        elif pair_id in self._dirty and not task.cancelled():
            self.wake(pair_id)

    def _later(self, pair_id: int, delay_s: float) -> None:
        asyncio.get_running_loop().call_later(delay_s, self.wake, pair_id)

    async def _work(self, pair_id: int) -> None:
        while pair_id in self._dirty:
            self._dirty.discard(pair_id)
            try:
                await self._decide(pair_id)
            except DatabaseAway as error:
                log.warning("nothing is decided about pair %s: %s", pair_id, error)
                self._later(pair_id, RETRY_S)
                return

    async def _decide(self, pair_id: int) -> None:
        members = self._world.members(pair_id)
        if not any(live.connection for live in members):
            return
        backup_id = members[0].facts.backup_id
        if pair_id not in self._records:
            self._records[pair_id] = await self._database.run(records.load_record, pair_id, backup_id)
        record = self._records[pair_id]
        connections = {live.facts.name: live.connection for live in members}
        decision = decide(Snapshot(record, tuple(self._member(live) for live in members), self._timing))
        if decision.record is not None:
            written = await self._database.run(records.save_record, pair_id, backup_id, reason=decision.reason,
                                               expected_version=record.version, record=decision.record)
            if not written:
                log.warning("the record of pair %s was not at version %d any more: decides again", pair_id,
                            record.version)
                self.forget(pair_id)
                self._later(pair_id, 0.05)
                return
            self._records[pair_id] = decision.record
        for grant in decision.grants:
            self._send(grant, connections[grant.name])
        self._on_decided(members, decision)
        if decision.recheck_in_s is not None:
            self._later(pair_id, decision.recheck_in_s + 0.01)

    def _send(self, grant: GrantTo, connection: ServerConnection | None) -> None:
        live = self._world.application(grant.name)
        # While the record was written the server may have gone; its next hello brings the next decision.
        if connection is None or live is None or live.connection is not connection:
            return
        connection.granted = (grant.role, grant.epoch)
        connection.peer.post(Grant(role=grant.role, epoch=grant.epoch, record_version=grant.record_version,
                                   reason=grant.reason))

    def _member(self, live: LiveApplication) -> Member:
        connection, host = live.connection, self._world.host_of(live)
        agent_connected = host is not None and host.peer is not None
        away_since = live.lost_at if live.lost_at is not None else self._since
        if connection is None:
            return Member(name=live.facts.name, process=live.process_state(), agent_connected=agent_connected,
                          away_s=time.monotonic() - away_since)
        said, hello = connection.report, connection.hello
        return Member(
            name=live.facts.name, connected=True, state=said.state if said else "",
            role=said.role if said else hello.role,
            epoch=max(hello.epoch, said.epoch if said else 0),
            version=max(hello.record_version, said.record_version if said else 0),
            granted=connection.granted, process=live.process_state(), agent_connected=agent_connected)


