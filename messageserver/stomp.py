"""STOMP 1.2 frames as bytes: an incremental parser and an encoder, without any I/O.

A parser that met a malformed or oversized frame stays broken: ``error`` says what was wrong, the frames before it
are still returned. What versions 1.0 and 1.1 do differently is in ``dialects``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, final

from .dialects import V12, Dialect, ProtocolError, leniently_decoded


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


_HEAD_END = re.compile(rb"\n\r?\n")
_LINE_ENDS = re.compile(rb"[\r\n]*")
_NEEDS_ESCAPE = re.compile(r"[\\\n\r:]")
_RECEIPT = re.compile(rb"\nreceipt:([^\r\n]+)\r?\n")
_UNENDED = "A frame ends in the middle of its headers: an empty line stands behind the last of them."
# These are never escaped, so that 1.0 clients can open a connection.
_UNESCAPED = frozenset(("CONNECT", "STOMP", "CONNECTED"))
_WITHOUT_BODY = _UNESCAPED | {"SUBSCRIBE", "UNSUBSCRIBE", "ACK", "NACK", "BEGIN", "COMMIT", "ABORT", "DISCONNECT",
                              "RECEIPT"}
# A plain SEND: these headers only, each once, in ASCII, nothing that would be escaped. Nearly every frame of a busy
# server is one, and one match takes it apart. Whatever is not exactly so goes the general way.
_VALUE = rb"([^\\:\r\n\0\x80-\xff]+)\n"
_PLAIN_SEND = re.compile(
    rb"SEND\n(?:(?(1)(?!)|destination:" + _VALUE + rb")|(?(2)(?!)|receipt:" + _VALUE + rb")"
    rb"|(?(3)(?!)|content-length:(0|[1-9][0-9]{0,8})\n)|(?(4)(?!)|dedup-id:" + _VALUE + rb"))+\n")


PIECE_BYTES = 4096
"""What comes in smaller parts is put together as it comes: many small objects would take more memory than they hold."""


class Parser:
    """Bytes in, frames out. Heart-beats (line ends between frames) are skipped."""

    def __init__(self, limits: Limits | None = None):
        self.limits = limits or Limits()
        self.dialect = V12
        self.error: ProtocolError | None = None
        # The unfinished frame: in pieces, so that a large one is put together once; and its size. Then bytes needed
        # before parsing can get further, and, when only the NUL is missing, where its body starts. They keep a
        # dribbling client cheap.
        self._pieces: list[bytes | bytearray] = []
        self._size = 0
        self._need = 0
        self._body_at = -1
        self._frame_at = 0

    @property
    def unfinished(self) -> bool:
        """True while part of a frame has arrived."""
        return self._size > 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes; after it ``error`` is set when the next one is bad."""
        return [frame for part in self.parts(data) for frame in (part.frames() if type(part) is Sends else (part,))]

    def parts(self, data: bytes, *, only_first: bool = False) -> list[Frame | Sends]:
        """As ``feed``; plain SENDs that came one after the other stay together, which is much cheaper. With
        ``only_first`` one frame at most: what came after it is kept for the next call."""
        frames: list[Frame | Sends] = []
        if self.error is not None:
            return frames
        if self._size:
            self._keep(data)
            if not self._worth_parsing(data):
                return frames
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._size = 0
        self._need, self._body_at = 0, -1
        try:
            end = self._take(data, frames, only_first)
        except ProtocolError as error:
            error.receipt = _receipt_in(data[self._frame_at : self._frame_at + self.limits.max_header_bytes])
            self.error = error
            return frames
        if end < len(data):
            self._keep(data[end:])
        return frames

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if len(data) >= PIECE_BYTES:
            self._pieces.append(data)
        elif self._pieces and type(self._pieces[-1]) is bytearray:
            self._pieces[-1] += data
        else:
            self._pieces.append(bytearray(data))

    def _worth_parsing(self, newest: bytes) -> bool:
        if self._body_at < 0:
            return self._size >= self._need
        return b"\0" in newest or self._size - self._body_at > self.limits.max_frame_bytes

    def _take(self, data: bytes, frames: list[Frame | Sends], only_first: bool) -> int:
        """Append the whole frames in ``data``; the position where the unfinished rest starts."""
        limits, size, start = self.limits, len(data), 0
        max_body, max_head = limits.max_frame_bytes, limits.max_header_bytes
        while start < size and not (only_first and frames):
            if not (only_first or self.dialect.trims):
                start = _take_plain(data, start, max_head, max_body, frames)
            if start == size:
                break
            if data[start] <= 13 and (ends := _LINE_ENDS.match(data, start)) is not None:
                start = ends.end()
                if start == size:
                    break
            self._frame_at = start
            found = _HEAD_END.search(data, start, start + max_head + 3)
            if found is None:
                if (end := data.find(0, start, start + max_head)) >= 0:
                    # Nothing that could come makes it whole, and who waits for its answer would wait for ever.
                    raise ProtocolError(_UNENDED if end > start else "A NUL stands between two frames.")
                if size - start > max_head:
                    raise ProtocolError(f"The headers of a frame are larger than {max_head} bytes.")
                self._need = size - start + 1
                return start
            body_at = found.end()
            command, headers = parse_head(data[start : found.start()], limits.max_headers, self.dialect)
            # Libraries copy all headers of a MESSAGE into its ACK: of a frame without body the length says nothing.
            has_body = command not in _WITHOUT_BODY
            length = headers.get("content-length") if has_body else None
            if length is None:
                end = data.find(0, body_at, body_at + max_body + 1)
                if end < 0:
                    if size - body_at > max_body:
                        raise ProtocolError(f"A frame body is larger than {max_body} bytes.")
                    self._body_at = body_at - start
                    return start
            else:
                end = body_at + _content_length(length, max_body)
                if end >= size:
                    self._need = end - start + 1
                    return start
                if data[end]:
                    raise ProtocolError("The body of a frame is longer than its content-length says.")
            body = data[body_at:end]
            if body and not has_body:
                # 1.0 lets them be ignored.
                if body.strip(b"\r\n") and not self.dialect.trims:
                    raise ProtocolError(f"{command} has a body, which only SEND may have.")
                body = b""
            frames.append(Frame(command, headers, body))
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


