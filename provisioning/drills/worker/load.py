"""The probe load of a failover drill: one client that sends numbered messages to both members of a pair, as one serves
and the other will, and reads back what came of them.

It runs in a thread of its own, goes on whatever happens to the servers, and costs little: RATE messages a second of
SIZE bytes, each with a receipt and a ``dedup-id``, so that a repeated one counts once.
"""

import asyncio
import contextlib
import itertools
import os
import ssl
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from protocol import tls
from provisioning.drills.rules.figures import Ledger

RATE, SIZE, WINDOW = 20, 200, 64
CONNECT_S, ANSWER_S, SILENCE_S = 1.5, 3.0, 1.5
"""Seconds that one member gets to take the connection, to let the client in, and to acknowledge what is pending."""
BOTH_REFUSED_S = 0.02
FRAME_MAX = 65_536
CAUGHT_UP_S = 2.0
"""So long after its last connection nothing that is there is still on its way."""


@dataclass(frozen=True)
class Target:
    """A member of the pair; with ``context`` its port is dialled over TLS."""

    name: str
    host: str
    port: int
    login: str
    passcode: str = field(repr=False)
    context: ssl.SSLContext | None = None


class Dropped(ConnectionError):
    """The server does not serve this client any more. The text is a sentence or ""."""


class ProbeLoad:
    """Under way from ``start`` to ``close``. ``trouble`` is {member: why it was not used last}."""

    def __init__(self, targets: Sequence[Target], destination: str, key: str):
        self.trouble: dict[str, str] = {}
        self._targets, self._destination, self._key = targets, destination, key
        self._lock = threading.Lock()
        self._sent, self._pending = 0, dict[int, None]()
        self._acknowledged: set[int] = set()
        self._times: list[float] = []
        self._delivered: Counter[int] = Counter()
        self._last_seq: int | None = None
        self._connected_at = 0.0
        self._enough = self._over = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="drill load", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop_sending(self) -> None:
        self._enough = True

    def close(self) -> None:
        """End it; what is pending is given up."""
        self._enough = self._over = True
        if self._thread.is_alive():
            self._thread.join(CONNECT_S + ANSWER_S)

    # --- what the drill asks

    @property
    def acknowledged(self) -> int:
        return len(self._acknowledged)

    @property
    def newest(self) -> int:
        """The number of the message that was sent last."""
        return self._sent

    def has_acknowledged_after(self, number: int) -> bool:
        """Whether a message that was sent after ``number`` was acknowledged."""
        with self._lock:
            return any(each > number for each in self._acknowledged)

    def ledger(self) -> Ledger:
        with self._lock:
            caught_up = bool(self._connected_at) and time.monotonic() - self._connected_at > CAUGHT_UP_S
            return Ledger(sent=self._sent, acknowledged=frozenset(self._acknowledged),
                          acknowledged_at=tuple(self._times), delivered=dict(self._delivered), caught_up=caught_up)

    @property
    def is_complete(self) -> bool:
        """Everything that was sent was acknowledged and has arrived."""
        with self._lock:
            return not self._pending and self._acknowledged <= self._delivered.keys()

    # --- its thread

    async def _run(self) -> None:
        unused = 0
        for target in itertools.cycle(self._targets):
            if self._over:
                return
            unused = 0 if await self._use(target) else unused + 1
            if unused == len(self._targets):
                unused = 0
                await asyncio.sleep(BOTH_REFUSED_S)

    async def _use(self, target: Target) -> bool:
        """Send and read there for as long as it serves; False when it did not let us in."""
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(
                    target.host, target.port, limit=FRAME_MAX, ssl=target.context,
                    server_hostname=target.host if target.context else None)
        except ssl.SSLError as error:
            return self._not_used(target, tls.why_untrusted(error, target.host))
        except TimeoutError:
            return self._not_used(target, f"it did not answer within {CONNECT_S:g} s")
        except OSError as error:
            # asyncio's own text names the call that failed.
            return self._not_used(target, os.strerror(error.errno) if error.errno else str(error))
        entered = False
        try:
            await self._enter(target, reader, writer)
            entered = True
            await self._talk(reader, writer)
        except Dropped as error:
            self._not_used(target, str(error) or "it closed the connection")
        except (OSError, EOFError, ValueError, KeyError, asyncio.LimitOverrunError) as error:
            self._not_used(target, f"the connection broke ({type(error).__name__})")
        finally:
            self._connected_at = 0.0
            writer.transport.abort()
        return entered

    def _not_used(self, target: Target, why: str) -> bool:
        self.trouble[target.name] = why
        return False

    async def _enter(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _write(writer, "CONNECT", {"accept-version": "1.2", "host": "/", "login": target.login,
                                   "passcode": target.passcode, "heart-beat": "0,0"})
        try:
            async with asyncio.timeout(ANSWER_S):
                command, headers, _ = await _frame(reader)
        except TimeoutError:
            raise Dropped(f"it did not let the client in within {ANSWER_S:g} s") from None
        if command != "CONNECTED":
            raise Dropped(headers.get("message", ""))
        if self._last_seq is None:
            self._last_seq = int(headers["last-seq"])
        _write(writer, "SUBSCRIBE", {"id": "drill", "destination": self._destination,
                                     "from-seq": str(self._last_seq + 1)})
        for number in list(self._pending):
            self._send(writer, number)
        self.trouble.pop(target.name, None)
        self._connected_at = time.monotonic()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = asyncio.create_task(self._send_on(writer))
        heard_at = time.monotonic()
        try:
            while not self._over:
                try:
                    async with asyncio.timeout(0.25):
                        command, headers, body = await _frame(reader)
                except TimeoutError:
                    if self._pending and time.monotonic() - heard_at > SILENCE_S:
                        raise Dropped(f"it acknowledged nothing for {SILENCE_S:g} s") from None
                    continue
                heard_at = time.monotonic()
                self._take(command, headers, body)
        finally:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await sender

    def _take(self, command: str, headers: dict[str, str], body: bytes) -> None:
        if command == "ERROR":
            raise Dropped(headers.get("message", ""))
        with self._lock:
            if command == "RECEIPT" and (number := int(headers["receipt-id"])) in self._pending:
                del self._pending[number]
                self._acknowledged.add(number)
                self._times.append(time.monotonic())
            elif command == "MESSAGE":
                self._last_seq = max(self._last_seq or 0, int(headers["seq"]))
                # Whoever else writes there is no part of the count, and a server may say what it likes.
                if headers.get("drill") == self._key and 1 <= (number := int(body.partition(b" ")[0])) <= self._sent:
                    self._delivered[number] += 1

    async def _send_on(self, writer: asyncio.StreamWriter) -> None:
        while not self._enough:
            if len(self._pending) < WINDOW:
                with self._lock:
                    self._sent += 1
                    self._pending[self._sent] = None
                self._send(writer, self._sent)
            await asyncio.sleep(1 / RATE)

    def _send(self, writer: asyncio.StreamWriter, number: int) -> None:
        _write(writer, "SEND", {"destination": self._destination, "receipt": str(number), "drill": self._key,
                                "dedup-id": f"{self._key}-{number}"}, f"{number} ".ljust(SIZE, "."))


def _write(writer: asyncio.StreamWriter, command: str, headers: dict[str, str], body: str = "") -> None:
    lines = [command, *(f"{name}:{value}" for name, value in headers.items()), "", body]
    writer.write("\n".join(lines).encode() + b"\0")


_ESCAPES = {"\\c": ":", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}


async def _frame(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """The next frame. Raises EOFError, ValueError, asyncio.LimitOverrunError for what cannot be read.

    Cancelled while it waits for the beginning of a frame it has taken nothing.
    """
    while not (head := (await reader.readuntil(b"\n\n")).decode().lstrip("\n")):
        pass
    command, *lines = head.rstrip("\n").split("\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name, value)
    if "message" in headers:
        headers["message"] = _unescaped(headers["message"])
    if "content-length" in headers:
        length = int(headers["content-length"])
        if not 0 <= length <= FRAME_MAX:
            raise ValueError(f"a frame of {length} bytes")
        return command, headers, (await reader.readexactly(length + 1))[:-1]
    return command, headers, (await reader.readuntil(b"\0"))[:-1]


def _unescaped(text: str) -> str:
    out, at = [], 0
    while at < len(text):
        pair = text[at:at + 2]
        out.append(_ESCAPES.get(pair, text[at]))
        at += 2 if pair in _ESCAPES else 1
    return "".join(out)
