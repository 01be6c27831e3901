"""Queues: consumers of ``/queue/NAME`` share its messages, and what one of them does not deal with another one gets.

A message is noted as handed out before anybody gets it: where consumers wait, in the very commit that stores it
(the queue is *live*), else in one of its own, as it is read from the disk.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from .delivery import Delivery
from .marking import Marking
from .marks import QUEUE, Mark
from .ownership import StoreError
from .reader import BATCH_RECORDS
from .shared_queue import PREFIX, Consumer, Queue
from .store_thread import StoreThread

READ_ROWS = 64


class Queues:
    """All queues of a server that serves. ``read`` looks for a mark; ``has_all`` says whether everything that
    was ever sent to a destination is released, but for what the next commit brings."""

    def __init__(self, read: Callable[[str], Awaitable[Mark | None]], storing: StoreThread, marking: Marking,
                 delivery: Delivery, spawn: Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"],
                 has_all: Callable[[str], bool]):
        self._read, self._storing, self._marking, self._delivery = read, storing, marking, delivery
        self._spawn, self._has_all = spawn, has_all
        self._queues: dict[str, Queue] = {}
        self._served: dict[str, Queue] = {}
        """Those that have consumers: each commit looks at them, and at no others."""
        self._opening = asyncio.Lock()

    async def open(self, destination: str) -> Queue:
        """The queue, as its mark says. Raises StoreError."""
        async with self._opening:
            if destination not in self._queues:
                key = f"{QUEUE}{destination.removeprefix(PREFIX)}"
                if not await self._marking.quiet(key):
                    raise StoreError("queues cannot be used while nothing can be stored")
                mark = await self._read(key)
                self._queues[destination] = Queue(destination, mark or Mark(), self._marking)
            return self._queues[destination]

    def join(self, consumer: Consumer) -> None:
        queue = consumer.queue
        self._queues[queue.destination] = self._served[queue.destination] = queue
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
            if self._served.get(queue.destination) is queue:
                del self._served[queue.destination]
            if not (queue.state.held or queue.on_way) and self._queues.get(queue.destination) is queue:
                del self._queues[queue.destination]

    # --- the broker's side -------------------------------------------------------------------------------

    def live(self) -> dict[str, Queue]:
        """Queues of which the next commit takes messages, by destination."""
        for queue in self._served.values():
            if queue.live and queue.room <= 0:
                queue.live = False
        return {name: queue for name, queue in self._served.items() if queue.live}

    def released(self) -> None:
        """A commit was released: there may be messages for queues that are not live."""
        for queue in self._served.values():
            if not queue.live:
                queue.news.set()

    def moved_back(self) -> None:
        """The log is not where it was: look at it anew."""
        for queue in self._queues.values():
            queue.live = False
            queue.news.set()

    def reset(self) -> None:
        """The log is another one now: consumers begin anew."""
        queues, self._queues, self._served = self._queues, {}, {}
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
