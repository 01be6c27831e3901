"""From what a Message Server answers to what pages show, and what people type about messages. Pure.

An answer is the word of a server: what of it is none is left out.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from protocol.said import legible, number
from protocol.stomp_client import unescaped
from provisioning.core.text import strange

from .facts import (
    BODY_LARGEST,
    Connection,
    Connections,
    Content,
    Destination,
    Destinations,
    Look,
    Message,
    Position,
    Positions,
    Subscription,
    moment,
)

OWN = "pairwise."
"""What the logins of the console itself begin with."""
SLOW_BYTES = 64 * 1024
SLOW_BEHIND = 1000
EXCERPT_CHARACTERS = 200
HEX_BYTES = 64
SEQ_MAX = 10**18
POSITIONS_MOST = 1000
LONGEST = 255
RESERVED = frozenset({"destination", "receipt", "transaction", "content-length", "message-id"})
"""Headers that are not the sender's to choose."""
HEADERS_MOST, HEADERS_LARGEST = 30, 16_384


def look_of(said: Mapping[str, Any], member: str) -> Look:
    return Look([message_of(each) for each in _rows(said, "messages")], _whole(said, "looked_to"),
                _whole(said, "last_seq"), member)


def message_of(said: Mapping[str, Any]) -> Message:
    size = _whole(said, "size")
    return Message(_whole(said, "seq"), _whole(said, "epoch"), _of_ms(said, "time"), _text(said, "destination"), size,
                   headers_of(_text(said, "headers", 20_000)), beginning_of(_bytes(said, "beginning"), size),
                   said.get("cut") is True, said.get("expired") is True)


def headers_of(lines: str) -> list[tuple[str, str]]:
    """The lines of STOMP headers as names and values."""
    return [(unescaped(name), unescaped(value)) for name, _, value in (line.partition(":") for line in
            lines.split("\n")) if name]


def beginning_of(beginning: bytes, size: int) -> Content:
    """``beginning`` of a body of ``size`` bytes, in one line."""
    text = _as_text(beginning, is_whole=len(beginning) >= size)
    if text is None:
        return Content(beginning[:HEX_BYTES].hex(" "), False, size > HEX_BYTES)
    return Content(" ".join(text.split())[:EXCERPT_CHARACTERS], True,
                   size > len(beginning) or len(text) > EXCERPT_CHARACTERS)


def content_of(beginning: bytes, size: int) -> Content:
    """``beginning`` of a body of ``size`` bytes, as it is."""
    text = _as_text(beginning, is_whole=len(beginning) >= size)
    if text is None:
        return Content(hex_lines(beginning), False, size > len(beginning))
    return Content(text, True, size > len(beginning))


def _as_text(beginning: bytes, *, is_whole: bool) -> str | None:
    """None for what is none. The end of what is not whole may be a part of a character."""
    for cut in range(1 if is_whole else 4):
        try:
            text = beginning[:len(beginning) - cut].decode()
        except UnicodeDecodeError:
            continue
        return None if any(sign < " " and sign not in "\t\n\r" for sign in text) else text
    return None


def hex_lines(data: bytes) -> str:
    """Sixteen bytes a line, behind the place of the first."""
    return "\n".join(f"{at:06x}  {data[at:at + 16].hex(' ')}" for at in range(0, len(data), 16))


def connections_of(said: Mapping[str, Any], member: str) -> Connections:
    """The slow ones first, then those of clients."""
    rows = [_connection(each) for each in _rows(said, "connections")]
    return Connections(sorted(rows, key=lambda row: (not row.slow, row.own, row.login, row.peer)),
                       _whole(said, "total"), member)


def _connection(said: Mapping[str, Any]) -> Connection:
    subscriptions = [_subscription(each) for each in _rows(said, "subscriptions")]
    unread, login = _whole(said, "unread_bytes"), _text(said, "login")
    return Connection(
        _text(said, "session"), login, _text(said, "peer"), moment(number(said.get("since"), 0, SEQ_MAX) or 0),
        _text(said, "version"), unread, _whole(said, "submitted"), subscriptions, _whole(said, "subscriptions_total"),
        slow(unread, subscriptions), login.startswith(OWN))


def _subscription(said: Mapping[str, Any]) -> Subscription:
    return Subscription(_text(said, "id"), _text(said, "destination"), _text(said, "ack"),
                        _whole(said, "unacknowledged"), _whole(said, "behind"), said.get("live") is True)


