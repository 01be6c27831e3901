"""The broker: takes what sessions send, commits it in groups, acknowledges what is safe, hands it to subscriptions.

Runs in the event loop. The store runs in a thread of its own (``store_thread``), so a slow disk never stops
heart-beats. While one group is being written the next one gathers: that is the group commit. A group that is on this
disk waits until ``standing`` says that it may be acknowledged; meanwhile later groups are written.
"""

import asyncio
import contextlib
import functools
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from protocol.beats import next_beat
from protocol.server_messages import Grant
from protocol.tasks import Tasks
from protocol.throttle import Throttle

from . import standing as standings
from .checkpoints import Checkpoints
from .consumption import Consumption
from .delivery import Delivery
from .disk import Arguments, Disk, Result
from .figures import Figures
from .guesses import Guesses
from .housekeeping import Housekeeping
from .intake import Intake
from .log import Event, EventLimit, Log
from .marking import Plan
from .ownership import Promised, StaleEpoch, StoreError
from .paired_store import PairedStore
from .reader import Reader
from .records import Draft, DraftRow, Row
from .roster import Guest, Roster
from .settings import Settings
from .standing import Mode, Standing
from .store import Appended
from .store_thread import StoreThread
from .submissions import Acknowledged, Submissions, Submitted, drafts_of

TICK_S = 0.25
CLOSE_S = 5.0
"""A disk that does not answer keeps no server from ending for longer than this."""
GONE = "The server no longer serves. Connect to the other member of the pair."
NOT_STORED = "A message was not stored and does not count: {}. Send it again later."
PERHAPS_STORED = ("A message was not stored here, and the other member may have it: {}. Send it again later, with its "
                  "dedup-id.")
FEW_BYTES = 4096
"""Drafts of so much together are formed by the event loop: less work than to hand them over for that."""
NOBODY = Standing(0, 0, 0, mode=Mode.DEPOSED)


class Group(NamedTuple):
    """What one commit wrote, for whom, and where it ends."""

    submitted: list[Submitted]
    appended: Appended
    upto: int
    plan: Plan | None


