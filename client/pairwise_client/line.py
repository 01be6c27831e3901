"""One connection to one member, from CONNECT to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from .errors import Refused
from .frames import Frame, Parser, encode


class Line(asyncio.Protocol):
    """``taken`` gets every frame that comes after CONNECTED. Of ``lost`` the result is why the connection ended.

    ``error``: the ERROR that the server sent, None without one."""

    def __init__(self, name: str, taken: Callable[[Line, Frame], None], heart_beat: float = 0):
        loop = asyncio.get_running_loop()
        self.name, self._taken, self._heart_beat = name, taken, heart_beat
        self.connected: asyncio.Future[dict[str, str]] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.error: Frame | None = None
        self.first_seq = self.last_seq = 0
        self._parser = Parser()
        self._out: list[bytes] = []
        self._heard = self._said = time.monotonic()
        self._send_s = self._expect_s = 0.0
        self._transport: asyncio.Transport | None = None
        self._beat: asyncio.TimerHandle | None = None

    # --- what asyncio calls ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard = time.monotonic()
        try:
            for frame in self._parser.feed(data):
                self._take(frame)
        except (ValueError, KeyError) as error:
            self.end(f"what it sent cannot be understood ({error})")

    def connection_lost(self, error: Exception | None) -> None:
        self.end(f"the connection broke ({error})" if error else "the connection was closed")

    # --- what the client calls ------------------------------------------------------------------------------------

    def log_in(self, login: str, passcode: str) -> None:
        every = round(self._heart_beat * 1000)
        self.write(encode("CONNECT", {"accept-version": "1.2", "host": "/", "login": login, "passcode": passcode,
                                      "heart-beat": f"{every},{every}"}))

    def write(self, data: bytes) -> None:
        """Send soon; what is written in one go of the loop travels together."""
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(data)

    def end(self, why: str) -> None:
        """End the connection at once."""
        if self.lost.done():
            return
        if self.error is not None:
            why = self.error.headers.get("message", "") or self.error.body.decode("utf-8", "replace")
        self.lost.set_result(why)
        if not self.connected.done():
            self.connected.set_exception(Refused(why) if self.error else ConnectionError(why))
            self.connected.exception()  # whoever waited for it may be gone
        if self._beat is not None:
            self._beat.cancel()
        if self._transport is not None:
            self._transport.abort()

    # --- within ---------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        data, self._out = b"".join(self._out), []
        if self._transport is not None and not self.lost.done():
            self._said = time.monotonic()
            self._transport.write(data)

    def _take(self, frame: Frame) -> None:
        if frame.command == "ERROR":
            self.error = frame
            if self.connected.done():
                self._taken(self, frame)
            self.end("")
        elif frame.command == "CONNECTED":
            self._begin(frame.headers)
        elif not self.lost.done():
            self._taken(self, frame)

    def _begin(self, headers: dict[str, str]) -> None:
        self.first_seq, self.last_seq = int(headers.get("first-seq", "0")), int(headers.get("last-seq", "0"))
        # How often the server can send, and how often it wants to hear of this client; 0 = not at all.
        sends, wants = [int(part) / 1000 for part in headers.get("heart-beat", "0,0").split(",")]
        if self._heart_beat:
            self._expect_s = 2 * max(sends, self._heart_beat) if sends else 0
            self._send_s = max(wants, self._heart_beat) if wants else 0
        if not self.connected.done():
            self.connected.set_result(headers)
        if self._expect_s or self._send_s:
            self._keep_alive()

    def _keep_alive(self) -> None:
        now = time.monotonic()
        if self._expect_s and now - self._heard > self._expect_s:
            self.end(f"nothing came from it for {self._expect_s:g} s")
            return
        if self._send_s and now - self._said >= self._send_s / 2:
            self.write(b"\n")
        every = min(each for each in (self._send_s / 2, self._expect_s / 4) if each)
        self._beat = asyncio.get_running_loop().call_later(every, self._keep_alive)
