"""What people ask of a pair: switch over, pause and resume automatic failover, promote with loss, probe."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from protocol.events import Own
from protocol.pair_messages import PairAnswer, PairRequest, Probe, Probed

from . import restored
from .checks import clean
from .live import LiveApplication, ServerConnection, World
from .pairs import Pairs
from .snapshot import Member, Record, Request, Snapshot, State, forgetful, state_of
from .transitions import refusal

log = logging.getLogger(__name__)

SWITCH_S = 10.0
"""A switchover or promotion that has not ended by then has failed."""
PROBE_S = 3.0
WRITTEN_S = 1.5
CONFIRMED = "Its members agreed with the record after an older database was put back."
DISPUTED = "An older control database was put back, so nothing is decided or changed about this pair."


class Requests:
    """One method a verb of messages.PAIR_VERBS; each returns the PairAnswer once it is done. ``tell`` adds an event to
    the timelines of both members, ``written`` waits until pages can see what was told."""

    def __init__(self, world: World, pairs: Pairs, tell: Callable[[list[LiveApplication], Own, str], None],
                 written: Callable[[float], Awaitable[None]]):
        self._world, self._pairs, self._tell, self._written = world, pairs, tell, written
        self._verbs = {"switchover": self._switch, "promote": self._switch, "pause": self._pause,
                       "resume": self._resume, "probe": self._probe, "record": self._record,
                       "restored": self._restored}
        self._waiting: dict[int, asyncio.Event] = {}

    async def answer(self, asked: PairRequest) -> PairAnswer:
        """Raises DatabaseAway."""
        if asked.verb == "restored" and not asked.application:
            return await self._confirm_all(asked)
        live, verb = self._world.application(asked.application), self._verbs.get(asked.verb)
        if live is None or verb is None:
            return _no(f"Control knows no application {asked.application[:255]!r}." if live is None else
                       f"Control does not know the verb {asked.verb[:40]!r}.", "Try again in a moment.")
        answer = await verb(live.pair_id, asked)
        if answer.ok:
            # Whoever asked looks at the pages next.
            await self._written(WRITTEN_S)
        trouble = self._pairs.record_trouble
        return replace(answer, facts={**answer.facts, "database": trouble}) if trouble else answer

    def decided(self, pair_id: int) -> None:
        """Something about the pair was decided or reported: whoever waits looks again."""
        if pair_id in self._waiting:
            self._waiting[pair_id].set()

    # --- switchover and promotion ------------------------------------------------------------------------

    async def _switch(self, pair_id: int, asked: PairRequest) -> PairAnswer:
        if pair_id in self._pairs.requests:
            return _no("A switchover of this pair is running already.", "Wait until it has ended.")
        snapshot = await self._pairs.snapshot(pair_id)
        target = asked.target or (snapshot.standby.name if snapshot.standby else "")
        request = Request(asked.verb, target, clean(asked.by, 150) or "Somebody")
        if why := refusal(snapshot, request):
            return _no(why, "")
        began = time.monotonic()
        members = self._world.members(pair_id)
        word = "a switchover to" if asked.verb == "switchover" else "the promotion of"
        because = f" Reason: {clean(asked.reason, 500)}" if asked.reason else ""
        self._tell(members, Own.ASKED, f"{request.by} asked for {word} {target}.{because}")
        self._pairs.requests[pair_id], self._waiting[pair_id] = request, asyncio.Event()
        try:
            done = await self._until_serving(pair_id, target)
        finally:
            del self._pairs.requests[pair_id], self._waiting[pair_id]
            self._pairs.wake(pair_id)
        took_ms = (time.monotonic() - began) * 1000
        if done is None:
            why = f"{target} has not taken over within {SWITCH_S:g} s."
            self._tell(members, Own.NOT_DONE, why)
            return _no(why, "Look at the states of both servers; the one that served goes on as soon as it can.")
        return PairAnswer(ok=True, reason=f"{target} serves in epoch {done.record.epoch}.", facts={
            "active": target, "epoch": done.record.epoch, "took_ms": round(took_ms, 1)})

    async def _until_serving(self, pair_id: int, target: str) -> Snapshot | None:
        """The first snapshot in which ``target`` serves; None after SWITCH_S."""
        deadline, changed = time.monotonic() + SWITCH_S, self._waiting[pair_id]
        self._pairs.wake(pair_id)
        while (left := deadline - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    await changed.wait()
            except TimeoutError:
                return None
            changed.clear()
            snapshot = await self._pairs.snapshot(pair_id)
            if snapshot.record.active == target and state_of(snapshot) == State.SERVING:
                return snapshot
        return None

    # --- automatic failover ------------------------------------------------------------------------------

    async def _pause(self, pair_id: int, asked: PairRequest) -> PairAnswer:
        by, why = clean(asked.by, 150) or "Somebody", clean(asked.reason, 1000)
        sentence = f"{by} paused automatic failover{': ' + why if why else ''}."
        return await self._set_failover(pair_id, False, Own.PAUSED, sentence, {
            "paused_by": by, "paused_reason": why, "paused_at": datetime.now(UTC)})

    async def _resume(self, pair_id: int, asked: PairRequest) -> PairAnswer:
        sentence = f"{clean(asked.by, 150) or 'Somebody'} resumed automatic failover."
        return await self._set_failover(pair_id, True, Own.RESUMED, sentence, {
            "paused_by": "", "paused_reason": "", "paused_at": None})

    async def _set_failover(self, pair_id: int, on: bool, event: Own, sentence: str, columns: dict[str, Any]
                            ) -> PairAnswer:
        members = self._world.members(pair_id)
        if len(members) < 2:
            return _no("It has no Backup Server, so there is no failover.", "Choose one in Server Info first.")

        def changed(snapshot: Snapshot) -> Record | None:
            # It would raise the version, and hide that a member has seen more than the record says.
            if state_of(snapshot) == State.DISPUTED:
                return None
            return replace(snapshot.record, version=snapshot.record.version + 1, automatic_failover=on)

        for _ in range(3):
            if state_of(await self._pairs.snapshot(pair_id)) == State.DISPUTED:
                return _no(DISPUTED, "Open Restored Database (manage.py restored) first.")
            if await self._pairs.change(pair_id, changed, sentence, **columns):
                self._tell(members, event, sentence)
                return PairAnswer(ok=True, reason=sentence)
        return _no("The record of the pair was changed at the same moment.", "Try again.")

    # --- probe -------------------------------------------------------------------------------------------

    async def _probe(self, pair_id: int, _: PairRequest) -> PairAnswer:
        facts = await asyncio.gather(*(self._probe_member(live) for live in self._world.members(pair_id)))
        return PairAnswer(ok=True, facts={"members": list(facts)})

    # --- after an older copy of the record was put back --------------------------------------------------

    async def _record(self, pair_id: int, _: PairRequest) -> PairAnswer:
        snapshot = await self._pairs.snapshot(pair_id)
        lives = self._world.members(pair_id)
        logs = [restored.read_log(said.log) if said else None
                for said in await asyncio.gather(*(self._ask_for_log(live, 0) for live in lives))]
        common = restored.meeting_point(logs)
        # What was in a store that is not there any more nobody can tell.
        proven = common is not None and not forgetful(snapshot) and await self._is_common(lives, common)
        members = [self._copy(snapshot, member, log) | {"lost": 0} for member, log in
                   zip(snapshot.members, logs, strict=True)]
        if len(members) == 2:
            for found, mine, other in zip(members, logs, reversed(logs), strict=True):
                loss = restored.lost_with(mine, other, common, proven=proven)
                found |= {"lost": None, "lost_before": None} if loss is None else {
                    "lost": loss.before + loss.after, "lost_before": loss.before}
        record = snapshot.record
        return PairAnswer(ok=True, facts={
            "disputed": state_of(snapshot) == State.DISPUTED, "trusted": snapshot.trusted,
            "reason": lives[0].dispute, "version": record.version, "epoch": record.epoch, "active": record.active,
            "standby_in_sync": record.standby_in_sync, "members": members})

    @staticmethod
    def _copy(snapshot: Snapshot, member: Member, log: restored.Log | None) -> dict[str, Any]:
        return {"name": member.name, "connected": member.connected, "state": member.state, "role": member.role,
                "epoch": member.epoch, "version": member.version, "first_seq": log.first_seq if log else None,
                "last_seq": log.last_seq if log else None, "why_not": restored.refusal(snapshot, member.name)}

    async def _is_common(self, lives: list[LiveApplication], seq: int) -> bool:
        """Whether both have the same records up to ``seq``: epochs of histories that parted may look alike."""
        said = await asyncio.gather(*(self._ask_for_log(live, seq) for live in lives))
        digests = {each.log.get("digest") if each else None for each in said}
        return len(digests) == 1 and (seq == 0 or digests.pop() not in ("", None))

    async def _ask_for_log(self, live: LiveApplication, at: int) -> Probed | None:
        return await self._ask(live.connection, log=True, at=at) if live.connection is not None else None

    async def _restored(self, pair_id: int, asked: PairRequest) -> PairAnswer:
        snapshot = await self._pairs.snapshot(pair_id)
        if state_of(snapshot) != State.DISPUTED:
            # It may have ended since somebody looked; then whoever was chosen is not asked for any more.
            return PairAnswer(ok=True, reason="Nothing contradicts the record of this pair any more. Nothing was "
                              "changed.", facts={"active": snapshot.candidate.name, "already": True})
        target = asked.target or snapshot.candidate.name
        if why := restored.refusal(snapshot, target):
            return _no(why, "")
        by = clean(asked.by, 150) or "Somebody"
        because = f" Reason: {clean(asked.reason, 500)}" if asked.reason else ""
        sentence = f"{by} said that {target} goes on after an older database was put back.{because}"

        def changed(now: Snapshot) -> Record | None:
            return None if restored.refusal(now, target) else restored.raised(now, target)

        if not await self._pairs.change(pair_id, changed, sentence):
            return _no("The pair was changed at the same moment.", "Look again.")
        self._tell(self._world.members(pair_id), Own.RECORD_RAISED, sentence)
        record = (await self._pairs.snapshot(pair_id)).record
        return PairAnswer(ok=True, reason=sentence, facts={
            "active": target, "version": record.version, "epoch": record.epoch})

    async def _confirm_all(self, asked: PairRequest) -> PairAnswer:
        """Every pair whose members agree with the record goes on for good; the others stay disputed."""
        doubted = self._pairs.doubted()
        confirmed = await asyncio.gather(*(self._pairs.confirm(pair_id, CONFIRMED) for pair_id in doubted))
        left = len(self._pairs.doubted())
        log.info("%s confirmed the records of %d pairs, %d are left", asked.by[:150], sum(confirmed), left)
        await self._written(WRITTEN_S)
        return PairAnswer(ok=True, reason=f"{sum(confirmed)} records are confirmed, {left} are left.",
                          facts={"confirmed": sum(confirmed), "left": left})

    # --- what members are asked ---------------------------------------------------------------------------

    async def _probe_member(self, live: LiveApplication) -> dict[str, Any]:
        connection = live.connection
        found = {"name": live.facts.name, "connected": connection is not None, "role": "", "epoch": 0,
                 "accepts": False, "reason": "It is not connected to control.", "took_ms": 0.0}
        if connection is None:
            return found
        if connection.report is not None:
            found |= {"role": connection.report.role, "epoch": connection.report.epoch}
        said = await self._ask(connection)
        if said is None:
            return found | {"reason": f"It did not answer the probe within {PROBE_S:g} s."}
        return found | {"accepts": said.accepts, "reason": clean(said.reason, 500), "took_ms": round(said.took_ms, 1)}

    async def _ask(self, connection: ServerConnection, **question: Any) -> Probed | None:
        """What the connected member answers to a probe; None when it does not in time."""
        number, waiting = connection.questions.ask()
        connection.peer.post(Probe(id=number, **question))
        try:
            async with asyncio.timeout(PROBE_S):
                return await waiting
        except TimeoutError:
            return None


def _no(reason: str, advice: str) -> PairAnswer:
    return PairAnswer(ok=False, reason=reason, advice=advice)