class Broker:
    """One per process. ``changed`` is called when ``storing.unavailable`` or ``standing`` changes, ``failed`` with the
    error of a task that ended though it must not; ``secret`` is the application's."""

    def __init__(self, settings: Settings, log: Log, store: PairedStore, reader: Reader, changed: Callable[[], None],
                 failed: Callable[[BaseException], None], secret: str = ""):
        self.settings, self.log, self.store, self.secret = settings, log, store, secret
        self._changed = changed
        self.disk = Disk()
        self.storing = StoreThread(store, self.disk.thread("store"), lambda: self.settings.redundancy.standby_timeout_s,
                               changed)
        self._loop = asyncio.get_running_loop()
        self.roster = Roster(lambda: self.settings.limits.max_connections)
        self.serving = False
        self.suspending = False
        self.standing = NOBODY
        self.last_seq, self.digest, self.first_seq = store.last_seq, store.digest, store.first_seq
        self.on_formed: Callable[[list[Row]], None] | None = None
        """Called with the records of each group as they go to this disk: they are the next ones, whatever it does."""
        self.on_stored: Callable[[], None] | None = None
        """Called once a group is on this disk."""
        self._waiting = Submissions()
        self._groups: deque[Group] = deque()
        self._held_bytes = 0
        self.figures = Figures()
        self._wake, self._releasable, self._idle = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._turn = asyncio.Lock()
        self.intake = Intake(self._loop, lambda: self.waiting_bytes)
        self.guesses = Guesses()
        self.client_event = EventLimit(log, self._loop.time)
        self.log_refused = Throttle(functools.partial(log.standard, Event.CLIENT_REFUSED, published=False),
                                    clock=self._loop.time)
        """Of the centralized log's own logins, which try again for ever."""
        self.tasks = Tasks(failed)
        """They end with the broker; when one fails, the server ends."""
        self.delivery = Delivery(reader, store.last_seq, self.tasks.start, self.disk.thread("reader"), self.figures)
        self.consumption = Consumption(store, self.storing, self.delivery, lambda: self.settings, self._awake,
                                       self.tasks.start)
        self.checkpoints = Checkpoints(store, self.storing, self.disk.thread("checkpoints"), self.tasks.start)
        self.housekeeping = Housekeeping(self, log)

    def start(self) -> None:
        for work in (self._commits(), self._releases(), self._ticks(), self.housekeeping.run()):
            self.tasks.start(work)

    async def stop(self) -> None:
        """Close all clients, then the store."""
        self.roster.close("The server was stopped. Connect to the other member of the pair, or try again later.")
        await self.tasks.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self.delivery.close()
                await self.storing.run(self.store.close)

    async def settled(self, timeout_s: float) -> bool:
        """Wait until nothing that was accepted is unanswered; False after ``timeout_s`` seconds."""
        self.consumption.marking.hurry()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        return self._idle.is_set()

    # --- accepting -----------------------------------------------------------------------------------

    def submit(self, draft: Draft, session: Guest, receipt: bytes | None) -> None:
        """Queue ``draft``; ``session`` hears about it when it may be acknowledged."""
        self.submit_all([draft], session, [receipt])

    def submit_all(self, drafts: Sequence[DraftRow], session: Guest, receipts: Sequence[bytes | None],
                   acks: Sequence[Acknowledged] = ()) -> None:
        """Queue ``drafts`` (fields of Draft) for one commit, with the receipt that is wanted for each, or None, and
        what takes effect together with them."""
        if not self._waiting:
            self._awake()
        self._waiting.add(session, drafts, receipts, self._loop.time(), acks)
        session.submitted += len(drafts)

    def _awake(self) -> None:
        """There is something to commit."""
        self._idle.clear()
        self._wake.set()

    def flush_soon(self, session: Guest) -> None:
        """Send what ``session`` has queued, at the end of the group that is being acknowledged."""
        self.delivery.touch(session)
        self._loop.call_soon(session.flush)

    async def _commits(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting or self.consumption.marking.due:
                async with self._turn:
                    await self._commit_group()

    async def _commit_group(self) -> None:
        group = self._waiting.take_group()
        size = sum([each.size for each in group])
        self._held_bytes += size
        plan = self.consumption.begin(group)
        promise = None if self.on_formed is None else self._promise
        try:
            if plan is None and size <= FEW_BYTES:
                appended = await self._append_few(drafts_of(group))
            else:
                appended = await self.storing.run(self.store.append, drafts_of(group), self.standing.epoch,
                                                  None if plan is None else plan.drafts, promise)
        except StoreError as error:
            promised = isinstance(error, Promised)
            # Nor is what came behind it stored: sent again with the first, it would have overtaken it.
            behind = self._waiting.take_all()
            self._not_stored(group, error, PERHAPS_STORED if promised else NOT_STORED)
            self._not_stored(behind, error, NOT_STORED)
            self.consumption.failed(plan, behind if promised else [*group, *behind])
            self.delivery.flush()
            self._let_go(group)
            return
        if appended.records:
            self.last_seq, self.digest = appended.records[-1][0], appended.records[-1][7]
        self.consumption.stored(plan)
        upto = max(appended.seqs, default=self.last_seq)
        self._groups.append(Group(group, appended, self.last_seq if plan else upto, plan))
        if appended.records:
            if self.on_stored is not None:
                self.on_stored()
            self.stand(self.standing.stored(self.last_seq))
            self.checkpoints.wrote(size)
        self._releasable.set()

    async def _append_few(self, drafts: list[DraftRow]) -> Appended:
        """As the store's append. They are on their way to the standby before the store's thread has woken. Nothing else
        moves the end of the log meanwhile: that takes the turn, as this does."""
        formed = self.store.form(drafts, self.standing.epoch)
        promised = bool(formed.rows) and self.on_formed is not None
        if promised:
            self._formed(formed.rows)
        return await self.storing.run(lambda: self.store.put(formed, promised=promised))

    def _promise(self, rows: list[Row]) -> None:
        """In the store's thread, which goes on to its disk meanwhile."""
        self._loop.call_soon_threadsafe(self._formed, rows)

    def _formed(self, rows: list[Row]) -> None:
        if self.on_formed is not None:
            self.on_formed(rows)

    def _not_stored(self, submitted: list[Submitted], error: StoreError, sentences: str) -> None:
        if not isinstance(error, StaleEpoch):
            self.storing.failed(error)
        for each in submitted:
            each.session.fail(sentences.format(error))
            each.session.settle(len(each.receipts))

    # --- acknowledging -------------------------------------------------------------------------------

    def stand(self, standing: Standing) -> None:
        """Go on with ``standing``: what it allows is acknowledged, what it wishes is reported."""
        before, self.standing = self.standing, standing
        if standing.committed > before.committed or standing.mode == Mode.DEPOSED:
            self._releasable.set()
        if (standing.mode, standing.version) != (before.mode, before.version):
            self._changed()

    async def _releases(self) -> None:
        while True:
            await self._releasable.wait()
            self._releasable.clear()
            while self._groups and (self._may_release() or self.standing.mode == Mode.DEPOSED):
                # Whether an acknowledgement may leave is decided here, on its way out, not when the frame came in.
                allowed = self.serving and self._may_release()
                group = self._groups.popleft()
                self._answer(group, allowed=allowed)
                if allowed:
                    await self.delivery.deliver(group.appended.records)
                    self.consumption.released(group.plan)
                else:
                    self.consumption.dropped()
                self.delivery.flush()
                self._let_go(group.submitted)
            if not self._groups and self.serving:
                self.delivery.jump(self.standing.committed)

    def _may_release(self) -> bool:
        return self.standing.mode != Mode.DEPOSED and self._groups[0].upto <= self.standing.committed

    def _answer(self, group: Group, *, allowed: bool) -> None:
        if group.plan is not None:
            group.plan.answer(allowed)
        seqs, now = iter(group.appended.seqs), self._loop.time()
        for session, _, receipts, _, at, _ in group.submitted:
            answers = [b"RECEIPT\nreceipt-id:%b\nseq:%d\n\n\0\n" % (receipt, seq)
                       for receipt, seq in zip(receipts, seqs, strict=False) if receipt is not None]
            if not allowed:
                session.fail(GONE)
            else:
                self.figures.answered(len(receipts), now - at)
                if answers:
                    session.queue(*answers)
                    self.delivery.touch(session)
            session.settle(len(receipts))

    # --- roles ---------------------------------------------------------------------------------------

    async def take_epoch(self, grant: Grant, *, strict: bool = False) -> None:
        """Put a grant on disk between two groups, then act in it. Raises StaleEpoch, StoreError."""
        role, epoch, version = grant.role, grant.epoch, grant.record_version
        try:
            async with self.storing.soon():
                await self._turn.acquire()
        except StoreError as error:
            self.storing.failed(error)
            raise
        try:
            async with self.storing.soon():
                await self.storing.run(self.store.grant, role, epoch, version, grant.generation)
            self._drop_groups()
            if role == "primary":
                self._take_position()
                self.stand(standings.granted(epoch, version, self.last_seq, strict=strict))
                self.delivery.jump(self.standing.committed)
            else:
                self.stand(NOBODY)
        except StaleEpoch:
            raise
        except StoreError as error:
            self.storing.failed(error, "The granted epoch")
            raise
        finally:
            self._turn.release()

    def _drop_groups(self) -> None:
        """What was stored in a former epoch and not acknowledged: its senders send it again."""
        while self._groups:
            group = self._groups.popleft()
            self._answer(group, allowed=False)
            self.consumption.dropped()
            self._let_go(group.submitted)
        self.consumption.reset()
        self._let_go([])

    def _let_go(self, submitted: list[Submitted]) -> None:
        self._held_bytes -= sum([each.size for each in submitted])
        if not (self._held_bytes or self._waiting or self._groups or self.consumption.marking.due):
            self._idle.set()
        self.intake.release()

    async def take_foreign(self, work: Callable[[*Arguments], Result], *arguments: *Arguments,
                           patient: bool = False) -> Result:
        """Run ``work``, which changes the log, in the store's thread, then go on from where the log is.

        Raises StaleEpoch, StoreError.
        """
        async with self._turn:
            try:
                return await self.storing.run(work, *arguments, patient=patient)
            finally:
                self._take_position()

    def _take_position(self) -> None:
        """The store moved without us."""
        self.last_seq, self.digest, self.first_seq = self.store.last_seq, self.store.digest, self.store.first_seq
        self.delivery.cut_back(self.last_seq)

    @property
    def waiting_bytes(self) -> int:
        """What was accepted and is not acknowledged yet."""
        return self._waiting.bytes + self._held_bytes

    @property
    def drained(self) -> bool:
        """True when every client has its answers and every subscriber all that there is."""
        owing = self.consumption.marking.due or any(session.owes for session in self.roster)
        return not owing and self.delivery.drained

    # --- time ----------------------------------------------------------------------------------------

    async def _ticks(self) -> None:
        while True:
            await next_beat(TICK_S)
            now = self._loop.time()
            self.housekeeping.look_at_disk()
            for session in self.roster:
                session.tick(now)

    async def recover(self) -> None:
        """Open the store anew after an error. Raises StoreError while the disk is not well."""
        async with self._turn:
            await self.storing.run(self.store.recover)
            # A commit whose outcome was unknown may be on disk after all.
            self._take_position()
            if self.on_stored is not None:
                self.on_stored()
            self.stand(self.standing.stored(self.last_seq))
        self._releasable.set()
        self.storing.recovered()
        self.consumption.recovered()

    def apply(self, settings: Settings) -> None:
        """Later Configuration: logins, rights, limits and retention count from now on."""
        before, self.settings = self.settings, settings
        self.store.retention = settings.retention
        for session in self.roster:
            if session.connected and settings.login(session.login) != before.login(session.login):
                session.fail("The login of this connection, or what it may, was changed or removed in the options "
                             "of the application.")
