"""One connection to control, for one question."""

import socket
import ssl
import time
from typing import TypeVar

from protocol import wire
from protocol.controls import NOT_LEADER
from protocol.dialler import Dialler
from protocol.message import Message
from protocol.opening_messages import Challenge, Heartbeat, Refused, Welcome

Answer = TypeVar("Answer", bound=Message)
CONSOLE_NAME = "console"


class Refuses(ConnectionError):
    """Control heard who we are and did not let us in."""


class NotTheLeader(ConnectionError):
    """Another control leads, or is about to."""


class Line:
    """One connection with a deadline over everything that happens on it."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext | None, *, deadline: float):
        self.deadline, self._buffer, self._longest = deadline, bytearray(), wire.MAX_LINE_BEFORE_WELCOME
        self._socket = socket.create_connection(address, timeout=self._left())
        if context is not None:
            # It closes the socket when the handshake fails.
            self._socket = context.wrap_socket(self._socket, server_hostname=address[0])

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *exc_info) -> None:
        self._socket.close()

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def open(self, secret: str) -> None:
        dialling = Dialler(kind="console", name=CONSOLE_NAME, secret=secret)
        self.send(dialling.introduce(self.expect(Challenge)))
        dialling.believe(self.expect(Welcome))
        self._longest = wire.MAX_LINE

    def send(self, message: Message) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(wire.encode(message))

    def expect(self, kind: type[Answer]) -> Answer:
        while isinstance(message := wire.decode(self._line()), Heartbeat):
            pass
        if isinstance(message, Refused):
            raise (NotTheLeader if message.event == NOT_LEADER else Refuses)(message.reason)
        if not isinstance(message, kind):
            raise ConnectionError(f"it said {message.type} where {kind.type} was due")
        return message

    def _line(self) -> bytes:
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > self._longest:
                raise ConnectionError("it sent a line that is too long")
            self._socket.settimeout(self._left())
            chunk = self._socket.recv(65536)
            if not chunk:
                raise ConnectionError("it closed the connection")
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line
