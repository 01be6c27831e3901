"""What is published and what is received."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .frames import Frame
from .line import Line

OWN = frozenset(("destination", "receipt", "transaction", "content-length", "dedup-id", "message-id"))
"""Headers of a SEND that the caller does not set."""


class Receipt(NamedTuple):
    """A message is on disk, of a pair in sync on both: ``seq`` is its place in the server's one order."""

    seq: int
    dedup_id: str


class Outgoing(NamedTuple):
    """A message for ``publish_many``."""

    destination: str
    body: bytes | str
    headers: Mapping[str, str] | None = None
    dedup_id: str | None = None


class Received(NamedTuple):
    """A MESSAGE as it came."""

    seq: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Held:
    """A message and where it came from: it can be acknowledged on this connection only. ``ident`` is the ACK's."""

    message: Received
    line: Line
    ident: str


class Content:
    """What a received message says. It is acknowledged or refused once."""

    __slots__ = ("_answered", "held")

    def __init__(self, held: Held):
        self.held, self._answered = held, False

    def answer(self) -> bool:
        """Whether it was not answered before, and is now."""
        first, self._answered = not self._answered, True
        return first

    def __repr__(self) -> str:
        return f"<Message {self.seq} of {self.destination}, {len(self.body)} bytes>"

    @property
    def seq(self) -> int:
        """Its place in the server's one order."""
        return self.held.message.seq

    @property
    def destination(self) -> str:
        return self.held.message.headers["destination"]

    @property
    def body(self) -> bytes:
        return self.held.message.body

    @property
    def text(self) -> str:
        """The body as UTF-8. Raises UnicodeDecodeError."""
        return self.body.decode()

    @property
    def headers(self) -> Mapping[str, str]:
        """All of them; of a repeated one the server's."""
        return self.held.message.headers

    @property
    def message_id(self) -> str:
        """Never given to another message."""
        return self.headers.get("message-id", "")

    @property
    def timestamp(self) -> int:
        """When the server stored it, in milliseconds since 1970."""
        return int(self.headers.get("timestamp", "0"))

    @property
    def redelivered(self) -> bool:
        """Of a queue: another consumer may have seen it."""
        return self.headers.get("redelivered") == "true"


def received(frame: Frame) -> Received:
    """Raises KeyError, ValueError when ``frame`` is no MESSAGE of a Message Server."""
    return Received(int(frame.headers["seq"]), frame.headers, frame.body)


def as_bytes(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)


def send_headers(destination: str, headers: Mapping[str, str] | None, dedup_id: str) -> dict[str, str]:
    """Of a SEND. Raises ValueError for a header that the client itself sets."""
    if headers and (own := OWN.intersection(headers)):
        raise ValueError(f"The client sets {', '.join(sorted(own))} itself: leave it out of headers.")
    return {"destination": destination, "dedup-id": dedup_id, **(headers or {})}
