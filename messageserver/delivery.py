"""Hands records to subscriptions: live ones as they are acknowledged, others from the disk at their own pace.

Nothing is handed out before it may be acknowledged: what a subscriber has seen is never taken back.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from .beginnings import Beginning
from .disk import DiskThread, Result
from .expiry import is_expired
from .figures import Figures
from .ownership import StoreError
from .reader import BATCH_RECORDS, TAILS, Batch, Frames, Reader, Wanted
from .records import Record, Row
from .roster import Guest
from .subscription import Subscription
from .tails import Stored, message_tail

TURN_DELIVERIES = 2000
"""Messages handed out in one turn of the event loop; more would hold up the heart-beats."""
ROUTES_MAX = 10_000


class Delivery:
    """All subscriptions of the server. ``spawn`` starts a task that ends with the broker; ``reading`` reads the
    disk."""

    def __init__(self, reader: Reader, upto: int, spawn: Callable[[Coroutine[Any, Any, None], str], object],
                 reading: DiskThread, figures: Figures):
        self._reader, self._spawn, self._reading, self._figures = reader, spawn, reading, figures
        self.upto = upto
        """Up to here live subscriptions have been served."""
        self._dirty: set[Guest] = set()
        self._subscriptions: set[Subscription] = set()
        self._selecting = 0
        """How many of them have a selector."""
        self._routes: dict[str, tuple[Subscription, ...]] = {}

    async def close(self) -> None:
        await self._reading.run(self._reader.close)

    @property
    def drained(self) -> bool:
        """True when every subscriber has taken and acknowledged all that there is."""
        return all(s.live and not s.unacknowledged for s in self._subscriptions)

    def touch(self, session: Guest) -> None:
        """``session`` has output that ``flush`` sends."""
        self._dirty.add(session)

    def flush(self) -> None:
        for session in self._dirty:
            session.flush()
        self._dirty.clear()

    async def deliver(self, rows: Sequence[Row]) -> None:
        """Hand ``rows`` to the live subscriptions, a slice a turn: many subscribers must not stop the heart-beats."""
        if rows:
            # What a store had to recover, or a former grant left behind, lies before them and is in no group.
            self.jump(rows[0][0] - 1)
        if self._subscriptions:
            await self._hand_out(rows)
        elif rows:
            self.upto = max(self.upto, rows[-1][0])

    async def _hand_out(self, rows: Sequence[Row]) -> None:
        slice_left = TURN_DELIVERIES
        for seq, epoch, time, destination, headers, body, _, _ in rows:
            if seq <= self.upto:
                continue
            route = self._routes.get(destination)
            if route is None:
                route = self._route(destination)
            if self._selecting:
                route = tuple([s for s in route if s.selector is None or s.selector.selects(headers)])
            if route and not (headers and is_expired(headers)):
                tail = message_tail(seq, epoch, time, destination, headers, body)
                for subscription in route:
                    if subscription.live and seq >= subscription.cursor:
                        self._offer(subscription, seq, tail)
                slice_left -= len(route)
            self.upto = seq
            if slice_left <= 0:
                slice_left = TURN_DELIVERIES
                self.flush()
                await asyncio.sleep(0)

    def _offer(self, subscription: Subscription, seq: int, tail: bytes) -> None:
        if subscription.ack != "auto" and (subscription.free <= 0 or not subscription.session.writable.is_set()):
            subscription.live, subscription.cursor = False, seq
            self._spawn(self._pull(subscription), "replay")
            return
        subscription.deliver(seq, tail)
        self._figures.delivered += 1
        self._dirty.add(subscription.session)

    def _route(self, destination: str) -> tuple[Subscription, ...]:
        if len(self._routes) >= ROUTES_MAX:
            self._routes.clear()
        route = tuple(s for s in self._subscriptions if s.wants(destination))
        self._routes[destination] = route
        return route

    def jump(self, upto: int) -> None:
        """What lies before ``upto`` may be handed out, but was not as it came: live subscriptions read what they
        missed."""
        if upto <= self.upto:
            return
        for subscription in self._subscriptions:
            if subscription.live:
                subscription.live, subscription.cursor = False, max(subscription.cursor, self.upto + 1)
                self._spawn(self._pull(subscription), "replay")
        self.upto = upto

    def cut_back(self, last_seq: int) -> None:
        """The log ends at ``last_seq`` now; nobody is subscribed while that happens."""
        self.upto = min(self.upto, last_seq)

    def subscribe(self, subscription: Subscription) -> None:
        """From now on ``subscription`` gets what lies at and after its cursor."""
        self._subscriptions.add(subscription)
        self._selecting += subscription.selector is not None
        self._routes.clear()
        if subscription.beginning is not None:
            # Looked for among what there is now: what comes meanwhile is not counted.
            subscription.cursor = self.upto + 1
        if self._has_all(subscription):
            subscription.live = True
        else:
            self._spawn(self._pull(subscription), "replay")

    def _has_all(self, subscription: Subscription) -> bool:
        return subscription.beginning is None and not subscription.again and subscription.cursor > self.upto

    def unsubscribe(self, subscription: Subscription) -> None:
        subscription.close()
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            self._selecting -= subscription.selector is not None
        self._routes.clear()

    async def these(self, seqs: Sequence[int]) -> list[Record]:
        """Some of the records ``seqs``, from the first on, as far as they are still there. Raises StoreError."""
        return await self._reading.run(self._reader.these, seqs)

    async def next_of(self, destination: str, from_seq: int, upto: int, limit: int) -> Batch[Record]:
        """The next records of ``destination``, as ``Reader.read``. Raises StoreError."""
        return await self._reading.run(
            lambda: self._reader.read(from_seq, upto, pattern=destination, limit=limit))

    async def begins(self, beginning: Beginning, wanted: Wanted) -> int:
        """The first seq of ``wanted`` where a subscription begins so. Raises StoreError."""
        found: int | Beginning = beginning
        while not isinstance(found, int):
            found = await self._reading.run(found.look, self._reader, self.upto, wanted)
        return found

    async def _again(self, subscription: Subscription) -> None:
        """Deliver some of what is to be delivered again. Raises StoreError."""
        seqs = subscription.again[: max(1, min(BATCH_RECORDS, subscription.free))]
        found = await self.these(seqs)
        if subscription.closed:
            return
        looked_to = found[-1].seq if found else seqs[-1]
        subscription.again = [seq for seq in subscription.again if seq > looked_to]
        found = [record for record in found if not is_expired(record.headers)]
        if gone := {seq for seq in seqs if seq <= looked_to} - {record.seq for record in found}:
            subscription.lost(gone)
        for record in found:
            subscription.deliver(record.seq, message_tail(*record[:6]))
        self._figures.delivered += len(found)
        subscription.session.flush()

    async def look(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """What ``work`` finds in the stored records. Raises StoreError."""
        return await self._reading.run(self._reader.run, work)

    async def _pull(self, subscription: Subscription) -> None:
        session = subscription.session
        while not subscription.closed:
            if not (subscription.room.is_set() and session.writable.is_set()):
                await subscription.room.wait()
                await session.writable.wait()
                continue
            if self._has_all(subscription):
                subscription.live = True
                return
            try:
                if subscription.again:
                    await self._again(subscription)
                    continue
                if subscription.beginning is not None:
                    found = await self._reading.run(subscription.beginning.look, self._reader,
                                                    subscription.cursor - 1, subscription.wanted)
                    subscription.begin(found)
                    continue
                batch = await self._reading.run(self._read, subscription)
            except StoreError as error:
                session.fail(f"The stored messages cannot be read: {error}. Try again later.")
                return
            if not subscription.closed:
                self._figures.delivered += self._deliver(subscription, batch)
                subscription.cursor = batch.next_seq
                session.flush()

    def _deliver(self, subscription: Subscription, batch: Frames | Batch[Stored]) -> int:
        """How many messages of ``batch`` were queued for the client."""
        if isinstance(batch, Frames):
            if batch.messages:
                subscription.session.queue(batch.data)
            return batch.messages
        wanted = [each for each in batch.records if not (each[1] and is_expired(each[1]))]
        if wanted:
            subscription.deliver_all(wanted)
        return len(wanted)

    def _read(self, subscription: Subscription) -> Frames | Batch[Stored]:
        if (head := subscription.one_head) is not None:
            frames = self._reader.frames(subscription.cursor, self.upto, subscription.wanted, head)
            if frames is not None:
                return frames
        limit = max(1, min(TAILS, subscription.free))
        return self._reader.tails(subscription.cursor, self.upto, subscription.wanted, limit)
