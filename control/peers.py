"""One connected peer: what it is sent goes through a bounded outbox, what it says is counted."""

import asyncio
import contextlib
import logging
import time

from protocol.messages import Message
from protocol.wire import Channel, WireError

log = logging.getLogger(__name__)

OUTBOX_MESSAGES = 20_000
SEND_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0


class Bucket:
    """Token bucket: ``rate`` a second, ``burst`` at once."""

    def __init__(self, rate: float, burst: float):
        self._rate, self._burst, self._left, self._at = rate, burst, burst, time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Peer:
    """A channel whose sender never waits: ``post`` queues; a peer that does not read is cut."""

    def __init__(self, channel: Channel, name: str, *, rate: float, burst: float):
        self.name = name
        self._channel = channel
        self._outbox: asyncio.Queue[Message] = asyncio.Queue(OUTBOX_MESSAGES)
        self._pump_task: asyncio.Task | None = None
        self._bucket = Bucket(rate, burst)
        self.cut_reason = ""

    @property
    def heard_at(self) -> float:
        """When the peer last said anything, heartbeats included (monotonic)."""
        return self._channel.heard_at

    def start(self) -> None:
        """Begin to send what was posted; call it after the opening."""
        self._pump_task = asyncio.create_task(self._pump(), name=f"outbox of {self.name}")

    def post(self, message: Message) -> None:
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            self.cut(f"{self.name} does not read what it is sent")

    async def _pump(self) -> None:
        try:
            while True:
                message = await self._outbox.get()
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self._channel.send(message)
        except TimeoutError:
            self.cut(f"{self.name} did not read for {SEND_TIMEOUT_S:g} s")
        except (WireError, OSError) as error:
            self.cut(str(error))

    async def receive(self) -> Message:
        """Next message. Raises WireError, also for a peer that says too much."""
        try:
            message = await self._channel.receive()
        except WireError as error:
            self.cut_reason = self.cut_reason or str(error)
            raise
        if not self._bucket.take():
            self.cut(f"{self.name} sends more messages than allowed")
            raise WireError(self.cut_reason)
        return message

    def cut(self, reason: str) -> None:
        """End the connection at once; its session notices."""
        self.cut_reason = self.cut_reason or reason
        self._channel.abort()

    async def close(self) -> None:
        if self._pump_task is not None:
            self._pump_task.cancel()
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._channel.close()
        self._channel.abort()
