"""What people ask of a pair: switch over, pause and resume automatic failover, promote with loss, probe."""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from protocol.messages import PairAnswer, PairRequest, Probe, Probed

from .checks import clean
from .live import LiveApplication, World
from .narration import PairEvent
from .pairs import Pairs
from .snapshot import Record, Request, Snapshot, State, state_of
from .transitions import refusal

log = logging.getLogger(__name__)

SWITCH_S = 10.0
"""A switchover or promotion that has not ended by then has failed."""
PROBE_S = 3.0
_probe_numbers = itertools.count(1)


class Requests:
    """One method a verb of messages.PAIR_VERBS; each returns the PairAnswer once it is done. ``tell`` adds an event to
    the timelines of both members."""

    def __init__(self, world: World, pairs: Pairs, tell: Callable[[list[LiveApplication], PairEvent, str], None]):
        self._world, self._pairs, self._tell = world, pairs, tell
        self._verbs = {"switchover": self._switch, "promote": self._switch, "pause": self._pause,
                       "resume": self._resume, "probe": self._probe}
        self._probes: dict[int, asyncio.Future] = {}
        self._waiting: dict[int, asyncio.Event] = {}

    async def answer(self, asked: PairRequest) -> PairAnswer:
        """Raises DatabaseAway."""
        live, verb = self._world.application(asked.application), self._verbs.get(asked.verb)
        if live is None or verb is None:
            return _no(f"Control knows no application {asked.application[:255]!r}." if live is None else
                       f"Control does not know the verb {asked.verb[:40]!r}.", "Try again in a moment.")
        return await verb(live.pair_id, asked)

    def decided(self, pair_id: int) -> None:
        """Something about the pair was decided or reported: whoever waits looks again."""
        if pair_id in self._waiting:
            self._waiting[pair_id].set()

    # --- switchover and promotion ------------------------------------------------------------------------

    async def _switch(self, pair_id: int, asked: PairRequest) -> PairAnswer:
        if pair_id in self._pairs.requests:
            return _no("A switchover of this pair is under way already.", "Wait until it has ended.")
        snapshot = await self._pairs.snapshot(pair_id)
        target = asked.target or (snapshot.standby.name if snapshot.standby else "")
        request = Request(asked.verb, target, clean(asked.by, 150) or "Somebody")
        if why := refusal(snapshot, request):
            return _no(why, "")
        began = time.monotonic()
        members = self._world.members(pair_id)
        word = "a switchover to" if asked.verb == "switchover" else "the promotion of"
        because = f" Reason: {clean(asked.reason, 500)}" if asked.reason else ""
        self._tell(members, PairEvent.ASKED, f"{request.by} asked for {word} {target}.{because}")
        self._pairs.requests[pair_id], self._waiting[pair_id] = request, asyncio.Event()
        try:
            done = await self._until_serving(pair_id, target)
        finally:
            del self._pairs.requests[pair_id], self._waiting[pair_id]
            self._pairs.wake(pair_id)
        took_ms = (time.monotonic() - began) * 1000
        if done is None:
            why = f"{target} has not taken over within {SWITCH_S:g} s."
            self._tell(members, PairEvent.NOT_DONE, why)
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
        return await self._set_failover(pair_id, False, PairEvent.PAUSED, sentence, {
            "paused_by": by, "paused_reason": why, "paused_at": datetime.now(UTC)})

    async def _resume(self, pair_id: int, asked: PairRequest) -> PairAnswer:
        sentence = f"{clean(asked.by, 150) or 'Somebody'} resumed automatic failover."
        return await self._set_failover(pair_id, True, PairEvent.RESUMED, sentence, {
            "paused_by": "", "paused_reason": "", "paused_at": None})

    async def _set_failover(self, pair_id: int, on: bool, event: PairEvent, sentence: str, columns: dict) -> PairAnswer:
        members = self._world.members(pair_id)
        if len(members) < 2:
            return _no("It has no Backup Server, so there is no failover.", "Choose one in Server Info first.")

        def changed(record: Record) -> Record:
            return replace(record, version=record.version + 1, automatic_failover=on)

        for _ in range(3):
            if await self._pairs.change(pair_id, changed, sentence, **columns):
                self._tell(members, event, sentence)
                return PairAnswer(ok=True, reason=sentence)
        return _no("The record of the pair was changed at the same moment.", "Try again.")

    # --- probe -------------------------------------------------------------------------------------------

    async def _probe(self, pair_id: int, _: PairRequest) -> PairAnswer:
        facts = await asyncio.gather(*(self._probe_member(live) for live in self._world.members(pair_id)))
        return PairAnswer(ok=True, facts={"members": list(facts)})

    async def _probe_member(self, live: LiveApplication) -> dict:
        connection = live.connection
        found = {"name": live.facts.name, "connected": connection is not None, "role": "", "epoch": 0,
                 "accepts": False, "reason": "It is not connected to control.", "took_ms": 0.0}
        if connection is None:
            return found
        if connection.report is not None:
            found |= {"role": connection.report.role, "epoch": connection.report.epoch}
        number = next(_probe_numbers)
        waiting = self._probes[number] = asyncio.get_running_loop().create_future()
        connection.peer.post(Probe(id=number))
        try:
            async with asyncio.timeout(PROBE_S):
                said: Probed = await waiting
        except TimeoutError:
            return found | {"reason": f"It did not answer the probe within {PROBE_S:g} s."}
        finally:
            del self._probes[number]
        return found | {"accepts": said.accepts, "reason": clean(said.reason, 500), "took_ms": round(said.took_ms, 1)}

    def probed(self, said: Probed) -> None:
        """A server answered a probe."""
        waiting = self._probes.get(said.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(said)


def _no(reason: str, advice: str) -> PairAnswer:
    return PairAnswer(ok=False, reason=reason, advice=advice)
