"""Publishes log records of a Message Server or an agent to a pair of Message Servers, whoever of it serves: each is
kept (``log_queue``) until it was acknowledged, and counts once, however often it is sent."""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .events import STANDARD, Own, written
from .log_queue import LogQueue, Queued
from .log_records import LogRecord
from .pauses import pauses
from .stomp_client import UNREADABLE, Dropped, Target, dialled, entered, frame, write
from .tls import TlsError

AT_ONCE = 200
"""Records that are sent before an acknowledgement is waited for."""
ANSWER_S = 10.0
IDLE_S = 5.0
"""A connection on which nothing was published for so long is closed: thousands of publishers need no place then."""
Context = Callable[[], ssl.SSLContext]


@dataclass(frozen=True)
class LogTo:
    """Where it is published: the ``name`` of the pair, and each member at each of its addresses; those in ``secured``
    are dialled over TLS."""

    name: str
    targets: tuple[Target, ...]
    secured: frozenset[Target]


def log_to(said: Mapping[str, Any]) -> LogTo | None:
    """What control said (server_messages.Configuration), None for nowhere."""
    try:
        login = str(said["login"])
        found = {Target(str(each["name"]), str(address), int(each["port"]), login, str(each["passcode"])):
                 each.get("secured") is True for each in said["members"] for address in each["addresses"]}
        secured = frozenset(target for target, is_secured in found.items() if is_secured)
        return LogTo(str(said["name"]), tuple(found), secured) if found else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


class Publisher:
    """``signed`` gives a record the application, type and host that this program has now; ``say`` is told, in a
    sentence that is published nowhere, when the pair takes no records, and when it takes them again. ``context``
    verifies a secured port, and may raise TlsError: asked for each connection, as files of it are renewed in place."""

    def __init__(self, queue: LogQueue, signed: Callable[[LogRecord], LogRecord], say: Callable[[str], None],
                 context: Context):
        self._queue, self._signed, self._say, self._context = queue, signed, say, context
        self._to: LogTo | None = None
        self._served: Target | None = None
        self._news = asyncio.Event()
        self._waits: LogTo | None = None

    @property
    def publishes(self) -> bool:
        """Whether there is a pair that takes records."""
        return self._to is not None

    def direct(self, to: LogTo | None) -> None:
        """Publish there from now on; None: what waits stays where it is."""
        if to != self._to:
            self._to, self._served = to, None
            self._news.set()

    def put(self, record: LogRecord) -> str:
        """Have ``record`` published; the ``dedup-id`` that it has, however often it is sent."""
        once = self._queue.put(record)
        self._news.set()
        return once

    async def run(self) -> None:
        """Until it is cancelled."""
        waits = pauses()
        while True:
            while self._to is None or not self._queue:
                await self._wait_for_news()
            if await self._publish(self._to):
                waits = pauses()
            else:
                await asyncio.sleep(next(waits))

    async def _wait_for_news(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def _publish(self, to: LogTo) -> bool:
        """To the first member that takes something; whether any did."""
        troubles = []
        for target in sorted(to.targets, key=lambda each: each != self._served):
            try:
                await self._publish_at(to, target)
                return True
            except (*UNREADABLE, TimeoutError, TlsError) as error:
                if self._served is target:
                    # It took some, and does no more: the other member may.
                    self._served = None
                    return True
                troubles.append(f"{target.name} at {target.host}:{target.port}: {_why(error)}")
        if self._waits is not to:
            self._waits = to
            self._say(f"{to.name} takes no log records, so they wait: {'; '.join(troubles)}.")
        return False

    async def _publish_at(self, to: LogTo, target: Target) -> None:
        """Until nothing more comes. Raises UNREADABLE, TimeoutError, TlsError."""
        context = self._context() if target in to.secured else None
        reader, writer = await dialled(replace(target, context=context))
        try:
            await entered(target, reader, writer)
            while to is self._to:
                if not self._queue:
                    try:
                        async with asyncio.timeout(IDLE_S):
                            await self._wait_for_news()
                    except TimeoutError:
                        return
                    continue
                self._tell_dropped(to)
                batch = self._queue.first(AT_ONCE)
                await self._send(reader, writer, batch)
                self._queue.taken(batch)
                self._taken_by(target)
        finally:
            writer.transport.abort()

    def _taken_by(self, target: Target) -> None:
        self._served = target
        if self._waits:
            self._waits = None
            self._say(f"{target.name} takes log records.")

    def _tell_dropped(self, to: LogTo) -> None:
        if self._queue.dropped:
            self._queue.tell_dropped(LogRecord(
                written(Own.RECORDS_DROPPED), STANDARD, "", f"{self._queue.dropped} log records were dropped: more "
                f"than {self._queue.most} waited while {to.name} took none."))

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, batch: Sequence[Queued]) -> None:
        """All of ``batch`` are acknowledged on return: what is sent on one connection is stored in that order, and the
        last receipt stands for all. Raises UNREADABLE, TimeoutError."""
        for place, each in enumerate(batch, 1):
            record = self._signed(each.record)
            asked = {"receipt": each.once} if place == len(batch) else {}
            write(writer, "SEND", {**record.headers(), "destination": record.destination(), **asked,
                                   "dedup-id": each.once, "content-length": str(len(record.text.encode()))},
                  record.text)
        async with asyncio.timeout(ANSWER_S):
            # One that is frozen, or behind a network that swallows everything, does not even read.
            await writer.drain()
            command = ""
            while command != "RECEIPT":
                command, headers, _ = await frame(reader)
                if command == "ERROR":
                    raise Dropped(headers.get("message", ""))


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"it did not acknowledge them within {ANSWER_S:g} s"
    if isinstance(error, TlsError):
        return f"it cannot be verified by {error}"
    if isinstance(error, Dropped) and str(error):
        return str(error).rstrip(".")
    return f"the connection broke ({type(error).__name__})"
