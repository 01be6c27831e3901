"""Carries out ``decide``: one snapshot, one durable write, then what servers are told; a pair at a time."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from protocol.message import Message
from protocol.pair_messages import Recorded, StepDown
from protocol.server_messages import Grant, Report

from .database import DatabaseAway
from .decide import Decision, GrantTo, Tell, decide
from .ledger import Change, Ledger, Row
from .live import LiveApplication, ServerConnection, World
from .snapshot import Member, Record, Request, Snapshot, State, Timing, ahead, state_of, vouched

log = logging.getLogger(__name__)

RETRY_S = 1.0
CAS_RETRY_S = 0.05
OBSERVING_S = 0.25
"""A silence that has lasted for long enough and proves nothing yet is looked at again so often."""


@dataclass(frozen=True)
class Outcome:
    """A decision that was carried out, about ``members``; ``before`` is the record that it found, ``asked``: while a
    person's switchover or promotion is under way."""

    members: list[LiveApplication]
    before: Record
    decision: Decision
    asked: bool


class Pairs:
    """``wake`` whenever something about a pair's members changed. ``on_recorded`` hears that the record of a pair is
    another one, ``on_decided`` of each decision; ``observing`` tells whether silence proves nothing at the moment,
    ``leads`` whether this control may decide."""

    def __init__(self, world: World, ledger: Ledger, *, timing: Timing, observing: Callable[[], bool],
                 leads: Callable[[], bool], on_recorded: Callable[[int], None],
                 on_decided: Callable[[Outcome], None]):
        self._world, self._ledger, self._timing = world, ledger, timing
        self._observing, self._leads = observing, leads
        self._on_recorded, self._on_decided = on_recorded, on_decided
        self.requests: dict[int, Request] = {}
        """What people asked for, by pair; whoever put it there takes it away."""
        self._vouched: set[int] = set()
        """Pairs whose members have all been there since the present history began to be trusted from, and agreed with
        the record: what happened to it since then, this control wrote."""
        self._dirty: set[int] = set()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._locks: dict[int, asyncio.Lock] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._since = time.monotonic()

    def wake(self, pair_id: int) -> None:
        self._dirty.add(pair_id)
        if pair_id not in self._tasks:
            task = self._tasks[pair_id] = asyncio.create_task(self._work(pair_id), name=f"pair {pair_id}")
            task.add_done_callback(lambda _: self._ended(pair_id))

    def doubt(self) -> None:
        """An older copy of control's database was put back: every record has to be vouched for anew."""
        self._vouched.clear()
        for pair_id in {live.pair_id for live in self._world.applications.values() if live.connection is not None}:
            self.wake(pair_id)
        self.wake_doubted()

    def wake_doubted(self) -> None:
        """Pages are to tell of a record that is in doubt though nobody of its pair is there."""
        for pair_id in self.doubted():
            self.wake(pair_id)

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

    @property
    def record_trouble(self) -> str:
        """Why the record cannot be written, as a sentence; "" while it can."""
        return self._ledger.trouble

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
        if not any(live.connection for live in members) and (self._observing() or not self._ledger.is_doubted(pair_id)):
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
        if ahead(snapshot) is not None:
            # The newer database may be there again, or it was another control that wrote what they have seen.
            await self._ledger.reread(pair_id)
            self._later(pair_id, RETRY_S)
        if decision.recheck_in_s is not None:
            self._later(pair_id, (decision.recheck_in_s or OBSERVING_S) + 0.01)

    async def snapshot(self, pair_id: int) -> Snapshot:
        """What a decision about the pair would see now. Raises DatabaseAway."""
        primary, backup = self._members(pair_id)
        row = self._ledger.row(pair_id)
        other = self._ledger.row(backup.facts.id) if backup else None
        if other is not None and (other.epoch > row.epoch or other.version > row.version):
            # Each member's own row knows what that member was ever told: a pair starts from the higher of both.
            joined = replace(row, version=max(row.version, other.version) + 1, epoch=max(row.epoch, other.epoch),
                             standby_in_sync=False, standby_copy="", identity=primary.facts.identity)
            await self._ledger.write(Change(joined, row.version))
            self._on_recorded(pair_id)
            row = self._ledger.row(pair_id)
        members = tuple(self._member(live) for live in self._world.members(pair_id))
        trusted = pair_id in self._vouched or row.generation >= self._ledger.trusted_from
        snapshot = Snapshot(self._record(row, primary, backup), members, self._timing, self.requests.get(pair_id),
                            self._observing(), trusted)
        if not trusted and vouched(snapshot):
            self._vouched.add(pair_id)
        return snapshot

    def _members(self, pair_id: int) -> tuple[LiveApplication, LiveApplication | None]:
        primary, *backup = self._world.members(pair_id)
        return primary, backup[0] if backup else None

    @staticmethod
    def _record(row: Row, primary: LiveApplication, backup: LiveApplication | None) -> Record:
        if row.identity not in ("", primary.facts.identity):
            # Of another application that had this id: nobody of this one has ever served, in any epoch up to here.
            return Record(version=row.version, epoch=row.epoch, generation=row.generation)
        active = next((live.facts.name for live in (primary, backup) if live and live.facts.id == row.active_id), "")
        return Record(
            version=row.version, epoch=row.epoch, active=active, standby_in_sync=row.standby_in_sync,
            automatic_failover=row.automatic_failover, active_copy=row.active_copy, standby_copy=row.standby_copy,
            generation=row.generation)

    async def change(self, pair_id: int, changed: Callable[[Snapshot], Record | None], reason: str,
                     **columns: Any) -> bool:
        """Write the record as ``changed`` makes it, then decide anew; False when it makes none, or when somebody else
        wrote it meanwhile. Raises DatabaseAway."""
        async with self._lock(pair_id):
            snapshot = await self.snapshot(pair_id)
            record = changed(snapshot)
            written = record is not None and await self._write(pair_id, snapshot.record, record, reason, **columns)
        self.wake(pair_id)
        return written

    def doubted(self) -> list[int]:
        """Pairs whose records were last written before an older copy of control's database was put back."""
        doubted = set(self._ledger.doubted())
        return [live.pair_id for live in self._world.applications.values()
                if live.facts.id in doubted and live.facts.primary_id is None]

    async def confirm(self, pair_id: int, reason: str) -> bool:
        """The record of a pair that is doubted, and whose members agree with it, counts from now on; False for one that
        stays in doubt. Raises DatabaseAway."""
        async with self._lock(pair_id):
            snapshot = await self.snapshot(pair_id)
            if state_of(snapshot) == State.DISPUTED:
                return False
            record = replace(snapshot.record, version=snapshot.record.version + 1)
            written = await self._write(pair_id, snapshot.record, record, reason)
        self.wake(pair_id)
        return written

    async def _write(self, pair_id: int, before: Record, record: Record, reason: str, **columns: Any) -> bool:
        primary, backup = self._members(pair_id)
        ids = {live.facts.name: live.facts.id for live in (primary, backup) if live}
        now, generation = datetime.now(UTC), self._ledger.generation
        former = self._ledger.row(pair_id)
        row = replace(
            former if former.identity in ("", primary.facts.identity) else Row(application_id=pair_id),
            identity=primary.facts.identity, version=record.version, epoch=record.epoch,
            active_id=ids.get(record.active), standby_in_sync=record.standby_in_sync, active_copy=record.active_copy,
            standby_copy=record.standby_copy, automatic_failover=record.automatic_failover, reason=reason, since=now,
            generation=generation, gone_at=None, **columns)
        other = Row(application_id=backup.facts.id, identity=backup.facts.identity, version=record.version,
                    epoch=record.epoch, since=now, generation=generation) if backup else None
        written = await self._ledger.write(Change(row, before.version, other))
        if written:
            self._on_recorded(pair_id)
        else:
            log.warning("the record of pair %s was not at version %d any more: decides again", pair_id, before.version)
            await self._ledger.reread(pair_id)
            self._later(pair_id, CAS_RETRY_S)
        return written

    # --- what servers are told ---------------------------------------------------------------------------

    def _send(self, name: str, connection: ServerConnection | None, message: Message) -> ServerConnection | None:
        """The connection that it was sent on, None when it was not."""
        live = self._world.application(name)
        # While the record was written the server may have gone; its next hello brings the next decision.
        if connection is None or live is None or live.connection is not connection:
            return None
        connection.peer.post(message)
        return connection

    def _grant(self, grant: GrantTo, connection: ServerConnection | None) -> None:
        sent = self._send(grant.name, connection, Grant(
            role=grant.role, epoch=grant.epoch, reason=grant.reason, record_version=grant.record_version,
            generation=self._ledger.token))
        if sent is not None:
            sent.granted, sent.told = (grant.role, grant.epoch), grant.record_version

    def _tell(self, tell: Tell, connection: ServerConnection | None) -> None:
        sent = self._send(tell.name, connection, Recorded(
            epoch=tell.epoch, record_version=tell.record_version, in_sync=tell.in_sync, reason=tell.reason,
            generation=self._ledger.token))
        if sent is not None:
            sent.told = tell.record_version

    def _step_down(self, decision: Decision, epoch: int, connection: ServerConnection | None) -> None:
        sent = self._send(decision.step_down, connection, StepDown(epoch=epoch, reason=decision.reason))
        if sent is not None:
            sent.stepping_down = epoch

    # --- what is known of a member -----------------------------------------------------------------------

    def _member(self, live: LiveApplication) -> Member:
        connection, host, now = live.connection, self._world.host_of(live), time.monotonic()
        agent_connected = host is not None and host.peer is not None
        process = live.process_state(listed=host is not None and agent_connected and host.listed)
        if connection is None:
            silent_since = live.silent_since if live.silent_since is not None else self._since
            return Member(name=live.facts.name, process=process, agent_connected=agent_connected,
                          silent_s=now - silent_since)
        said, hello = connection.report, connection.hello
        fresh = Member(
            name=live.facts.name, connected=True, role=hello.role, epoch=hello.epoch, version=hello.record_version,
            granted=connection.granted, told=connection.told, stepping_down=connection.stepping_down, process=process,
            agent_connected=agent_connected, silent_s=now - connection.peer.heard_at, present_s=now - connection.at)
        return fresh if said is None else _with_report(fresh, said, now - (connection.trouble_since or now))


def _with_report(member: Member, said: Report, trouble_s: float) -> Member:
    values = {name: getattr(member, name) for name in member.__dataclass_fields__}
    return Member(**values | {
        "state": said.state, "role": said.role, "epoch": max(member.epoch, said.epoch),
        "version": max(member.version, said.record_version), "copy": said.copy, "link": said.link,
        "link_reason": said.link_reason, "trouble": said.reason, "trouble_s": trouble_s, "wish": said.standby,
        "wish_version": said.standby_version, "wish_copy": said.standby_copy})
