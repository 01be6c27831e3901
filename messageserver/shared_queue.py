"""One queue that has consumers: who gets which of its messages, and what a commit says of it."""

import asyncio
import itertools
from collections.abc import Iterable, Sequence

from . import marks
from .expiry import is_expired
from .marking import Marking
from .marks import QUEUE, Mark, Since
from .queue_state import QueueState, chosen
from .records import DraftRow, Row
from .roster import Guest
from .subscription import Subscription
from .tails import message_tail

PREFIX = "/queue/"
HELD_MAX = 20_000
"""Most messages of a queue that are handed out and not settled: all of them stand in each of its whole marks."""
STOCK_BYTES = 64 * 1024
"""Bodies up to this are kept from the commit to the consumer, others are read again."""
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

    def refused(self, seqs: list[int]) -> list[int]:
        self.queue.give_back(self.holder, seqs)
        return []


class QueuePart:
    """What a commit says of a queue: how it stood when the commit was planned, and which of the new messages up to
    ``room`` are handed out with it."""

    def __init__(self, queue: "Queue", said: Mark | Since, room: int, moved: bool):
        self.key, self._queue, self._said, self._room, self._moved = queue.key, queue, said, room, moved
        self._taken: list[Row] = []
        self._more = False

    def drafts(self, rows: Sequence[Row]) -> list[DraftRow]:
        destination = self._queue.destination
        new = [row for row in rows if row[3] == destination]
        self._taken, self._more = new[: self._room], len(new) > self._room
        if not (self._taken or self._moved):
            return []
        self._said = self._said.with_taken([row[0] for row in self._taken])
        return [marks.as_draft(self.key, self._said)]

    def stored(self) -> None:
        self._queue.took(self._taken)
        if self._taken or self._moved:
            self._queue.state.stored(self._said)
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
        return QueuePart(self, self.state.say(), self.room if self.live else 0, moved)

    @property
    def room(self) -> int:
        """How many more messages can be taken for the consumers that there are."""
        wanted = sum([max(0, consumer.free) for consumer in self.consumers if consumer.able])
        return max(0, min(wanted - len(self.state.ready) - self.on_way, HELD_MAX - len(self.state.held)))

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
