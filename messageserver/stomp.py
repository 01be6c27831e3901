"""STOMP 1.2 frames as bytes: an incremental parser and an encoder, without any I/O.

A parser that met a malformed or oversized frame stays broken: ``error`` says what was wrong, the frames before it
are still returned. Versions 1.0 and 1.1 differ too little to need another parser.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, final


@dataclass(frozen=True)
class Limits:
    """What one frame may cost: body bytes, bytes of command and headers together, number of headers."""

    max_frame_bytes: int = 1024 * 1024
    max_header_bytes: int = 16 * 1024
    max_headers: int = 64


@final
class Frame(NamedTuple):
    """One frame; of a repeated header the first value counts."""

    command: str
    headers: dict[str, str]
    body: bytes


@final
class Sends(NamedTuple):
    """Plain SENDs that came one after the other, by columns. ``receipts`` are bytes as they travel."""

    destinations: list[str]
    bodies: list[bytes]
    receipts: list[bytes | None]
    dedups: list[str | None]

    def frames(self) -> list[Frame]:
        """The same, one by one."""
        return [Frame("SEND", {name: value for name, value in (
            ("destination", destination), ("content-length", str(len(body))),
            ("receipt", None if receipt is None else receipt.decode()), ("dedup-id", dedup))
            if value is not None}, body)
            for destination, body, receipt, dedup in zip(*self, strict=True)]


class ProtocolError(ValueError):
    """What arrived is no STOMP frame or too large. The text is a sentence for the ERROR frame."""


_HEAD_END = re.compile(rb"\n\r?\n")
_LINE_ENDS = re.compile(rb"[\r\n]*")
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_NEEDS_ESCAPE = re.compile(r"[\\\n\r:]")
_DECODED = {"n": "\n", "r": "\r", "c": ":", "\\": "\\"}
_ENCODED = {"\n": "\\n", "\r": "\\r", ":": "\\c", "\\": "\\\\"}
# These two are never escaped, so that 1.0 clients can open a connection.
_UNESCAPED = frozenset(("CONNECT", "CONNECTED"))
# A plain SEND: these headers only, each once, in ASCII, nothing that would be escaped. Nearly every frame of a busy
# server is one, and one match takes it apart. Whatever is not exactly so goes the general way.
_VALUE = rb"([^\\:\r\n\0\x80-\xff]+)\n"
_PLAIN_SEND = re.compile(
    rb"SEND\n(?:(?(1)(?!)|destination:" + _VALUE + rb")|(?(2)(?!)|receipt:" + _VALUE + rb")"
    rb"|(?(3)(?!)|content-length:(0|[1-9][0-9]{0,8})\n)|(?(4)(?!)|dedup-id:" + _VALUE + rb"))+\n")


class Parser:
    """Bytes in, frames out. Heart-beats (line ends between frames) are skipped."""

    def __init__(self, limits: Limits | None = None):
        self.limits = limits or Limits()
        self.error: ProtocolError | None = None
        self._rest = bytearray()
        # Of the unfinished frame in _rest: bytes needed before parsing can get further, and, when only the NUL
        # is missing, where its body starts and how far it was searched. They keep a dribbling client cheap.
        self._need = 0
        self._body_at = -1
        self._searched = 0

    @property
    def unfinished(self) -> bool:
        """True while part of a frame has arrived."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes; after it ``error`` is set when the next one is bad."""
        return [frame for part in self.parts(data) for frame in (part.frames() if type(part) is Sends else (part,))]

    def parts(self, data: bytes, *, only_first: bool = False) -> list[Frame | Sends]:
        """As ``feed``; plain SENDs that came one after the other stay together, which is much cheaper. With
        ``only_first`` one frame at most: what came after it is kept for the next call."""
        frames: list[Frame | Sends] = []
        if self.error is not None:
            return frames
        if self._rest:
            self._rest += data
            if not self._worth_parsing():
                return frames
            data = bytes(self._rest)
            self._rest.clear()
        self._need, self._body_at = 0, -1
        try:
            end = self._take(data, frames, only_first)
        except ProtocolError as error:
            self.error = error
            return frames
        if end < len(data):
            self._rest += data[end:]
        return frames

    def _worth_parsing(self) -> bool:
        size = len(self._rest)
        if self._body_at < 0:
            return size >= self._need
        if self._rest.find(0, self._searched) >= 0 or size - self._body_at > self.limits.max_frame_bytes:
            return True
        self._searched = size
        return False

    def _take(self, data: bytes, frames: list[Frame | Sends], only_first: bool) -> int:
        """Append the whole frames in ``data``; the position where the unfinished rest starts."""
        limits, size, start = self.limits, len(data), 0
        max_body, max_head = limits.max_frame_bytes, limits.max_header_bytes
        while start < size and not (only_first and frames):
            if not only_first:
                start = _take_plain(data, start, max_head, max_body, frames)
            if start == size:
                break
            if data[start] <= 13 and (ends := _LINE_ENDS.match(data, start)) is not None:
                start = ends.end()
                if start == size:
                    break
            found = _HEAD_END.search(data, start, start + max_head + 3)
            if found is None:
                if size - start > max_head:
                    raise ProtocolError(f"The headers of a frame are larger than {max_head} bytes.")
                self._need = size - start + 1
                return start
            body_at = found.end()
            command, headers = parse_head(data[start : found.start()], limits.max_headers)
            length = headers.get("content-length")
            if length is None:
                end = data.find(0, body_at, body_at + max_body + 1)
                if end < 0:
                    if size - body_at > max_body:
                        raise ProtocolError(f"A frame body is larger than {max_body} bytes.")
                    self._body_at, self._searched = body_at - start, size - start
                    return start
            else:
                end = body_at + _content_length(length, max_body)
                if end >= size:
                    self._need = end - start + 1
                    return start
                if data[end]:
                    raise ProtocolError("The body of a frame is longer than its content-length says.")
            frames.append(Frame(command, headers, data[body_at:end]))
            start = end + 1
        return start