def slow(unread: int, subscriptions: Sequence[Subscription]) -> str:
    """Why a connection does not keep up, "" for one that does."""
    if unread >= SLOW_BYTES:
        return f"It leaves {unread:,} bytes unread."
    late = max(subscriptions, key=lambda each: each.behind, default=None)
    if late is None or late.behind < SLOW_BEHIND:
        return ""
    waits = f", with {late.unacknowledged:,} that it has not acknowledged" if late.unacknowledged else ""
    return f"Its subscription to {strange(late.destination)} is {late.behind:,} records behind{waits}."


def destinations_of(said: Mapping[str, Any], member: str) -> Destinations:
    rows = [Destination(_text(each, "destination"), _whole(each, "first_seq"), _whole(each, "last_seq"),
                        _of_ms(each, "last_time"))
            for each in _rows(said, "destinations")]
    return Destinations(rows, said.get("more") is True, member)


def positions_of(said: Mapping[str, Any], member: str, last_seq: int) -> Positions:
    """``last_seq`` is that of the log."""
    rows = [Position(_text(each, "name"), _text(each, "destination"), _text(each, "selector", 2000),
                     _whole(each, "seq"), max(0, last_seq - _whole(each, "seq")), _whole(each, "open"),
                     _text(each, "used_by")) for each in _rows(said, "positions")]
    return Positions(rows[:POSITIONS_MOST], max(len(rows), _whole(said, "total")), member)


def header_wanted(text: str) -> tuple[str, str]:
    """``name: value`` as both. Raises ValueError with a sentence."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise ValueError("Write a header as its sender gave it, for example type: alarm.")
    return name.strip(), value.strip()


def headers_typed(text: str) -> dict[str, str]:
    """Headers of a message, one a line. Raises ValueError with a sentence."""
    found: dict[str, str] = {}
    for line in filter(str.strip, text.splitlines()):
        name, value = header_wanted(line)
        if name in found:
            raise ValueError(f"The header {name} is there twice. Keep one.")
        found[name] = value
    return found


def headers_problem(headers: Mapping[str, str]) -> str:
    """Why no message can have ``headers``, "" when one can."""
    if reserved := RESERVED & headers.keys():
        return f"The header {min(reserved)} is set by the console. Leave it out."
    if "" in headers:
        return "A header has a name."
    if len(headers) > HEADERS_MOST:
        return f"{len(headers)} headers are more than the {HEADERS_MOST} that fit."
    size = sum(len(name) + len(value) for name, value in headers.items())
    return "" if size <= HEADERS_LARGEST else f"The headers have {size:,} characters; {HEADERS_LARGEST:,} fit."


def destination_problem(text: str) -> str:
    """Why no message can be sent to ``text``, "" when one can."""
    if "*" in text:
        return "A message goes to one destination: leave out the *."
    known = ("/topic/", "/queue/", "/log/")
    if not text.startswith(known) or text in known:
        return "A destination begins with /topic/, /queue/ or /log/ and has a name behind it."
    return ""


def is_of_queue(destination: str) -> bool:
    """Whether its consumers share what is sent there, unless the server is told otherwise."""
    return destination.startswith("/queue/")


def pattern_problem(text: str) -> str:
    """Why ``text`` is neither a destination nor the beginning of some, "" when it is."""
    return "" if text.startswith("/") and "*" not in text[:-1] else (
        "A destination begins with /; a * can only be at its end.")


def body_problem(text: str) -> str:
    size = len(text.encode(errors="replace"))
    return "" if size <= BODY_LARGEST else f"The body has {size:,} bytes; {BODY_LARGEST:,} fit."


def _rows(said: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = said.get(name)
    return [each for each in rows if isinstance(each, dict)] if isinstance(rows, list) else []


def _text(said: Mapping[str, Any], name: str, longest: int = LONGEST) -> str:
    return legible(said.get(name), longest)


def _whole(said: Mapping[str, Any], name: str) -> int:
    return int(number(said.get(name), 0, SEQ_MAX) or 0)


def _of_ms(said: Mapping[str, Any], name: str) -> datetime | None:
    return moment((number(said.get(name), 0, SEQ_MAX) or 0) / 1000)


def _bytes(said: Mapping[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(_text(said, name, 20_000))
    except (binascii.Error, ValueError):
        return b""
