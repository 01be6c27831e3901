"""The wire: one JSON object a line over TCP, bounded line length, heartbeats both ways; here over asyncio, in
``socket_line`` over plain sockets."""

import asyncio
import contextlib
import socket
import ssl
import time
from dataclasses import replace
from typing import Any, Unpack

from . import auth, tls
from .beats import next_beat
from .dialler import Dialler, untold
from .lines import (
    MAX_LINE,
    MAX_LINE_BEFORE_WELCOME,
    OPENING_TIMEOUT_S,
    SILENCE_HEARTBEATS,
    LeftError,
    OutOfOrder,
    RefusedError,
    SilentError,
    UntrustedError,
    WireError,
    decode,
    encode,
)
from .message import Message
from .opening_messages import Challenge, Heartbeat, Hello, HelloFields, Refused, Welcome

__all__ = ["MAX_LINE", "MAX_LINE_BEFORE_WELCOME", "OPENING_TIMEOUT_S", "SILENCE_HEARTBEATS", "Channel", "Opening",
           "OutOfOrder", "RefusedError", "UntrustedError", "WireError", "decode", "dial", "encode"]

UNACKNOWLEDGED_S = 6.0


class Channel:
    """One connection that speaks messages.

    ``send`` never blocks for long: it writes and awaits the transport's flow control. ``receive`` returns
    the next message that is not a Heartbeat and raises WireError when the peer closed, sent rubbish or was
    silent for ``silence_s`` (SILENCE_HEARTBEATS × heartbeat_s, unless the peer said otherwise).
    ``start_heartbeats`` makes this side keep its promise. ``report_s`` is what the peer's Welcome said.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, heartbeat_s: float = 1.0):
        self._reader, self._writer = reader, writer
        self.heartbeat_s = heartbeat_s
        self.silence_s = self.report_s = 0.0
        self.max_line = MAX_LINE_BEFORE_WELCOME
        self._buffer = bytearray()
        self._beat: asyncio.Task[None] | None = None
        self._sent = False
        self.heard_at = time.monotonic()
        """When the peer last said anything, heartbeats included."""

    @property
    def peer(self) -> str:
        name = self._writer.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "?"

    async def send(self, message: Message) -> None:
        if self._writer.is_closing():
            raise WireError("the connection is closed")
        self._sent = True
        self._writer.write(encode(message))
        try:
            await self._writer.drain()
        except OSError as error:
            raise WireError(f"the connection broke: {error}") from None

    async def receive(self, *, timeout_s: float | None = None) -> Message:
        """Next message that is not a Heartbeat; ``timeout_s`` bounds the silence (default: the heartbeats)."""
        silence = timeout_s if timeout_s is not None else self.silence_s or self.heartbeat_s * SILENCE_HEARTBEATS
        while True:
            message = decode(await self._line(silence))
            if not isinstance(message, Heartbeat):
                return message

    async def _line(self, silence_s: float) -> bytes:
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > self.max_line:
                raise WireError(f"the peer sent a line of more than {self.max_line} bytes")
            # Not wait_for: on Python 3.11 it may swallow a cancellation that comes together with a line.
            limit = asyncio.timeout(silence_s)
            try:
                async with limit:
                    chunk = await self._reader.read(65536)
            except ssl.SSLError as error:
                # With TLS 1.3 a listener declines this side's certificate only now.
                raise UntrustedError(tls.why_untrusted(error, self.peer)) from None
            except OSError as error:
                # A connection that times out in the kernel is a TimeoutError as well.
                if limit.expired():
                    raise SilentError(f"the peer was silent for {silence_s:g} s") from None
                raise LeftError(f"the connection broke: {error}") from None
            if not chunk:
                raise LeftError("the peer closed the connection")
            self.heard_at = time.monotonic()
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def start_heartbeats(self) -> None:
        if self._beat is None:
            self._beat = asyncio.create_task(self._heartbeats(), name="heartbeats")

    async def _heartbeats(self) -> None:
        with contextlib.suppress(WireError):
            while True:
                self._sent = False
                await next_beat(self.heartbeat_s)
                if not self._sent:
                    await self.send(Heartbeat())

    def detach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
        """Give up speaking messages, to speak something else on the proven connection: (reader, writer, what was read
        already)."""
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None
        rest, self._buffer = bytes(self._buffer), bytearray()
        return self._reader, self._writer, rest

    def abort(self) -> None:
        """Cut the connection at once, whatever is still unsent."""
        self._writer.transport.abort()

    async def close(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def dial(host: str, port: int, /, *, kind: str, name: str, secret: str, timeout_s: float = OPENING_TIMEOUT_S,
               context: ssl.SSLContext | None = None, **hello: Unpack[HelloFields]) -> Channel:
    """Connect, prove the secret both ways and return the open Channel with heartbeats running.

    With a ``context`` over TLS. ``hello`` are further fields of Hello. Raises OSError/TimeoutError (no listener),
    RefusedError (declined), WireError (anything else).
    """
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLError as error:
        raise UntrustedError(tls.why_untrusted(error, host)) from None
    _notice_loss(writer)
    dialling = Dialler(kind=kind, name=name, secret=secret, **hello)
    channel = Channel(reader, writer)
    try:
        first = await _first_word(channel, timeout_s, secured=context is not None)
        await channel.send(dialling.introduce(first))
        welcome = dialling.believe(await channel.receive(timeout_s=timeout_s))
    except BaseException:
        channel.abort()
        raise
    channel.heartbeat_s, channel.silence_s = welcome.heartbeat_s, welcome.silence_s
    channel.report_s = welcome.report_s
    channel.max_line = MAX_LINE
    channel.start_heartbeats()
    return channel


def _notice_loss(writer: asyncio.StreamWriter) -> None:
    """The connection breaks when what this side says, signs of life included, is not taken by the peer's machine for
    UNACKNOWLEDGED_S: a peer that has many connections shows its own signs of life less often than that."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT,
                                                   int(UNACKNOWLEDGED_S * 1000))


