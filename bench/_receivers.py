"""Connections that get messages and count them: what a broker hands out, and to how many."""

import asyncio
import time
from dataclasses import dataclass

from .stomp_client import Load, run

RECEIVE_S = 300
SIGNS = 2
"""Frames that are no messages: CONNECTED and the RECEIPT of SUBSCRIBE."""


@dataclass(frozen=True)
class Source:
    """Where to subscribe: ``destination`` with further ``headers`` of SUBSCRIBE, each line with its end."""

    host: str
    port: int
    login: str
    passcode: str
    destination: str
    headers: str = ""

    @property
    def connect(self) -> bytes:
        return (f"CONNECT\naccept-version:1.2\nhost:/\nlogin:{self.login}\npasscode:{self.passcode}\n"
                "heart-beat:0,0\n\n\0").encode()

    @property
    def subscribe(self) -> bytes:
        return (f"SUBSCRIBE\nid:1\ndestination:{self.destination}\nack:auto\n{self.headers}receipt:subscribed\n\n\0"
                ).encode()


class Receiver(asyncio.Protocol):
    """One subscription. ``ready`` once there was an answer to SUBSCRIBE, ``finished`` with the seconds since it was
    sent when ``messages`` have come, or the error. Bodies hold no NUL, so that frames need not be taken apart."""

    def __init__(self, source: Source, messages: int):
        loop = asyncio.get_running_loop()
        self._source, self._left = source, messages + SIGNS
        self._all = self._left
        self._since = 0.0
        self.ready: asyncio.Future[None] = loop.create_future()
        self.finished: asyncio.Future[float] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._source.connect)

    def data_received(self, data: bytes) -> None:
        if self._left == self._all:
            if not data.startswith(b"CONNECTED"):
                self._fail(f"the broker answered {data[:300]!r}")
                return
            self._since = time.perf_counter()
            self._transport.write(self._source.subscribe)
        self._left -= data.count(b"\0")
        if self._left <= self._all - SIGNS and not self.ready.done():
            self.ready.set_result(None)
        if self._left <= 0 and not self.finished.done():
            self.finished.set_result(time.perf_counter() - self._since)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the connection was closed before {self._left} more frames came ({error})")

    def _fail(self, text: str) -> None:
        for future in (self.ready, self.finished):
            if not future.done():
                future.set_exception(ConnectionError(text))


async def _subscribed(source: Source, messages: int, count: int = 1) -> list[Receiver]:
    loop, made = asyncio.get_running_loop(), []
    for _ in range(count):
        receiver = Receiver(source, messages)
        made.append(receiver)
        await loop.create_connection(lambda receiver=receiver: receiver, source.host, source.port)
    await asyncio.gather(*[each.ready for each in made])
    return made


async def consume(source: Source, messages: int) -> float:
    """Messages a second that one subscriber gets of ``messages`` that are there already."""
    receiver, = await _subscribed(source, messages)
    async with asyncio.timeout(RECEIVE_S):
        return messages / await receiver.finished


async def fan_out(source: Source, load: Load, subscribers: int) -> float:
    """Messages a second that ``subscribers`` together get while ``load`` is sent."""
    receivers = await _subscribed(source, load.messages, subscribers)
    since = time.perf_counter()
    async with asyncio.timeout(RECEIVE_S):
        await asyncio.gather(run(load), *[each.finished for each in receivers])
    return load.messages * subscribers / (time.perf_counter() - since)

