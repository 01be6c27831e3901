"""Frames of WebSocket (RFC 6455, section 5) as bytes: an incremental decoder and an encoder, without any I/O."""

import codecs
from collections.abc import Iterator
from typing import NamedTuple, final

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
NORMAL, PROTOCOL_ERROR, NO_CODE, NOT_TEXT, POLICY, TOO_BIG = 1000, 1002, 1005, 1007, 1008, 1009
CONTROL_MAX = 125
_KNOWN = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))
_CODES = frozenset((*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)))
"""Those that a client may close with."""


class FrameError(ValueError):
    """The connection has to end. The text is a sentence; ``code`` is the one to close with."""

    def __init__(self, code: int, sentence: str):
        super().__init__(sentence)
        self.code = code


@final
class Received(NamedTuple):
    """One frame. ``payload`` of CLOSE is the code alone, two bytes, or empty; that of the others as it was sent."""

    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        """Of CLOSE."""
        return int.from_bytes(self.payload, "big") if self.payload else NO_CODE


class Decoder:
    """Bytes of a client in, frames out. ``limit``: payload bytes of one frame. A decoder that met a bad frame stays
    broken: ``error`` says what was wrong, the frames before it are still returned."""

    def __init__(self, limit: int):
        self.limit = limit
        self.error: FrameError | None = None
        self._rest = bytearray()
        self._need = 0
        self._message = CONTINUATION
        self._text = codecs.getincrementaldecoder("utf-8")()
        self._within = False

    def feed(self, data: bytes) -> Iterator[Received]:
        """The frames that ``data`` completes, each once it is asked for, so ``limit`` may change in between; data
        frames have the opcode TEXT or BINARY of their message."""
        if self.error is not None:
            return
        self._rest += data
        if len(self._rest) < self._need:
            return
        data, start = bytes(self._rest), 0
        self._rest.clear()
        try:
            while (found := self._take(data, start)) is not None:
                frame, start = found
                yield frame
        except FrameError as error:
            self.error = error
            return
        self._rest += data[start:]

    def _take(self, data: bytes, start: int) -> tuple[Received, int] | None:
        """The frame at ``start`` and where it ends; None while it is not whole. Raises FrameError."""
        self._need = 2
        if len(data) - start < self._need:
            return None
        first, second = data[start], data[start + 1]
        self._check(first, second)
        opcode, size = first & 0x0F, second & 0x7F
        extra = {126: 2, 127: 8}.get(size, 0)
        body_at = start + 2 + extra + 4
        self._need = body_at - start
        if len(data) < body_at:
            return None
        if extra:
            size = int.from_bytes(data[start + 2 : body_at - 4], "big")
        self._check_size(size, extra)
        end = body_at + size
        self._need = end - start
        if len(data) < end:
            return None
        payload = unmasked(data[body_at:end], data[body_at - 4 : body_at])
        if opcode == CLOSE:
            return Received(opcode, _code_of(payload)), end
        if opcode in (PING, PONG):
            return Received(opcode, payload), end
        return self._part(opcode, payload, final=bool(first & 0x80)), end

    def _check(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if first & 0x70:
            raise FrameError(PROTOCOL_ERROR, "A WebSocket frame uses an extension, and none was agreed on.")
        if opcode not in _KNOWN:
            raise FrameError(PROTOCOL_ERROR, f"A WebSocket frame has the unknown opcode {opcode}.")
        if not second & 0x80:
            raise FrameError(PROTOCOL_ERROR, "A WebSocket frame of a client is not masked.")
        if opcode >= CLOSE and (not first & 0x80 or second & 0x7F > CONTROL_MAX):
            raise FrameError(PROTOCOL_ERROR, f"A WebSocket control frame is in parts or has more than {CONTROL_MAX} "
                             "bytes.")
        if opcode < CLOSE and (opcode == CONTINUATION) != bool(self._message):
            raise FrameError(PROTOCOL_ERROR, "A WebSocket frame goes on with a message that has not begun."
                             if opcode == CONTINUATION else "A WebSocket message begins inside of another one.")

    def _check_size(self, size: int, extra: int) -> None:
        if extra and size < (126 if extra == 2 else 65_536):
            raise FrameError(PROTOCOL_ERROR, "The length of a WebSocket frame is not written the shortest way.")
        if size > self.limit:
            raise FrameError(TOO_BIG, f"A WebSocket frame of {size} bytes is larger than {self.limit} bytes.")

    def _part(self, opcode: int, payload: bytes, *, final: bool) -> Received:
        kind = opcode or self._message
        if kind == TEXT:
            self._check_text(payload, final=final)
        self._message = CONTINUATION if final else kind
        return Received(kind, payload)

    def _check_text(self, payload: bytes, *, final: bool) -> None:
        if not self._within and payload.isascii():
            return
        try:
            self._text.decode(payload, final)
        except UnicodeDecodeError:
            raise FrameError(NOT_TEXT, "A WebSocket message of text is not UTF-8.") from None
        self._within = bool(self._text.getstate()[0])


def _code_of(payload: bytes) -> bytes:
    """The code of a CLOSE alone. Raises FrameError."""
    if payload and (len(payload) == 1 or int.from_bytes(payload[:2], "big") not in _CODES):
        raise FrameError(PROTOCOL_ERROR, "A WebSocket connection was closed with a code that may not be sent.")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameError(NOT_TEXT, "The reason of a closed WebSocket connection is not UTF-8.") from None
    return payload[:2]


def unmasked(payload: bytes, mask: bytes) -> bytes:
    """``payload`` as it was before it was masked, or the other way round."""
    size = len(payload)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")).to_bytes(size, "little")


def head(opcode: int, size: int) -> bytes:
    """What goes before ``size`` payload bytes of a whole message that the server sends."""
    if size < 126:
        return bytes((0x80 | opcode, size))
    if size < 65_536:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big")


def opcode_for(data: bytes) -> int:
    """TEXT where ``data`` can travel as text, as most clients in browsers expect it."""
    if data.isascii():
        return TEXT
    try:
        data.decode()
    except UnicodeDecodeError:
        return BINARY
    return TEXT


def closing(code: int, reason: str = "") -> bytes:
    """A whole CLOSE frame."""
    payload = b"" if code == NO_CODE else (
        code.to_bytes(2, "big") + reason.encode()[: CONTROL_MAX - 2].decode(errors="ignore").encode())
    return head(CLOSE, len(payload)) + payload
