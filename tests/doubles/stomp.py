"""A blocking STOMP client for tests: exact bytes out, whole frames in, everything bounded in time."""

import socket

from messageserver.stomp import Frame, Parser, encode

WAIT_S = 20.0


class Client:
    """One connection. ``frames`` are those read so far and not yet taken; ``wait_s``: how long an answer may take."""

    def __init__(self, port: int, *, host: str = "127.0.0.1", connect: bool = True, login: str = "bench",
                 passcode: str = "benchpass", wait_s: float = WAIT_S, **headers):
        self.wait_s = wait_s
        self.socket = socket.create_connection((host, port), wait_s)
        self.frames: list[Frame] = []
        self._parser = Parser()
        if connect:
            self.connect(login=login, passcode=passcode, **headers)
            self.connected = self.expect("CONNECTED")

    def connect(self, *, login: str = "bench", passcode: str = "benchpass", **headers) -> None:
        """Send CONNECT; the answer is the caller's to take."""
        self.send("CONNECT", {"accept-version": "1.2", "host": "/", "login": login, "passcode": passcode, **headers})

    def raw(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send(self, command: str, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.raw(encode(command, (headers or {}).items(), body))

    def publish(self, destination: str, body: bytes, **headers) -> None:
        self.send("SEND", {"destination": destination, **{k.replace("_", "-"): v for k, v in headers.items()}}, body)

    def acked(self, destination: str, body: bytes, **headers) -> int:
        """SEND with a receipt, wait for it; the seq."""
        self.publish(destination, body, receipt="r", **headers)
        return int(self.expect("RECEIPT").headers["seq"])

    def subscribe(self, destination: str, ident: str = "s", **headers) -> None:
        """SUBSCRIBE and wait until it counts."""
        self.send("SUBSCRIBE", {"id": ident, "destination": destination, "receipt": f"sub-{ident}",
                                **{k.replace("_", "-"): v for k, v in headers.items()}})
        self.expect("RECEIPT")

    def next(self, timeout_s: float | None = None) -> Frame | None:
        """The next frame; None when the server closed the connection."""
        self.socket.settimeout(self.wait_s if timeout_s is None else timeout_s)
        while not self.frames:
            try:
                data = self.socket.recv(1 << 18)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.frames += self._parser.feed(data)
            assert self._parser.error is None, self._parser.error
        return self.frames.pop(0)

    def expect(self, command: str) -> Frame:
        frame = self.next()
        assert frame is not None, f"the connection was closed instead of {command}"
        assert frame.command == command, frame
        return frame

    def messages(self, count: int) -> list[Frame]:
        return [self.expect("MESSAGE") for _ in range(count)]

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self.close()