def _take_plain(data: bytes, start: int, max_head: int, max_body: int, frames: list[Frame | Sends]) -> int:
    """Append the plain SENDs that stand whole one after the other from ``start`` on; where they end."""
    match, sends = _PLAIN_SEND.match, Sends([], [], [], [])
    destinations, bodies, receipts, dedups = sends
    name, destination = b"", ""
    while (found := match(data, start, start + max_head)) is not None:
        raw, receipt, length, dedup = found.groups()
        body_at = found.end()
        if raw is None or length is None or (size := int(length)) > max_body:
            break
        end = body_at + size
        if data[end : end + 1] != b"\0":
            break
        if raw != name:
            name, destination = raw, raw.decode()
        destinations.append(destination)
        bodies.append(data[body_at:end])
        receipts.append(receipt)
        dedups.append(None if dedup is None else dedup.decode())
        start = end + 1
    if bodies:
        frames.append(sends)
    return start


def _content_length(text: str, limit: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise ProtocolError("The header content-length is not a number of bytes.")
    length = int(text)
    if length > limit:
        raise ProtocolError(f"A frame body of {length} bytes is larger than {limit} bytes.")
    return length


def parse_head(head: bytes, max_headers: int) -> tuple[str, dict[str, str]]:
    """Command and headers of one frame (the bytes before the empty line). Raises ProtocolError."""
    try:
        text = head.decode()
    except UnicodeDecodeError:
        raise ProtocolError("The headers of a frame are not UTF-8 text.") from None
    if "\0" in text:
        raise ProtocolError("A frame ends in the middle of its headers.")
    lines = text.split("\n")
    if "\r" in text:
        lines = [line[:-1] if line.endswith("\r") else line for line in lines]
    command = lines[0]
    if len(lines) - 1 > max_headers:
        raise ProtocolError(f"A frame has more than {max_headers} headers.")
    escaped = "\\" in text and command not in _UNESCAPED
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name:
            raise ProtocolError(f"A header line is not name:value: {line[:40]!r}.")
        if escaped:
            name, value = unescape(name), unescape(value)
        if name not in headers:
            headers[name] = value
    return command, headers


def unescape(text: str) -> str:
    """A header name or value as the sender meant it. Raises ProtocolError for an escape that STOMP 1.2 forbids."""

    def decoded(match: re.Match[str]) -> str:
        try:
            return _DECODED[match[1]]
        except KeyError:
            raise ProtocolError(f"A header holds the undefined escape {match[0]!r}.") from None

    return _ESCAPE.sub(decoded, text)


def escape(text: str) -> str:
    """A header name or value as it travels."""
    if _NEEDS_ESCAPE.search(text) is None:
        return text
    return _NEEDS_ESCAPE.sub(lambda match: _ENCODED[match[0]], text)


def encode_headers(headers: Iterable[tuple[str, str]]) -> bytes:
    """Header lines, escaped, each with its line end."""
    return "".join([f"{escape(name)}:{escape(value)}\n" for name, value in headers]).encode()


def encode(command: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    """One whole frame. CONNECT and CONNECTED go unescaped, as STOMP 1.2 wants it."""
    if command in _UNESCAPED:
        head = "".join([f"{name}:{value}\n" for name, value in headers]).encode()
    else:
        head = encode_headers(headers)
    length = f"content-length:{len(body)}\n".encode() if body else b""
    return b"".join((command.encode(), b"\n", head, length, b"\n", body, b"\0"))
