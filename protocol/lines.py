"""Messages as lines of text, and what can be wrong with a peer: the wire without its sockets."""

import json
from typing import Any

from .message import Message, MessageError, from_dict
from .outside import NotJson, read_json

MAX_LINE = 4 * 1024 * 1024
"""Longest line in bytes; room for the configuration of a host with thousands of applications."""
MAX_LINE_BEFORE_WELCOME = 8 * 1024
"""Longest line of a peer that has not yet shown that it knows the secret."""
SILENCE_HEARTBEATS = 3
"""A peer that was silent for this many heartbeat intervals is taken for gone."""
OPENING_TIMEOUT_S = 5.0


class WireError(ConnectionError):
    """The connection cannot go on: bad line, refused, silent or closed peer. The text is a sentence."""


class LeftError(WireError):
    """The peer closed the connection, or it broke."""


class SilentError(WireError):
    """The peer said nothing for as long as it may."""


class RefusedError(WireError):
    """The peer declined. ``event`` is the event number (domain.md 3.5), 0 for none; ``controls`` are where to try
    instead, as it says."""

    def __init__(self, reason: str, event: int = 0, controls: list[dict[str, Any]] | None = None):
        super().__init__(reason)
        self.event, self.controls = event, controls or []


class StrangerError(WireError):
    """The peer does not know the secret."""


class OutOfOrder(WireError):
    """The peer said something before it said who it is."""


class UntoldError(WireError):
    """The peer agreed on TLS and left without a word. The text is a clause that says why that may be."""


class UntrustedError(WireError):
    """TLS with the peer failed. The text is a clause that says why and what to do."""


def encode(message: Message) -> bytes:
    """One line, newline included. What is no text, as names of files may hold, is a "?" in it. Raises WireError when
    it would be too long for the peer."""
    line = json.dumps(message.to_dict(), separators=(",", ":"), ensure_ascii=False).encode(errors="replace") + b"\n"
    if len(line) > MAX_LINE:
        raise WireError(f"message {message.type} is {len(line)} bytes, the limit is {MAX_LINE}")
    return line


def decode(line: bytes) -> Message:
    """The message on one line. Raises WireError."""
    try:
        return from_dict(read_json(line))
    except (NotJson, MessageError) as error:
        raise WireError(f"the peer sent a line that is no message: {error}") from None
