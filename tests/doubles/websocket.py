"""A WebSocket client for tests: exact bytes out, STOMP frames in, everything bounded in time."""

import base64
import ssl

from messageserver.websocket_frames import BINARY, CLOSE, PING, PONG, TEXT, unmasked

from .stomp import Client

KEY = base64.b64encode(b"0123456789abcdef").decode()
PROOF = "Sec-WebSocket-Accept: BACScCJPNqyz+UBoqMH89VmURoA="


def request(*headers: str, host: str = "127.0.0.1", method: str = "GET", version: str = "13", key: str = KEY) -> bytes:
    """A request for a WebSocket connection; ``headers`` come beside those that each has."""
    lines = (f"{method} /any/path HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: keep-alive, Upgrade",
             f"Sec-WebSocket-Key: {key}", f"Sec-WebSocket-Version: {version}", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, mask: bytes = b"\x37\xfa\x21\x3d") -> bytes:
    """A frame as a client sends it."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else (
        b"\xfe" + size.to_bytes(2, "big") if size < 65_536 else b"\xff" + size.to_bytes(8, "big"))
    return bytes((opcode | (0x80 if final else 0),)) + length + mask + unmasked(payload, mask)


class WebClient(Client):
    """As ``Client``, over WebSocket. ``answer`` is that to the handshake, ``opcodes`` those of the messages that came,
    ``code`` the one with which the server closed."""

    def __init__(self, port: int, *headers: str, connect: bool = True, trusted=None, opcode: int = TEXT,
                 subprotocol: str = "v12.stomp", **stomp):
        super().__init__(port, connect=False)
        if trusted is not None:
            context = ssl.create_default_context(cafile=trusted)
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.opcode, self.opcodes, self.pongs = opcode, [], []
        self.code: int | None = None
        self._buffer = b""
        named = (f"Sec-WebSocket-Protocol: {subprotocol}",) if subprotocol else ()
        self.socket.sendall(request(*named, *headers))
        while b"\r\n\r\n" not in self._buffer:
            data = self.socket.recv(1 << 16)
            assert data, self._buffer
            self._buffer += data
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        self.answer = head.decode().split("\r\n")
        if connect:
            assert self.answer[0] == "HTTP/1.1 101 Switching Protocols", head
            self.connect(**stomp)
            self.connected = self.expect("CONNECTED")

    def raw(self, data: bytes) -> None:
        self.bare(frame(self.opcode, data))

    def bare(self, data: bytes) -> None:
        self.socket.sendall(data)

    def next(self, timeout_s: float | None = None):
        self.socket.settimeout(self.wait_s if timeout_s is None else timeout_s)
        while not self.frames and self.code is None:
            received = self._received()
            if received is None:
                return None
            opcode, payload = received
            if opcode == CLOSE:
                self.code = int.from_bytes(payload[:2], "big")
                return None
            if opcode in (PING, PONG):
                self.pongs.append(payload)
                continue
            self.opcodes.append(opcode)
            assert opcode in (TEXT, BINARY)
            if opcode == TEXT:
                payload.decode()
            self.frames += self._parser.feed(payload)
            assert self._parser.error is None
        return self.frames.pop(0) if self.frames else None

    def _received(self) -> tuple[int, bytes] | None:
        """One frame of the server; None when the connection was closed."""
        while True:
            found = _cut(self._buffer)
            if found is not None:
                opcode, payload, self._buffer = found
                return opcode, payload
            try:
                data = self.socket.recv(1 << 18)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._buffer += data


def _cut(data: bytes) -> tuple[int, bytes, bytes] | None:
    if len(data) < 2:
        return None
    assert data[0] & 0xF0 == 0x80, "the server sends whole messages"
    size, at = data[1], 2
    assert size < 128, "frames of the server are not masked"
    if size > 125:
        at = 4 if size == 126 else 10
        size = int.from_bytes(data[2:at], "big")
    if len(data) < at + size:
        return None
    return data[0] & 0x0F, data[at : at + size], data[at + size :]
