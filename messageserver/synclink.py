"""One connection between the members, both ways: frames in, frames out, signs of life, silence."""

import asyncio
import contextlib
from collections.abc import Callable

from protocol.beats import next_beat
from protocol.wire import Channel

from .syncwire import HEADER, Kind, SyncError, frame, header, read_words, words

BEAT_S = 0.5
READ_BYTES = 1024 * 1024
AHEAD_BYTES = 16 * 1024
"""So much is read at once where less is wanted: a small frame comes with its header."""
CLOSE_S = 0.2


class SyncLink:
    """``silence_s`` tells for how many seconds the other member may be silent. Raises SyncError, OSError."""

    def __init__(self, channel: Channel, silence_s: Callable[[], float]):
        self._reader, self._writer, self._rest = channel.detach()
        self._silence_s = silence_s
        self._sent = False

    def send(self, data: bytes) -> None:
        """Queue a frame; ``drained`` waits until it has gone out. Of a connection that was closed, as by a member that
        was killed, whoever reads or waits is told: uvloop raises RuntimeError for what is written to it."""
        self._sent = True
        if self.is_open:
            self._writer.write(data)

    async def drained(self) -> None:
        await self._writer.drain()

    @property
    def is_open(self) -> bool:
        return not self._writer.is_closing()

    async def receive(self) -> tuple[Kind, bytes]:
        """Next frame that is not a BEAT. A REFUSE is raised as Refused."""
        while True:
            kind, length = header(await self._exactly(HEADER.size))
            payload = await self._exactly(length) if length else b""
            if kind == Kind.REFUSE:
                body = read_words(payload, reason=str, epoch=int)
                raise Refused(body["reason"], body["epoch"])
            if kind != Kind.BEAT:
                return kind, payload

    async def expect(self, kind: Kind) -> bytes:
        found, payload = await self.receive()
        if found != kind:
            raise SyncError(f"the other member sent {found.name} where {kind.name} was due")
        return payload

    async def _exactly(self, size: int) -> bytes:
        if len(self._rest) >= size:
            data, self._rest = self._rest[:size], self._rest[size:]
            return data
        parts, left = [self._rest], size - len(self._rest)
        while left > 0:
            # A large batch may take longer than the silence that is allowed: each part of it is a sign of life.
            limit_s = self._silence_s()
            limit = asyncio.timeout(limit_s)
            try:
                async with limit:
                    part = await self._reader.read(min(max(left, AHEAD_BYTES), READ_BYTES))
            except TimeoutError:
                if not limit.expired():
                    raise
                raise SyncError(f"the other member was silent for {limit_s:g} s") from None
            if not part:
                raise SyncError("the other member closed the connection")
            parts.append(part)
            left -= len(part)
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]

    async def beat(self) -> None:
        """Show a sign of life whenever nothing else was sent, until cancelled."""
        while True:
            self._sent = False
            await next_beat(BEAT_S)
            if not self._sent:
                self.send(frame(Kind.BEAT))

    def refuse(self, reason: str, epoch: int) -> None:
        """The last frame; ``close`` sends it."""
        self.send(words(Kind.REFUSE, reason=reason, epoch=epoch))

    def abort(self) -> None:
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._writer.wait_closed()
        self.abort()


class Refused(SyncError):
    """The other member ended the link; ``epoch`` is the one that it holds."""

    def __init__(self, reason: str, epoch: int):
        super().__init__(reason)
        self.epoch = epoch
