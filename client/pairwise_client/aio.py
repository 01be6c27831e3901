"""The client for asyncio: the same names as those of the package itself, to be awaited."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType

from .core import Core
from .errors import NotConnected, Timeout
from .feed import Feed
from .members import access
from .messages import Content, Held, Outgoing, Receipt
from .options import Moment, wanted
from .outbox import Unit
from .waiting import within

TIMEOUT_S, HEART_BEAT_S, PREFETCH, WINDOW = 30.0, 5.0, 500, 1000
BATCH = 200
"""Messages that are taken over at a time."""


def connect(members: Sequence[str], *, login: str, passcode: str, tls: bool | ssl.SSLContext = False,
            ca: str | None = None, certificate: str | None = None, certificate_key: str | None = None,
            timeout: float = TIMEOUT_S, heart_beat: float = HEART_BEAT_S) -> Client:
    """A client of the pair whose ``members`` are "host:port": ``async with connect(…) as client``.

    ``ca``: file (PEM) of the authority of the servers' certificates, else those that the system trusts. ``timeout``:
    seconds after which a call gives up. ``heart_beat``: seconds; a server that is silent for twice as long is left.
    Raises ValueError; OSError for files."""
    return Client(Core(access(members, login, passcode, tls=tls, ca=ca, certificate=certificate,
                              certificate_key=certificate_key, heart_beat=heart_beat), timeout))


class Client:
    """Used by tasks of one event loop."""

    def __init__(self, core: Core):
        self._core = core

    async def open(self) -> Client:
        """Connect. Raises Refused, Timeout."""
        await self._core.open()
        return self

    async def close(self) -> None:
        await self._core.close()

    async def __aenter__(self) -> Client:
        return await self.open()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.close()

    async def publish(self, destination: str, body: bytes | str, headers: Mapping[str, str] | None = None, *,
                      dedup_id: str | None = None, timeout: float | None = None) -> Receipt:
        """Returns once the message is on disk; through a failover it is sent again by itself, and counts once.

        Raises Refused, Timeout, NotConnected (closed), ValueError."""
        return await self._core.publish(Outgoing(destination, body, headers, dedup_id), timeout)

    async def publish_many(self, messages: Iterable[Outgoing], *, window: int = WINDOW,
                           timeout: float | None = None) -> list[Receipt]:
        """All of them in their order, ``window`` on their way at a time; their receipts. ``timeout``: seconds without
        any receipt. Raises as ``publish``: then some of those after the refused one may be stored."""
        receipts: list[Receipt] = []
        sent: deque[Unit] = deque()
        try:
            for outgoing in messages:
                if len(sent) >= window:
                    receipts.append(await self._core.answered(sent.popleft(), timeout))
                sent.append(await self._core.sent(outgoing))
            while sent:
                receipts.append(await self._core.answered(sent.popleft(), timeout))
        finally:
            self._core.forget(sent)
        return receipts

    async def publish_part(self, part: Sequence[Outgoing], turn: asyncio.Lock, timeout: float | None) -> list[Receipt]:
        """Of many messages those whose ``turn`` it is; it is given on before their receipts come."""
        sent: list[Unit] = []
        try:
            async with turn:
                for outgoing in part:
                    sent.append(await self._core.sent(outgoing))
            return [await self._core.answered(unit, timeout) for unit in sent]
        finally:
            self._core.forget(sent)

    async def subscribe(self, destination: str, *, from_seq: int | None = None, durable_name: str | None = None,
                        from_time: Moment | None = None, last: int | None = None, selector: str | None = None,
                        ack: str = "client-individual", prefetch: int = PREFETCH,
                        timeout: float | None = None) -> Subscription:
        """Returns once the server has taken it. Raises Refused, Timeout, NotConnected (closed), ValueError."""
        asked = wanted(destination, from_seq=from_seq, durable_name=durable_name, from_time=from_time, last=last,
                       selector=selector, ack=ack, prefetch=prefetch)
        return Subscription(self._core, await self._core.subscribe(asked, timeout))

    def transaction(self, *, timeout: float | None = None) -> Transaction:
        """``async with client.transaction() as transaction``: all that it holds is stored, or nothing."""
        return Transaction(self._core, timeout)


async def acknowledge(feed: Feed, held: Held, wait: bool) -> None:
    """Raises NotConnected with ``wait``."""
    waiter = asyncio.get_running_loop().create_future() if wait else None
    feed.ack(held, waiter)
    if waiter is not None:
        await waiter


class Message(Content):
    """A message that can be acknowledged. Where the server keeps no position, ``ack`` and ``nack`` do nothing."""

    __slots__ = ("_feed",)

    def __init__(self, held: Held, feed: Feed):
        super().__init__(held)
        self._feed = feed

    async def ack(self, *, wait: bool = False) -> None:
        """It is dealt with. With ``wait`` it returns once that is on disk, and raises NotConnected when the connection
        was lost before: unless it was stored the message comes again, and is acknowledged by itself then."""
        if self.answer():
            await acknowledge(self._feed, self.held, wait)

    async def nack(self) -> None:
        """Not dealt with: a queue gives it to a consumer again, a named position goes on behind it."""
        if self.answer():
            self._feed.nack(self.held)


class Subscription:
    """``async for message in subscription``, from the oldest that was asked for, without an end until it is closed."""

    def __init__(self, core: Core, feed: Feed):
        self._core, self.feed = core, feed
        self._taken: deque[Message] = deque()
        self._given: Message | None = None

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Message:
        """Raises Gap, Refused, NotConnected (the client was closed)."""
        message = await self._next(None)
        if message is None:
            raise StopAsyncIteration
        return message

    async def get(self, timeout: float) -> Message:
        """The next one. Raises Timeout when none comes for ``timeout`` seconds, and as iterating does;
        NotConnected when it was closed."""
        message = await self._next(timeout)
        if message is None:
            raise NotConnected("The subscription is closed.")
        return message

    async def _next(self, timeout: float | None) -> Message | None:
        if self.feed.wanted.ack == "auto" and self._given is not None:
            await self._given.ack()
        self._given = None
        while True:
            if not self._taken:
                self._taken.extend(Message(held, self.feed) for held in await self.take(timeout))
            if not self._taken or self.feed.closed:
                return None
            self._given = self._taken.popleft()
            if not self.feed.comes_again(self._given.held):
                return self._given

    async def take(self, timeout: float | None) -> list[Held]:
        """The next ones, to be made messages of; [] when it was closed. Raises as ``get`` does."""
        try:
            return await within(timeout, self.feed.take(BATCH))
        except asyncio.TimeoutError:
            raise Timeout(f"No message of {self.feed.wanted.destination} came within {timeout:g} s.") from None

    async def close(self) -> None:
        """Take no more. A queue gives what was not acknowledged to others; a named position is kept."""
        self._core.unsubscribe(self.feed)

    async def __aenter__(self) -> Subscription:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.close()


class Transaction:
    """What it holds is sent when the block ends without an exception, and forgotten when it ends with one."""

    def __init__(self, core: Core, timeout: float | None):
        self._core, self._timeout = core, timeout
        self._sends: list[Outgoing] = []
        self._acks: list[Content] = []

    def publish(self, destination: str, body: bytes | str, headers: Mapping[str, str] | None = None, *,
                dedup_id: str | None = None) -> None:
        self._sends.append(Outgoing(destination, body, headers, dedup_id))

    def ack(self, message: Content) -> None:
        self._acks.append(message)

    async def __aenter__(self) -> Transaction:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        """Raises Refused, Timeout; NotConnected when it acknowledges and the connection was lost: it may have been
        stored, and if not its messages come again."""
        if kind is None and (self._sends or self._acks):
            await self._core.commit(self._sends, [each.held for each in self._acks], self._timeout)
            for each in self._acks:
                each.answer()
