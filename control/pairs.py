"""Carries out ``decide``: one snapshot, one durable write, then what servers are told; a pair at a time."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from protocol.messages import Grant, Message, Recorded, StepDown

from . import records
from .database import Database, DatabaseAway
from .decide import Decision, decide
from .live import LiveApplication, ServerConnection, World
from .snapshot import Member, Record, Request, Snapshot, State, Timing

log = logging.getLogger(__name__)

RETRY_S = 1.0
CAS_RETRY_S = 0.05
OBSERVING_S = 0.25
"""While silence proves nothing, time-outs are looked at again so often."""


@dataclass(frozen=True)
class Outcome:
    """A decision that was carried out, about ``members``; ``before`` is the record that it found, ``asked``: while a
    person's switchover or promotion is under way."""

    members: list[LiveApplication]
    before: Record
    decision: Decision
    asked: bool


class Pairs:
    """``wake`` whenever something about a pair's members changed. ``on_decided`` hears of each decision;
    ``observing`` tells whether silence proves nothing at the moment, ``leads`` whether this control may decide."""

    def __init__(self, world: World, database: Database, *, timing: Timing, observing: Callable[[], bool],
                 leads: Callable[[], bool], on_decided: Callable[[Outcome], None]):
        self._world, self._database, self._timing = world, database, timing
        self._observing, self._leads, self._on_decided = observing, leads, on_decided
        self.requests: dict[int, Request] = {}
        """What people asked for, by pair; whoever put it there takes it away."""
        self._records: dict[int, Record] = {}
        self._dirty: set[int] = set()
        self._tasks: dict[int, asyncio.Task] = {}
        self._locks: dict[int, asyncio.Lock] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
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
        """Wake the pair then, or when it is to be woken sooner anyway."""
        loop, former = asyncio.get_running_loop(), self._timers.get(pair_id)
        if former is not None and loop.time() < former.when() <= loop.time() + delay_s:
            return
        if former is not None:
            former.cancel()
        self._timers[pair_id] = loop.call_later(delay_s, self.wake, pair_id)

    async def _work(self, pair_id: int) -> None:
        while pair_id in self._dirty:
            self._dirty.discard(pair_id)
            try:
                async with self._lock(pair_id):
                    await self._decide(pair_id)
            except DatabaseAway as error:
                log.warning("nothing is decided about pair %s: %s", pair_id, error)
                self._later(pair_id, RETRY_S)
                return

    def _lock(self, pair_id: int) -> asyncio.Lock:
        return self._locks.setdefault(pair_id, asyncio.Lock())

    # --- one decision ----------------------------------------------------------------------------------

    async def _decide(self, pair_id: int) -> None:
        members = self._world.members(pair_id)
        if not any(live.connection for live in members):
            return
        if not self._leads():
            # Nothing would be lost (docs/pair.md), but what a former leader says only confuses.
            self._later(pair_id, RETRY_S)
            return
        snapshot = await self.snapshot(pair_id)
        connections = {live.facts.name: live.connection for live in members}
        decision = decide(snapshot)
        if decision.record is not None and not await self._write(
                pair_id, snapshot.record, decision.record, decision.sync_reason or decision.reason):
            return
        for grant in decision.grants:
            self._grant(grant, connections[grant.name])
        for tell in decision.tells:
            self._tell(tell, connections[tell.name])
        if decision.step_down:
            self._step_down(decision, snapshot.record.epoch, connections[decision.step_down])
        self._on_decided(Outcome(members, snapshot.record, decision, snapshot.request is not None))
        if decision.state == State.DISPUTED:
            # The newer database may be restored at any time, or it was another control that wrote what they have seen.
            self.forget(pair_id)
            self._later(pair_id, RETRY_S)
        if decision.recheck_in_s is not None:
            self._later(pair_id, max(decision.recheck_in_s, OBSERVING_S if snapshot.observing else 0.0) + 0.01)

    async def snapshot(self, pair_id: int) -> Snapshot:
        """What a decision about the pair would see now. Raises DatabaseAway."""
        members = self._world.members(pair_id)
        if pair_id not in self._records:
            backup_id = members[0].facts.backup_id
            self._records[pair_id] = await self._database.write(records.load_record, pair_id, backup_id)
        return Snapshot(self._records[pair_id], tuple(self._member(live) for live in members), self._timing,
                        self.requests.get(pair_id), self._observing())

    async def change(self, pair_id: int, changed: Callable[[Record], Record], reason: str, **columns) -> bool:
        """Write the record as ``changed`` makes it, then decide anew; False when somebody else wrote it meanwhile.

        Raises DatabaseAway."""
        async with self._lock(pair_id):
            before = (await self.snapshot(pair_id)).record
            written = await self._write(pair_id, before, changed(before), reason, **columns)
        self.wake(pair_id)
        return written

    async def _write(self, pair_id: int, before: Record, record: Record, reason: str, **columns) -> bool:
        backup_id = self._world.members(pair_id)[0].facts.backup_id
        written = await self._database.write(records.save_record, pair_id, backup_id, reason=reason,
                                             expected_version=before.version, record=record, **columns)
        if written:
            self._records[pair_id] = record
        else:
            log.warning("the record of pair %s was not at version %d any more: decides again", pair_id, before.version)
            self.forget(pair_id)
            self._later(pair_id, CAS_RETRY_S)
        return written

    # --- what servers are told ---------------------------------------------------------------------------

    def _send(self, name: str, connection: ServerConnection | None, message: Message) -> bool:
        live = self._world.application(name)
        # While the record was written the server may have gone; its next hello brings the next decision.
        if connection is None or live is None or live.connection is not connection:
            return False
        connection.peer.post(message)
        return True

    def _grant(self, grant, connection: ServerConnection | None) -> None:
        if self._send(grant.name, connection, Grant(role=grant.role, epoch=grant.epoch, reason=grant.reason,
                                                    record_version=grant.record_version)):
            connection.granted, connection.told = (grant.role, grant.epoch), grant.record_version

    def _tell(self, tell, connection: ServerConnection | None) -> None:
        if self._send(tell.name, connection, Recorded(epoch=tell.epoch, record_version=tell.record_version,
                                                      in_sync=tell.in_sync, reason=tell.reason)):
            connection.told = tell.record_version

    def _step_down(self, decision: Decision, epoch: int, connection: ServerConnection | None) -> None:
        if self._send(decision.step_down, connection, StepDown(epoch=epoch, reason=decision.reason)):
            connection.stepping_down = epoch

    # --- what is known of a member -----------------------------------------------------------------------

    def _member(self, live: LiveApplication) -> Member:
        connection, host, now = live.connection, self._world.host_of(live), time.monotonic()
        agent_connected = host is not None and host.peer is not None
        process = live.process_state(listed=agent_connected and host.listed)
        if connection is None:
            silent_since = live.silent_since if live.silent_since is not None else self._since
            return Member(name=live.facts.name, process=process, agent_connected=agent_connected,
                          away_s=now - silent_since)
        said, hello = connection.report, connection.hello
        fresh = Member(
            name=live.facts.name, connected=True, role=hello.role, epoch=hello.epoch, version=hello.record_version,
            granted=connection.granted, told=connection.told, stepping_down=connection.stepping_down, process=process,
            agent_connected=agent_connected, present_s=now - connection.at)
        return fresh if said is None else _with_report(fresh, said, now - (connection.trouble_since or now))


def _with_report(member: Member, said, trouble_s: float) -> Member:
    values = {name: getattr(member, name) for name in member.__dataclass_fields__}
    return Member(**values | {
        "state": said.state, "role": said.role, "epoch": max(member.epoch, said.epoch),
        "version": max(member.version, said.record_version), "copy": said.copy, "link": said.link,
        "link_reason": said.link_reason, "trouble": said.reason, "trouble_s": trouble_s, "wish": said.standby,
        "wish_version": said.standby_version, "wish_copy": said.standby_copy})