async def _first_word(channel: Channel, timeout_s: float, *, secured: bool) -> Message:
    try:
        return await channel.receive(timeout_s=timeout_s)
    except WireError as error:
        raise untold(error, secured=secured) from None


class Opening:
    """The dialled side of ``dial``: challenge, read the Hello, then ``accept`` or ``refuse``.

    The caller looks up the secret of ``hello.name`` between the two steps, and refuses without telling
    whether the name or the secret was wrong where that matters.
    """

    def __init__(self, channel: Channel, hello: Hello, server_nonce: str):
        self.channel, self.hello, self._server_nonce = channel, hello, server_nonce

    @classmethod
    async def read(cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *,
                   timeout_s: float = OPENING_TIMEOUT_S) -> "Opening":
        channel = Channel(reader, writer)
        nonce = auth.new_nonce()
        await channel.send(Challenge(nonce=nonce))
        hello = await channel.receive(timeout_s=timeout_s)
        if not isinstance(hello, Hello):
            raise OutOfOrder(f"the peer opened with {hello.type}, not with a hello")
        return cls(channel, hello, nonce)

    def proves(self, secret: str) -> bool:
        """True when the Hello was made by somebody who knows ``secret``, and came as it was said."""
        hello, nonces = self.hello, self._nonces
        expected = auth.client_proof(secret, **nonces, kind=hello.kind, name=hello.name)
        return (auth.same(expected, hello.proof)
                and auth.signed_opening(secret, auth.DIALS, **nonces, message=hello.as_sent()))

    def welcome(self, secret: str, *, heartbeat_s: float = 1.0, silence_s: float = 0.0,
                report_s: float = 0.0) -> Welcome:
        """What shows the peer that this side knows the secret too."""
        welcome = Welcome(proof=auth.server_proof(secret, **self._nonces), heartbeat_s=heartbeat_s,
                          silence_s=silence_s, report_s=report_s)
        return replace(welcome, signed=auth.sign_opening(secret, auth.IS_DIALLED, **self._nonces,
                                                         message=welcome.to_dict()))

    @property
    def _nonces(self) -> dict[str, str]:
        return {"server_nonce": self._server_nonce, "client_nonce": self.hello.nonce}

    async def accept(self, secret: str, *, heartbeat_s: float = 1.0) -> Channel:
        await self.channel.send(self.welcome(secret, heartbeat_s=heartbeat_s))
        self.channel.heartbeat_s = heartbeat_s
        self.channel.max_line = MAX_LINE
        self.channel.start_heartbeats()
        return self.channel

    async def refuse(self, reason: str, *, event: int = 0, controls: list[dict[str, Any]] | None = None) -> None:
        await self.channel.send(Refused(reason=reason, event=event, controls=controls or []))
        await self.channel.close()
