"""The probe load of a failover drill: one client that sends numbered messages to both members of a pair, as one serves
and the other will, and reads back what came of them.

It runs in a thread of its own, goes on whatever happens to the servers, and costs little: RATE messages a second of
SIZE bytes, each with a receipt and a ``dedup-id``, so that a repeated one counts once.
"""

import asyncio
import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Sequence

from protocol.stomp_client import ANSWER_S, CONNECT_S, UNREADABLE, Dropped, Target, dialled, entered, frame, write
from provisioning.drills.rules.figures import Ledger

RATE, SIZE, WINDOW = 20, 200, 64
SILENCE_S = 1.5
"""Seconds that one member gets to acknowledge what is pending."""
BOTH_REFUSED_S = 0.02
CAUGHT_UP_S = 2.0
"""So long after its last connection nothing that is there is still on its way."""


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
            reader, writer = await dialled(target)
        except Dropped as error:
            return self._not_used(target, str(error))
        is_in = False
        try:
            await self._enter(target, reader, writer)
            is_in = True
            await self._talk(reader, writer)
        except Dropped as error:
            self._not_used(target, str(error) or "it closed the connection")
        except UNREADABLE as error:
            self._not_used(target, f"the connection broke ({type(error).__name__})")
        finally:
            self._connected_at = 0.0
            writer.transport.abort()
        return is_in

    def _not_used(self, target: Target, why: str) -> bool:
        self.trouble[target.name] = why
        return False

    async def _enter(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = await entered(target, reader, writer)
        if self._last_seq is None:
            self._last_seq = int(headers["last-seq"])
        write(writer, "SUBSCRIBE", {"id": "drill", "destination": self._destination,
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
                        command, headers, body = await frame(reader)
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
        write(writer, "SEND", {"destination": self._destination, "receipt": str(number), "drill": self._key,
                               "dedup-id": f"{self._key}-{number}"}, f"{number} ".ljust(SIZE, "."))
