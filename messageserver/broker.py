"""The broker: takes what sessions send, commits it in groups, acknowledges, delivers to subscriptions.

Runs in the event loop. The store runs in one thread of its own, the reader in another, so a slow disk never stops
heart-beats. While one group is being written the next one gathers: that is the group commit.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .intake import Intake
from .log import EventLimit, Log
from .ownership import StaleEpoch, StoreError
from .reader import BATCH_RECORDS, Reader
from .records import Draft
from .settings import Settings
from .store import TRIM_ROWS, Appended, Store
from .subscription import Subscription, message_tail

TURN_DELIVERIES = 2000
"""Messages handed out in one turn of the event loop; more would hold up the heart-beats."""
TICK_S = 0.25
HOUSEKEEPING_S = 1.0
ROUTES_MAX = 10_000
DRAFT_OVERHEAD = 128


class Broker:
    """One per process. ``changed`` is called when ``unavailable`` (a sentence or "") changes."""

    def __init__(self, settings: Settings, log: Log, store: Store, reader: Reader, changed: Callable[[], None]):
        self.settings, self.log, self.store = settings, log, store
        self._reader, self._changed = reader, changed
        self._writing = ThreadPoolExecutor(1, "store")
        self._reading = ThreadPoolExecutor(1, "reader")
        self._loop = asyncio.get_running_loop()
        self.sessions: set = set()
        self.serving = False
        self.suspending = False
        self.unavailable = ""
        self.epoch = 0
        self.last_seq, self.digest, self.first_seq = store.last_seq, store.digest, store.first_seq
        # Up to here live subscriptions have been served; it lags behind last_seq while a group is delivered.
        self._delivered_seq = store.last_seq
        self._drafts: list[Draft] = []
        self._waiters: list[tuple] = []
        self._pending_bytes = self._committing = 0
        self._wake, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._turn = asyncio.Lock()
        self.intake = Intake(self._loop, lambda: self._pending_bytes + self._committing)
        self.client_event = EventLimit(log, self._loop.time)
        self._dirty: set = set()
        self._subscriptions: set[Subscription] = set()
        self._routes: dict[str, tuple[Subscription, ...]] = {}
        self._tasks: set[asyncio.Task] = set()

    def start(self) -> None:
        for work in (self._commits(), self._ticks(), self._housekeeping()):
            self._spawn(work)

    def _spawn(self, work) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._loop.call_exception_handler({"message": "a task of the broker failed", "exception": error})

    async def in_store(self, work: Callable, *arguments):
        """Run ``work`` in the store's thread, after everything that was asked of it before."""
        return await self._loop.run_in_executor(self._writing, work, *arguments)

    async def stop(self, timeout_s: float) -> None:
        """Commit what is pending (bounded), close all clients, close the store."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        self.close_clients("The server was stopped. Connect to the other member of the pair, or try again later.")
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._loop.run_in_executor(self._reading, self._reader.close)
        await self.in_store(self.store.close)
        self._writing.shutdown()
        self._reading.shutdown()

    # --- accepting -----------------------------------------------------------------------------------

    def submit(self, draft: Draft, session, receipt: str | None) -> None:
        """Queue ``draft``; ``session`` hears about it when it is on disk."""
        self._drafts.append(draft)
        self._waiters.append((session, receipt))
        self._pending_bytes += len(draft.body) + len(draft.headers) + DRAFT_OVERHEAD
        session.submitted += 1
        if len(self._drafts) == 1:
            self._idle.clear()
            self._wake.set()

    def flush_soon(self, session) -> None:
        """Send what ``session`` has queued, at the end of the group that is being acknowledged."""
        self._dirty.add(session)
        self._loop.call_soon(session.flush)

    async def _commits(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._drafts:
                await self._commit()
            self._idle.set()

    async def take_epoch(self, role: str, epoch: int, record_version: int) -> None:
        """Put a grant on disk between two groups, then act in it. Raises StaleEpoch, StoreError."""
        async with self._turn:
            try:
                await self.in_store(self.store.grant, role, epoch, record_version)
            except StaleEpoch:
                raise
            except StoreError as error:
                self._set_unavailable(f"The granted epoch cannot be stored: {error}.")
                raise
            self.epoch = epoch

    async def _commit(self) -> None:
        async with self._turn:
            await self._commit_group()

    async def _commit_group(self) -> None:
        drafts, waiters, epoch = self._drafts, self._waiters, self.epoch
        self._drafts, self._waiters = [], []
        self._committing, self._pending_bytes = self._pending_bytes, 0
        try:
            appended = await self.in_store(self.store.append, drafts, epoch)
        except StoreError as error:
            self._not_stored(waiters, error)
        else:
            if appended.records:
                self.last_seq, self.digest = appended.records[-1][0], self.store.digest
            # Whether an acknowledgement may leave is decided here, on its way out, not when the frame came in.
            self._acknowledge(waiters, appended, allowed=self.serving and epoch == self.epoch)
            await self._deliver(appended.records)
        self._flush()
        self._committing = 0
        self.intake.release()

    def _acknowledge(self, waiters: list[tuple], appended: Appended, *, allowed: bool) -> None:
        dirty = self._dirty
        for (session, receipt), seq in zip(waiters, appended.seqs, strict=True):
            if not allowed:
                session.fail("The server no longer serves. Connect to the other member of the pair.")
            elif receipt is not None:
                session.queue(b"RECEIPT\nreceipt-id:%b\nseq:%d\n\n\0" % (receipt, seq))
                dirty.add(session)
            session.settle()

    def _not_stored(self, waiters: list[tuple], error: StoreError) -> None:
        if not isinstance(error, StaleEpoch):
            self._set_unavailable(f"Messages cannot be stored: {error}.")
        for session, _ in waiters:
            session.fail(f"A message was not stored and does not count: {error}. Send it again later.")
            session.settle()

    def _set_unavailable(self, reason: str) -> None:
        if reason != self.unavailable:
            self.unavailable = reason
            self._changed()

    # --- delivering ----------------------------------------------------------------------------------

    async def _deliver(self, rows: list[tuple]) -> None:
        """Hand ``rows`` to the live subscriptions, a slice a turn: many subscribers must not stop the heart-beats."""
        if not self._subscriptions:
            self._delivered_seq = self.last_seq
            return
        slice_left = TURN_DELIVERIES
        for seq, epoch, time, destination, headers, body, _, _ in rows:
            route = self._routes.get(destination)
            if route is None:
                route = self._route(destination)
            if route:
                tail = message_tail(seq, epoch, time, destination, headers, body)
                for subscription in route:
                    if subscription.live and seq >= subscription.cursor:
                        self._offer(subscription, seq, tail)
                slice_left -= len(route)
            self._delivered_seq = seq
            if slice_left <= 0:
                slice_left = TURN_DELIVERIES
                self._flush()
                await asyncio.sleep(0)

    def _flush(self) -> None:
        for session in self._dirty:
            session.flush()
        self._dirty.clear()

    def _offer(self, subscription: Subscription, seq: int, tail: bytes) -> None:
        if subscription.ack != "auto" and (subscription.free <= 0 or not subscription.session.writable.is_set()):
            subscription.live, subscription.cursor = False, seq
            self._spawn(self._pull(subscription))
            return
        subscription.deliver(seq, tail)
        self._dirty.add(subscription.session)

    def _route(self, destination: str) -> tuple[Subscription, ...]:
        if len(self._routes) >= ROUTES_MAX:
            self._routes.clear()
        route = tuple(s for s in self._subscriptions if s.wants(destination))
        self._routes[destination] = route
        return route

    def subscribe(self, subscription: Subscription) -> None:
        """From now on ``subscription`` gets what lies at and after its cursor."""
        self._subscriptions.add(subscription)
        self._routes.clear()
        if subscription.cursor > self._delivered_seq:
            subscription.live = True
        else:
            self._spawn(self._pull(subscription))

    def unsubscribe(self, subscription: Subscription) -> None:
        subscription.close()
        self._subscriptions.discard(subscription)
        self._routes.clear()

    async def _pull(self, subscription: Subscription) -> None:
        session = subscription.session
        while not subscription.closed:
            if not (subscription.room.is_set() and session.writable.is_set()):
                await subscription.room.wait()
                await session.writable.wait()
                continue
            if subscription.cursor > self._delivered_seq:
                subscription.live = True
                return
            try:
                batch = await self._loop.run_in_executor(self._reading, self._read, subscription)
            except StoreError as error:
                session.fail(f"The stored messages cannot be read: {error}. Try again later.")
                return
            if subscription.closed:
                return
            for record in batch.records:
                subscription.deliver(record.seq, message_tail(*record[:6]))
            subscription.cursor = batch.next_seq
            session.flush()

    def _read(self, subscription: Subscription):
        # Not beyond what live subscriptions have: what is on disk but not yet acknowledged is delivered when it is.
        limit = max(1, min(BATCH_RECORDS, subscription.free))
        return self._reader.read(subscription.cursor, self._delivered_seq, pattern=subscription.pattern, limit=limit)

    @property
    def drained(self) -> bool:
        """True when every subscriber has taken and acknowledged all that there is."""
        return not any(session.owes for session in self.sessions) and all(
            s.live and not s.unacknowledged for s in self._subscriptions)

    # --- time ----------------------------------------------------------------------------------------

    async def _ticks(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = self._loop.time()
            for session in tuple(self.sessions):
                session.tick(now)

    async def _housekeeping(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            self.client_event.settle()
            try:
                if self.unavailable:
                    await self.in_store(self.store.recover)
                    self._take_position()
                    self._set_unavailable("")
                while await self.in_store(self.store.trim) == TRIM_ROWS:
                    await asyncio.sleep(0)
                self.first_seq = self.store.first_seq
            except StoreError as error:
                self._set_unavailable(f"Messages cannot be stored: {error}.")

    def _take_position(self) -> None:
        """The store moved without us (a commit whose outcome was unknown): live subscriptions read what they missed."""
        if self.store.last_seq > self._delivered_seq:
            for subscription in self._subscriptions:
                if subscription.live:
                    subscription.live, subscription.cursor = False, max(subscription.cursor, self._delivered_seq + 1)
                    self._spawn(self._pull(subscription))
        self.last_seq, self.digest = self.store.last_seq, self.store.digest
        self._delivered_seq = self.last_seq

    def apply(self, settings: Settings) -> None:
        """Later Configuration: logins, limits and retention count from now on."""
        before, self.settings = self.settings.clients, settings
        self.store.retention = settings.retention
        for session in tuple(self.sessions):
            if session.connected and settings.clients.get(session.login) != before.get(session.login):
                session.fail("The login of this connection was changed or removed from the options of the application.")

    def close_clients(self, sentence: str) -> None:
        """Send every client an ERROR with ``sentence`` and close."""
        for session in tuple(self.sessions):
            session.fail(sentence)

    @property
    def clients(self) -> int:
        return sum(session.connected for session in self.sessions)
