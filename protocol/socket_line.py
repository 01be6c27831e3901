"""The wire over plain sockets, for who does one thing at a time: a wait is interrupted by a signal, and nothing of
asyncio is loaded."""

import socket
import ssl
import time
from typing import Unpack

from . import tls
from .dialler import Dialler, untold
from .lines import (
    MAX_LINE,
    MAX_LINE_BEFORE_WELCOME,
    OPENING_TIMEOUT_S,
    SILENCE_HEARTBEATS,
    LeftError,
    SilentError,
    UntrustedError,
    WireError,
    decode,
    encode,
)
from .message import Message
from .opening_messages import Heartbeat, HelloFields, Welcome


class Line:
    """One connection: messages in and out, heartbeats while ``receive`` waits."""

    def __init__(self, host: str, port: int, *, timeout_s: float, context: ssl.SSLContext | None = None):
        self._host, self._secured = host, context is not None
        self._socket = socket.create_connection((host, port), timeout_s)
        if context is not None:
            try:
                # It closes the socket when the handshake fails.
                self._socket = context.wrap_socket(self._socket, server_hostname=host)
            except ssl.SSLError as error:
                raise UntrustedError(tls.why_untrusted(error, host)) from None
        self._buffer = bytearray()
        self._max_line, self._silence_s, self._beat_s = MAX_LINE_BEFORE_WELCOME, timeout_s, 0.0

    def open(self, dialling: Dialler) -> None:
        """Prove the secret both ways. Raises RefusedError, WireError."""
        try:
            first = self.receive()
        except WireError as error:
            raise untold(error, secured=self._secured) from None
        self.send(dialling.introduce(first))
        self._welcomed(dialling.believe(self.receive()))

    def _welcomed(self, welcome: Welcome) -> None:
        self._max_line, self._beat_s = MAX_LINE, welcome.heartbeat_s
        self._silence_s = welcome.heartbeat_s * SILENCE_HEARTBEATS

    def send(self, message: Message) -> None:
        """Raises WireError."""
        try:
            self._socket.sendall(encode(message))
        except OSError as error:
            raise LeftError(f"the connection broke: {error}") from None

    def receive(self) -> Message:
        """The next message that is not a Heartbeat. Raises WireError."""
        heard = time.monotonic()
        while True:
            if (end := self._buffer.find(b"\n")) >= 0:
                message = decode(bytes(self._buffer[:end]))
                del self._buffer[: end + 1]
                heard = time.monotonic()
                if not isinstance(message, Heartbeat):
                    return message
                # The peer beats every interval, so answering each beat keeps this side's promise as well.
                self.send(Heartbeat())
                continue
            if len(self._buffer) > self._max_line:
                raise WireError(f"the peer sent a line of more than {self._max_line} bytes")
            if (left := heard + self._silence_s - time.monotonic()) <= 0:
                raise SilentError(f"the peer was silent for {self._silence_s:g} s")
            self._fill(min(left, self._beat_s or left))

    def _fill(self, wait_s: float) -> None:
        self._socket.settimeout(wait_s)
        try:
            chunk = self._socket.recv(65536)
        except TimeoutError as error:
            if error.errno:
                # Not the wait has ended, but the connection.
                raise LeftError(f"the connection broke: {error}") from None
            if self._beat_s:
                self.send(Heartbeat())
            return
        except ssl.SSLError as error:
            # With TLS 1.3 a listener declines this side's certificate only now.
            raise UntrustedError(tls.why_untrusted(error, self._host)) from None
        except OSError as error:
            raise LeftError(f"the connection broke: {error}") from None
        if not chunk:
            raise LeftError("the peer closed the connection")
        self._buffer += chunk

    def close(self) -> None:
        self._socket.close()


def dial(host: str, port: int, /, *, kind: str, name: str, secret: str, timeout_s: float = OPENING_TIMEOUT_S,
         context: ssl.SSLContext | None = None, **hello: Unpack[HelloFields]) -> Line:
    """As ``wire.dial``; the caller closes the line."""
    line = Line(host, port, timeout_s=timeout_s, context=context)
    try:
        line.open(Dialler(kind=kind, name=name, secret=secret, **hello))
    except BaseException:
        line.close()
        raise
    return line