def parse_head(head: bytes, max_headers: int, dialect: Dialect = V12) -> tuple[str, dict[str, str]]:
    """Command and headers of one frame (the bytes before the empty line). Raises ProtocolError."""
    try:
        text = head.decode()
    except UnicodeDecodeError:
        raise ProtocolError("The headers of a frame are not UTF-8 text.") from None
    if "\0" in text:
        raise ProtocolError(_UNENDED)
    lines = text.split("\n")
    if "\r" in text:
        lines = [line[:-1] if line.endswith("\r") else line for line in lines]
    command = lines[0]
    if len(lines) - 1 > max_headers:
        raise ProtocolError(f"A frame has more than {max_headers} headers.")
    escaped, trims = "\\" in text and command not in _UNESCAPED, dialect.trims
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name:
            raise ProtocolError(f"A header line is not name:value: {line[:40]!r}.")
        if escaped:
            name, value = dialect.decoded(name), dialect.decoded(value)
        if trims:
            name, value = name.strip(" "), value.strip(" ")
        if name not in headers:
            headers[name] = value
    return command, headers


def _receipt_in(head: bytes) -> str | None:
    """The receipt that a bad frame asks for; None when it asks for none, or that cannot be read."""
    end = _HEAD_END.search(head)
    found = _RECEIPT.search(head, 0, end.end() if end else len(head))
    try:
        return None if found is None else leniently_decoded(found[1].decode())
    except UnicodeDecodeError:
        return None


def escape(text: str) -> str:
    """A header name or value as it travels in 1.2."""
    return text if _NEEDS_ESCAPE.search(text) is None else V12.encoded(text)


def encode_headers(headers: Iterable[tuple[str, str]], dialect: Dialect = V12) -> bytes:
    """Header lines, escaped, each with its line end."""
    if dialect is V12:
        return "".join([f"{escape(name)}:{escape(value)}\n" for name, value in headers]).encode()
    return "".join([f"{name}:{dialect.encoded(value)}\n" for name, value in headers]).encode()


FRAME_END = b"\0\n"
"""How each frame ends that a client is sent: some count on the line end that other servers put there, and lose the
frame behind it otherwise, or the one before where both come together."""


def told(command: str, headers: Iterable[tuple[str, str]], body: bytes, dialect: Dialect = V12) -> bytes:
    """One whole frame, for a client."""
    return encode(command, headers, body, dialect)[:-1] + FRAME_END


def encode(command: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"", dialect: Dialect = V12) -> bytes:
    """One whole frame. CONNECT, STOMP and CONNECTED go unescaped, as STOMP 1.2 wants it."""
    if command in _UNESCAPED:
        head = "".join([f"{name}:{value}\n" for name, value in headers]).encode()
    else:
        head = encode_headers(headers, dialect)
    length = f"content-length:{len(body)}\n".encode() if body else b""
    return b"".join((command.encode(), b"\n", head, length, b"\n", body, b"\0"))
