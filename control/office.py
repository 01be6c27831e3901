"""Keeps this control's place among several with one database: leads, follows, takes over, resigns."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from protocol.beats import next_beat

from . import lease
from .database import RECORD, Database, DatabaseAway, Deposed, as_sentence
from .leadership import BEAT_S, LAPSE_S, LOOK_S, Lease, Seen, Step, Verdict, decide

log = logging.getLogger(__name__)

GIVE_UP_S = LAPSE_S - BEAT_S
"""A leader that could not show a sign of life for so long resigns: another one may have taken over by now."""


class Office:
    """``term`` is the one in which this control leads, 0 for not at all; ``reason`` says why it took it,
    ``predecessor`` is the address of another control that led before, or "". ``leader`` is the address of whoever
    leads. ``trouble``: why this leader cannot show signs of life in its database, as a sentence; "" while it can.

    ``me`` names the instance; ``address`` and ``facts`` are what the others see of it. ``others``: there are further
    controls, so a leader that does not reach the database resigns; the only one goes on with what it knows.
    """

    def __init__(self, me: str, *, address: Callable[[], str], facts: Callable[[], dict[str, Any]], others: bool):
        self.me, self.others = me, others
        self.term, self.reason, self.predecessor, self.leader, self.trouble = 0, "", "", "", ""
        self._address, self._facts = address, facts
        self._database, self._lock = Database(RECORD), lease.SessionLock()
        self._seen, self._still_since = Lease(), time.monotonic()
        self._confirmed_at = time.monotonic()

    @property
    def is_sure(self) -> bool:
        """This control leads, as far as can be known without asking the database now."""
        return bool(self.term) and (not self.others or time.monotonic() - self._confirmed_at < GIVE_UP_S)

    async def look(self) -> None:
        """One look, and what follows from it. Raises DatabaseAway, of a leader after it resigned if it must."""
        try:
            # The thread may hang for longer than any patience, when the network swallows what it sends.
            async with asyncio.timeout(GIVE_UP_S):
                await self._look()
            self.trouble = ""
        except (DatabaseAway, TimeoutError) as error:
            away = DatabaseAway(str(error) or f"{RECORD} does not answer")
            self.trouble = as_sentence(away)
            if self.term and self.others and not self.is_sure:
                self._resigned(f"Its database has not answered for {GIVE_UP_S:g} s.")
            raise away from error

    async def look_again(self) -> None:
        """Wait until the next look is due, then look. Never raises."""
        await next_beat(BEAT_S if self.term else LOOK_S)
        try:
            await self.look()
        except DatabaseAway as error:
            log.warning("%s", error)

    async def close(self, *, patience_s: float = 2.0) -> None:
        """Leave, so that another control takes over at once."""
        try:
            if self.term:
                await self._database.run(lease.leave, term=self.term, patience_s=patience_s)
        except DatabaseAway as error:
            log.warning("the next control has to wait: %s", error)
        finally:
            self.term = 0
            await self._database.run(self._lock.close)
            await self._database.close()

    async def _look(self) -> None:
        began, facts = time.monotonic(), self._facts()
        try:
            seen, verdict = await self._database.run(self._judged, began, facts, patience_s=BEAT_S)
        except Deposed as error:
            self._resigned(f"{str(error).capitalize()}.")
            return
        if seen != self._seen:
            self._seen, self._still_since = seen, time.monotonic()
        self.leader = seen.address
        if verdict.step == Step.RESIGN:
            self._resigned(verdict.reason)
        elif verdict.step == Step.LEAD:
            self._confirmed_at = began
        elif verdict.step == Step.TAKE:
            await self._take(seen, verdict)
        else:
            await self._database.run(lease.stand_by, facts, patience_s=BEAT_S)

    def _judged(self, began: float, facts: dict[str, Any]) -> tuple[Lease, Verdict]:
        """In the database thread; a leader that goes on shows a sign of life. Raises Deposed."""
        now = lease.read()
        # Counted up to before the row was read: a control that was frozen since then has seen nothing of that time.
        still_s = began - self._still_since if now == self._seen else 0.0
        ended = self._lock.get(now.term) if now.holder else None
        seen = Seen(me=self.me, lease=now, term=self.term, still_s=still_s,
                    session_ended=ended if not self.term else None)
        verdict = decide(seen)
        if verdict.step == Step.LEAD:
            lease.beat(term=self.term, address=self._address(), facts=facts)
        return now, verdict

    async def _take(self, seen: Lease, verdict: Verdict) -> None:
        began = time.monotonic()
        self.term = await self._database.run(self._taken, seen, patience_s=BEAT_S)
        if self.term:
            self._confirmed_at, self.reason, self.leader = began, verdict.reason, self._address()
            self.predecessor = seen.address if seen.holder not in ("", self.me) else ""

    def _taken(self, seen: Lease) -> int:
        """In the database thread. The lock of a term comes before the term: nobody must see a term without its lock."""
        next_is_free = self._lock.get(seen.term + 1)
        term = 0 if next_is_free is False else lease.take(seen, holder=self.me, address=self._address())
        if not term:
            self._lock.free()
        return term

    def _resigned(self, reason: str) -> None:
        log.warning("this control does not lead any more: %s", reason)
        self.term = 0
