"""The client for programs without asyncio: one thread of its own has the event loop, any thread may use the client."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, TypeVar

from . import aio
from .errors import NotConnected
from .feed import Feed
from .messages import Content, Held, Outgoing, Receipt
from .options import Moment

CHUNK = 250
"""Messages that are handed to the event loop at a time."""
Answer = TypeVar("Answer")


def connect(members: Sequence[str], *, login: str, passcode: str, tls: bool | ssl.SSLContext = False,
            ca: str | None = None, certificate: str | None = None, certificate_key: str | None = None,
            timeout: float = aio.TIMEOUT_S, heart_beat: float = aio.HEART_BEAT_S) -> Client:
    """A client of the pair whose ``members`` are "host:port", connected: ``with connect(…) as client``.

    ``ca``: file (PEM) of the authority of the servers' certificates, else those that the system trusts. ``timeout``:
    seconds after which a call gives up. ``heart_beat``: seconds; a server that is silent for twice as long is left.
    Raises Refused, Timeout; ValueError; OSError for files."""
    return Client(aio.connect(members, login=login, passcode=passcode, tls=tls, ca=ca, certificate=certificate,
                              certificate_key=certificate_key, timeout=timeout, heart_beat=heart_beat))


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock, self._ended = threading.Lock(), False
        self._thread = threading.Thread(target=self._loop.run_forever, name="pairwise_client", daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, Answer]) -> Future[Answer]:
        with self._lock:
            if not self._ended:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        raise NotConnected("The client is closed.")

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """What ``work`` gives or raises. Interrupted here, it is cancelled there."""
        running = self.start(work)
        try:
            return running.result()
        except BaseException:
            running.cancel()
            raise

    def soon(self, call: Callable[..., object], *values: object) -> None:
        with self._lock:
            if not self._ended:
                self._loop.call_soon_threadsafe(call, *values)

    def end(self) -> None:
        """Once what other threads wait for has ended, too."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            last = asyncio.run_coroutine_threadsafe(_others_ended(), self._loop)
        last.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _others_ended() -> None:
    """Each has been told already; what has not ended within a second is cancelled."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        _, late = await asyncio.wait(others, timeout=1)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


class Client:
    """Used by as many threads as you like; a subscription is read by one of them at a time."""

    def __init__(self, client: aio.Client):
        self._client, self._loop = client, Loop()
        try:
            self._loop.run(client.open())
        except BaseException:
            self._loop.end()
            raise

    def close(self) -> None:
        """Have the last ACKs stored, and end."""
        try:
            self._loop.run(self._client.close())
        except NotConnected:
            return
        self._loop.end()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def publish(self, destination: str, body: bytes | str, headers: Mapping[str, str] | None = None, *,
                dedup_id: str | None = None, timeout: float | None = None) -> Receipt:
        """Returns once the message is on disk; through a failover it is sent again by itself, and counts once.

        Raises Refused, Timeout, NotConnected (closed), ValueError."""
        return self._loop.run(self._client.publish(destination, body, headers, dedup_id=dedup_id, timeout=timeout))

    def publish_many(self, messages: Iterable[Outgoing], *, window: int = aio.WINDOW,
                     timeout: float | None = None) -> list[Receipt]:
        """All of them in their order, about ``window`` on their way at a time; their receipts. ``timeout``: seconds
        without any receipt. Raises as ``publish``: then some of those after the refused one may be stored."""
        left, receipts, turn = iter(messages), list[Receipt](), self._loop.run(_turn())
        running: deque[Future[list[Receipt]]] = deque()
        size = max(1, min(CHUNK, window))
        try:
            while chunk := list(itertools.islice(left, size)):
                running.append(self._loop.start(self._client.publish_part(chunk, turn, timeout)))
                if len(running) * size >= window:
                    receipts += running.popleft().result()
            while running:
                receipts += running.popleft().result()
        finally:
            for each in running:
                each.cancel()
        return receipts

    def subscribe(self, destination: str, *, from_seq: int | None = None, durable_name: str | None = None,
                  from_time: Moment | None = None, last: int | None = None, selector: str | None = None,
                  ack: str = "client-individual", prefetch: int = aio.PREFETCH,
                  timeout: float | None = None) -> Subscription:
        """Returns once the server has taken it. Raises Refused, Timeout, NotConnected (closed), ValueError."""
        return Subscription(self._loop, self._loop.run(self._client.subscribe(
            destination, from_seq=from_seq, durable_name=durable_name, from_time=from_time, last=last,
            selector=selector, ack=ack, prefetch=prefetch, timeout=timeout)))

    def transaction(self, *, timeout: float | None = None) -> Transaction:
        """``with client.transaction() as transaction``: all that it holds is stored, or nothing."""
        return Transaction(self._loop, self._client.transaction(timeout=timeout))


async def _turn() -> asyncio.Lock:
    """Made in the loop that it is used in, as Python 3.9 needs it."""
    return asyncio.Lock()


class Message(Content):
    """A message that can be acknowledged. Where the server keeps no position, ``ack`` and ``nack`` do nothing."""

    __slots__ = ("_feed", "_loop")

    def __init__(self, held: Held, feed: Feed, loop: Loop):
        super().__init__(held)
        self._feed, self._loop = feed, loop

    def ack(self, *, wait: bool = False) -> None:
        """It is dealt with. With ``wait`` it returns once that is on disk, and raises NotConnected when the connection
        was lost before: unless it was stored the message comes again, and is acknowledged by itself then."""
        if not self.answer():
            return
        if wait:
            self._loop.run(aio.acknowledge(self._feed, self.held, wait=True))
        else:
            self._loop.soon(self._feed.ack, self.held)

    def nack(self) -> None:
        """Not dealt with: a queue gives it to a consumer again, a named position goes on behind it."""
        if self.answer():
            self._loop.soon(self._feed.nack, self.held)


class Subscription:
    """``for message in subscription``, from the oldest that was asked for, without an end until it is closed."""

    def __init__(self, loop: Loop, subscription: aio.Subscription):
        self._loop, self._subscription = loop, subscription
        self._feed = subscription.feed
        self._taken: deque[Message] = deque()
        self._given: Message | None = None

    def __iter__(self) -> Subscription:
        return self

    def __next__(self) -> Message:
        """Raises Gap, Refused, NotConnected (the client was closed)."""
        message = self._next(None)
        if message is None:
            raise StopIteration
        return message

    def get(self, timeout: float) -> Message:
        """The next one. Raises Timeout when none comes for ``timeout`` seconds, and as iterating does;
        NotConnected when it was closed."""
        message = self._next(timeout)
        if message is None:
            raise NotConnected("The subscription is closed.")
        return message

    def _next(self, timeout: float | None) -> Message | None:
        if self._feed.wanted.ack == "auto" and self._given is not None:
            self._given.ack()
        self._given = None
        while True:
            if not self._taken:
                held = self._loop.run(self._subscription.take(timeout))
                self._taken.extend(Message(each, self._feed, self._loop) for each in held)
            if not self._taken or self._feed.closed:
                return None
            self._given = self._taken.popleft()
            if not self._feed.comes_again(self._given.held):
                return self._given

    def close(self) -> None:
        """Take no more. A queue gives what was not acknowledged to others; a named position is kept."""
        with contextlib.suppress(NotConnected):
            self._loop.run(self._subscription.close())

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class Transaction:
    """What it holds is sent when the block ends without an exception, and forgotten when it ends with one."""

    def __init__(self, loop: Loop, transaction: aio.Transaction):
        self._loop, self._transaction = loop, transaction

    def publish(self, destination: str, body: bytes | str, headers: Mapping[str, str] | None = None, *,
                dedup_id: str | None = None) -> None:
        self._transaction.publish(destination, body, headers, dedup_id=dedup_id)

    def ack(self, message: Content) -> None:
        self._transaction.ack(message)

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Raises Refused, Timeout; NotConnected when it acknowledges and the connection was lost: it may have been
        stored, and if not its messages come again."""
        self._loop.run(self._transaction.__aexit__(kind, error, trace))
