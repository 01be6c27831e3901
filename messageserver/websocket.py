"""STOMP over WebSocket, for browsers: what stands between the transport and a connection that speaks STOMP.

The payloads of a client's messages, text or binary, are one stream of bytes: a frame of STOMP may be cut anywhere. Each
message of the server is whole frames of STOMP, or a heart-beat; a body with NUL bytes may be cut behind one of them.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

from . import openings
from .connection import STRANGERS_FRAME, Connection
from .log import Event
from .stomp import Parser, told
from .websocket_frames import CLOSE, NORMAL, PING, POLICY, PONG, Decoder, FrameError, closing, head, opcode_for
from .websocket_handshake import HEAD_MAX, Refused, accepted, too_large

MESSAGE_BYTES = 64 * 1024
"""Many clients bound the messages that they take; only a large frame of STOMP makes a larger one."""
PONGS_MAX_BYTES = 64 * 1024
"""With so much unread, a client that asks for signs of life gets none: they would only pile up."""
FRAME_SLACK = 1024
"""Payload bytes beside one frame of STOMP as large as the limits allow."""
STRANGERS_FRAMES = 256
"""Frames of WebSocket in which CONNECT may come."""
IDLE_FRAMES, IDLE_BYTES = 1000, 2
"""So many frames with less payload than that may come in one read: heart-beats and signs of life of a client that was
not read from for a while. A read full of them would hold up everybody else for a fifth of a second."""


def pieces(data: bytes) -> Iterator[bytes]:
    """``data`` in pieces that end where a frame of STOMP may end, of MESSAGE_BYTES at most where one ends so soon."""
    start = 0
    while len(data) - start > MESSAGE_BYTES:
        most = start + MESSAGE_BYTES - 1
        end = data.rfind(b"\0", start, most) + 1 or data.find(b"\0", most) + 1
        if not end:
            break
        # Clients look for a command at the beginning of a message.
        end += data[end : end + 1] == b"\n"
        yield data[start:end]
        start = end
    if start < len(data):
        yield data[start:]


class Line(asyncio.Transport):
    """The transport of a connection that speaks STOMP: what it writes travels in messages, and before it ends the
    client is told. ``code`` is the one to close with."""

    def __init__(self, transport: asyncio.Transport):
        super().__init__()
        self._transport = transport
        self._unsent = b""
        self.code = NORMAL
        self.is_open = self.has_ended = False
        """Whether the handshake is done; whether the last bytes were written."""

    def answer(self, data: bytes, *, opens: bool) -> None:
        """Answer the handshake."""
        if not self.is_closing():
            self._transport.write(data)
        self.is_open, self.has_ended = opens, not opens

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.has_ended or self.is_closing():
            return
        if not self.is_open:
            self._unsent = bytes(data)
            return
        self._transport.writelines([part for piece in pieces(bytes(data))
                                    for part in (head(opcode_for(piece), len(piece)), piece)])

    def pong(self, payload: bytes) -> None:
        if not self.has_ended and not self.is_closing() and self.get_write_buffer_size() < PONGS_MAX_BYTES:
            self._transport.write(head(PONG, len(payload)) + payload)

    def can_write_eof(self) -> bool:
        """Also over TLS: that nothing more comes is said by WebSocket itself."""
        return True

    def write_eof(self) -> None:
        self._end()
        if self.is_open or self.is_closing():
            return  # the client answers, and then it is closed
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def close(self) -> None:
        self._end()
        self._transport.close()

    def _end(self) -> None:
        if self.has_ended:
            return
        self.has_ended = True
        if self.is_closing():
            return
        if self.is_open:
            self._transport.write(closing(self.code))
        else:
            # The client would take frames of STOMP for a broken answer to its request.
            said = Parser().feed(self._unsent)
            self._transport.write(openings.http_answer(
                "503 Service Unavailable", said[0].body.decode() if said else "The server ends the connection."))

    def abort(self) -> None:
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)


class WebSocket(asyncio.Protocol):
    """One connection at a port for browsers, in front of ``session``, which counts it from its first byte on."""

    _line: Line

    def __init__(self, session: Connection):
        self._session = session
        self._request = bytearray()
        self._decoder = Decoder(0)
        self._strange = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a stream has this kind
        self._line = Line(transport)
        self._session.connection_made(self._line)

    def connection_lost(self, error: Exception | None) -> None:
        self._session.connection_lost(error)

    def pause_writing(self) -> None:
        self._session.pause_writing()

    def resume_writing(self) -> None:
        self._session.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._line.is_open:
            self._take(data)
        elif not self._line.has_ended:
            self._open(data)

    # --- the handshake ---------------------------------------------------------------------------------

    def _open(self, data: bytes) -> None:
        self._request += data
        kind = openings.kind_of(bytes(self._request[: openings.LONGEST]))
        if kind not in ("", openings.HTTP):
            sentence = openings.refusal(kind, self._session.broker.settings.ports, websocket=True)
            self._refuse(sentence, told("ERROR", [("message", sentence), ("content-type", "text/plain")],
                                        sentence.encode()))
            return
        end = self._request.find(b"\r\n\r\n", 0, HEAD_MAX + 4)
        try:
            if end < 0:
                if len(self._request) > HEAD_MAX:
                    raise too_large()
                return
            answer = accepted(bytes(self._request[:end]), self._session.broker.settings.origins)
        except Refused as refused:
            self._refuse(str(refused), refused.answer)
            return
        rest = bytes(self._request[end + 4 :])
        self._request.clear()
        self._line.answer(answer, opens=True)
        if rest:
            self._take(rest)

    def _refuse(self, sentence: str, answer: bytes) -> None:
        session = self._session
        session.broker.client_event(Event.CLIENT_REFUSED, f"A client at {session.peer} is refused: {sentence}")
        self._request.clear()
        self._line.answer(answer, opens=False)
        session.close()

    # --- frames ----------------------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        session, decoder = self._session, self._decoder
        parts: list[bytes] = []
        ping: bytes | None = None
        count = idle = 0
        decoder.limit = self._limit
        for frame in decoder.feed(data):
            count += 1
            idle += len(frame.payload) < IDLE_BYTES
            if idle > IDLE_FRAMES or self._is_too_strange():
                decoder.error = FrameError(POLICY, "Too many WebSocket frames come that carry nothing or next to "
                                           "nothing. Send whole frames of STOMP.")
                break
            if frame.opcode == CLOSE:
                session.data_received(b"".join(parts))
                self._closed_by_client(frame.code)
                return
            if frame.opcode == PING:
                ping = frame.payload
            elif frame.opcode != PONG and session.connected:
                parts.append(frame.payload)
            elif frame.opcode != PONG:
                session.data_received(frame.payload)
                decoder.limit = self._limit
        session.broker.intake.count(count)
        if parts:
            session.data_received(b"".join(parts))
        if ping is not None:
            # Of several that came together the last one is enough (RFC 6455, 5.5.3).
            self._line.pong(ping)
        if decoder.error is not None:
            self._line.code = decoder.error.code
            session.fail(str(decoder.error))

    def _is_too_strange(self) -> bool:
        """Of one more frame: whether CONNECT should have come by now."""
        if not self._session.connected:
            self._strange += 1
        return self._strange > STRANGERS_FRAMES

    @property
    def _limit(self) -> int:
        session = self._session
        limits = session.broker.settings.limits.frame if session.connected else STRANGERS_FRAME
        return limits.max_frame_bytes + limits.max_header_bytes + FRAME_SLACK

    def _closed_by_client(self, code: int) -> None:
        """Answer what it has sent before, then end."""
        self._line.code = code
        if self._line.has_ended or not self._session.eof_received():
            self._line.close()
