"""Queues: consumers of ``/queue/NAME`` share its messages, and what one of them does not deal with another one gets.

A message is noted as handed out before anybody gets it: where consumers wait, in the very commit that stores it
(the queue is *live*), else in one of its own, as it is read from the disk.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

from . import marks
from .delivery import Delivery
from .expiry import is_expired
from .marking import Marking
from .marks import QUEUE, Mark
from .ownership import StoreError
from .queue_state import QueueState, chosen
from .reader import BATCH_RECORDS
from .records import Row
from .roster import Guest
from .store_thread import StoreThread
from .subscription import Subscription, message_tail

PREFIX = "/queue/"
HELD_MAX = 20_000
"""Most messages of a queue that are handed out and not settled: all of them stand in each of its marks."""
STOCK_BYTES = 64 * 1024
"""Bodies up to this are kept from the commit to the consumer, others are read again."""
READ_ROWS = 64
TURN_MESSAGES, TURN_BYTES = 500, 256 * 1024
"""What is handed out before connections are looked at again: whether they take it."""
_numbers = itertools.count(1)


class Consumer(Subscription):
    """One subscription to a queue. ``holder`` names it in the state of the queue."""

    keeps = True

    def __init__(self, queue: "Queue", session: Guest, ident: str, number: int, ack: str, limit: int):
        super().__init__(session, ident, number, queue.destination, ack, 0, limit)
        self.queue, self.holder, self.live = queue, next(_numbers), True

    @property
    def able(self) -> bool:
        return self.free > 0 and self.session.writable.is_set()

    def settled(self, seqs: Iterable[int]) -> None:
        self.queue.settle(seqs)

    def unsettled(self, seqs: Iterable[int]) -> None:
        self.queue.take_back(seqs)

    def refused(self, seqs: Iterable[int]) -> None:
        self.queue.give_back(self.holder, seqs)


class QueuePart:
    """What a commit says of a queue: how it stood when the commit was planned, and which of the new messages up to
    ``room`` are handed out with it."""

    def __init__(self, queue: "Queue", mark: Mark, room: int, moved: bool):
        self.key, self._queue, self._mark, self._room, self._moved = queue.key, queue, mark, room, moved
        self._taken: list[Row] = []
        self._more = False

    def body(self, rows: Sequence[Row]) -> bytes | None:
        destination = self._queue.destination
        new = [row for row in rows if row[3] == destination]
        self._taken, self._more = new[: self._room], len(new) > self._room
        if not (self._taken or self._moved):
            return None
        seqs = [row[0] for row in self._taken]
        return marks.write(Mark(seqs[-1] if seqs else self._mark.seq, marks.merged(self._mark.open, seqs)))

    def stored(self) -> None:
        self._queue.took(self._taken)
        if self._more:
            self._queue.live = False

    def released(self) -> None:
        self._queue.prepare(self._taken)


class Queue:
    """One queue that has, or had, consumers. ``live``: each of its messages up to now was taken; so the next
    commit looks for new ones."""

    def __init__(self, destination: str, mark: Mark, marking: Marking):
        self.destination, self.key = destination, f"{QUEUE}{destination.removeprefix(PREFIX)}"
        self.state = QueueState(mark)
        self._marking = marking
        self.consumers: list[Consumer] = []
        self.turn = 0
        self.live = False
        self.on_way = 0
        """How many messages are taken, but not ready yet."""
        self.news = asyncio.Event()
        self.stock: dict[int, Row] = {}
        self.task: asyncio.Task[None] | None = None

    # --- marks -------------------------------------------------------------------------------------------

    def part(self, *, moved: bool) -> QueuePart:
        return QueuePart(self, self.state.mark(), self.room if self.live else 0, moved)

    @property
    def room(self) -> int:
        """How many more messages can be taken for the consumers that there are."""
        wanted = sum([max(0, consumer.free) for consumer in self.consumers if consumer.able])
        return max(0, min(wanted - len(self.state.ready) - self.on_way, HELD_MAX - self.state.held))

    def took(self, rows: Sequence[Row]) -> None:
        if rows:
            self.state.take([row[0] for row in rows], rows[-1][0])
            self.on_way += len(rows)

    def prepare(self, rows: Sequence[Row]) -> None:
        self.on_way -= len(rows)
        self.stock |= {row[0]: row for row in rows if len(row[5]) <= STOCK_BYTES}
        self.state.prepare([row[0] for row in rows])
        self.news.set()

    # --- what consumers do -------------------------------------------------------------------------------

    def settle(self, seqs: Iterable[int]) -> None:
        self.state.settle(seqs)
        self._marking.touch(self)
        self.news.set()

    def take_back(self, seqs: Iterable[int]) -> None:
        """That these were settled did not come to be stored."""
        self.state.reopen(seqs)
        self._marking.touch(self)
        self.news.set()

    def give_back(self, holder: int, seqs: Iterable[int]) -> None:
        self.state.give_back(holder, seqs)
        self.news.set()

    def hand_out(self) -> list[Guest]:
        """Give what is ready to consumers that have room, as far as it is in memory; who has output to be sent."""
        served: dict[Guest, None] = {}
        size = 0
        ready, holders = self.state.ready, [consumer.holder for consumer in self.consumers]
        for _ in range(TURN_MESSAGES):
            row = self.stock.get(ready[0]) if ready else None
            if row is None or size > TURN_BYTES:
                break
            size += len(row[5])
            last = self.state.last_holder(row[0])
            place = chosen([consumer.able for consumer in self.consumers], self.turn,
                           holders.index(last) if last in holders else -1)
            if place < 0:
                break
            self.turn = place + 1
            del self.stock[row[0]]
            if is_expired(row[4]):
                self.settle([row[0]])
                continue
            self._deliver(self.consumers[place], row)
            served[self.consumers[place].session] = None
        return list(served)

    def _deliver(self, consumer: Consumer, row: Row) -> None:
        seq, redelivered = self.state.hand(consumer.holder)
        tail = message_tail(*row[:6])
        consumer.deliver(seq, b"redelivered:true\n" + tail if redelivered else tail)
        if consumer.ack == "auto":
            self.settle([seq])


class Queues:
    """All queues of a server that serves. ``read`` looks for a mark; ``has_all`` says whether everything that
    was ever sent to a destination is released, but for what the next commit brings."""

    def __init__(self, read: Callable[[str], Awaitable[bytes]], storing: StoreThread, marking: Marking,
                 delivery: Delivery, spawn: Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"],
                 has_all: Callable[[str], bool]):
        self._read, self._storing, self._marking, self._delivery = read, storing, marking, delivery
        self._spawn, self._has_all = spawn, has_all
        self._queues: dict[str, Queue] = {}
        self._opening = asyncio.Lock()

    async def open(self, destination: str) -> Queue:
        """The queue, as its mark says. Raises StoreError."""
        async with self._opening:
            if destination not in self._queues:
                key = f"{QUEUE}{destination.removeprefix(PREFIX)}"
                if not await self._marking.quiet(key):
                    raise StoreError("queues cannot be used while nothing can be stored")
                body = await self._read(key)
                mark = marks.read(body) if body != marks.GONE else Mark()
                self._queues[destination] = Queue(destination, mark, self._marking)
            return self._queues[destination]

    def join(self, consumer: Consumer) -> None:
        queue = consumer.queue
        self._queues[queue.destination] = queue
        queue.consumers.append(consumer)
        queue.news.set()
        if queue.task is None or queue.task.done():
            queue.task = self._spawn(self._serve(queue), "queue")

    def leave(self, consumer: Consumer) -> None:
        """What it has not settled goes to others."""
        queue = consumer.queue
        consumer.close()
        if consumer in queue.consumers:
            queue.consumers.remove(consumer)
        queue.give_back(consumer.holder, list(consumer.unacknowledged))
        consumer.unacknowledged.clear()
        if not queue.consumers:
            queue.live = False
            queue.stock.clear()
            if not (queue.state.held or queue.on_way) and self._queues.get(queue.destination) is queue:
                del self._queues[queue.destination]

    # --- the broker's side -------------------------------------------------------------------------------

    def live(self) -> dict[str, Queue]:
        """Queues of which the next commit takes messages, by destination."""
        for queue in self._queues.values():
            if queue.live and queue.room <= 0:
                queue.live = False
        return {name: queue for name, queue in self._queues.items() if queue.live}

    def released(self) -> None:
        """A commit was released: there may be messages for queues that are not live."""
        for queue in self._queues.values():
            if queue.consumers and not queue.live:
                queue.news.set()

    def moved_back(self) -> None:
        """The log is not where it was: look at it anew."""
        for queue in self._queues.values():
            queue.live = False
            queue.news.set()

    def reset(self) -> None:
        """The log is another one now: consumers begin anew."""
        queues, self._queues = self._queues, {}
        for queue in queues.values():
            for consumer in list(queue.consumers):
                consumer.session.fail("The server's role has changed. Connect again.")

    # --- handing out -------------------------------------------------------------------------------------

    async def _serve(self, queue: Queue) -> None:
        while queue.consumers:
            queue.news.clear()
            try:
                if not await self._step(queue):
                    await self._something_new(queue)
            except StoreError as error:
                for consumer in list(queue.consumers):
                    consumer.session.fail(f"The stored messages cannot be read: {error}. Try again later.")

    async def _step(self, queue: Queue) -> bool:
        """Go on a little; False when there is nothing to be done for now. Raises StoreError."""
        if not any(consumer.able for consumer in queue.consumers):
            return False
        if not queue.state.ready:
            return not queue.live and await self._take_more(queue)
        await self._stock(queue)
        served = queue.hand_out()
        for session in served:
            session.flush()
        await asyncio.sleep(0)
        return bool(served)

    async def _something_new(self, queue: Queue) -> None:
        """Wait until a consumer has room or there may be messages."""
        full = [consumer.session.writable for consumer in queue.consumers if not consumer.session.writable.is_set()]
        if not full:
            await queue.news.wait()
            return
        waiting = [asyncio.ensure_future(event.wait()) for event in (queue.news, *full)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()

    async def _stock(self, queue: Queue) -> None:
        """Read what is ready and not in memory."""
        ready = queue.state.ready[:READ_ROWS]
        if not ready or ready[0] in queue.stock:
            return
        lacking = [seq for seq in ready if seq not in queue.stock]
        found = {row[0]: row for row in await self._delivery.these(lacking)}
        queue.stock |= found
        looked_to = max(found, default=lacking[-1])
        if gone := [seq for seq in lacking if seq <= looked_to and seq not in found]:
            queue.settle(gone)

    async def _take_more(self, queue: Queue) -> bool:
        """Take messages that lie in the log, and wait until that is noted."""
        room, state, upto = queue.room, queue.state, self._delivery.upto
        if room <= 0:
            return False
        if state.seq >= upto:
            queue.live = self._has_all(queue.destination)
            return False
        batch = await self._delivery.next_of(queue.destination, state.seq + 1, upto, min(BATCH_RECORDS, room))
        if self._queues.get(queue.destination) is not queue:
            return False
        if not batch.records:
            state.take((), min(upto, batch.next_seq - 1))
            return True
        queue.took(batch.records)
        while not await self._marking.written(queue):
            if self._queues.get(queue.destination) is not queue:
                return False
            await self._storing.once_available()
        queue.prepare(batch.records)
        return True
