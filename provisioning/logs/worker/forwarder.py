"""Publishes what the console knows to the pair that is chosen: events of the timeline, and History as category audit.
What a server publishes by itself has its ``dedup-id``, so that one of the two counts, whichever comes first.

What waits lies in the Configuration Database, so nothing is lost while nobody serves. What is sent once more, as nobody
could tell whether it was taken, counts once at the pair (``dedup-id``). The time is part of what tells it apart: an
older Configuration Database that was put back gives its numbers away again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from django.db import DatabaseError

from protocol import log_logins
from protocol.beats import next_beat
from protocol.pauses import pauses
from protocol.stomp_client import UNREADABLE, Dropped, Target, dialled, entered, frame, write
from provisioning.errors import PairwiseError

from .source import Source, source
from .unsent import Settled, Unsent, sent

log = logging.getLogger(__name__)
LOOK_S, ANSWER_S = 1.0, 10.0


class Forwarder:
    """``in_thread(work, *args)`` carries out what asks a database."""

    def __init__(self, in_thread: Callable[..., Awaitable[Any]]):
        self._in_thread, self._settled = in_thread, Settled()

    async def run(self) -> None:
        waits = pauses()
        while True:
            try:
                pause_s = LOOK_S
                if await self._step():
                    waits = pauses()
            except (*UNREADABLE, TimeoutError, PairwiseError, DatabaseError) as error:
                pause_s = max(LOOK_S, next(waits))
                log.info("What the console tells was not published: %s", error)
            await next_beat(pause_s)

    async def _step(self) -> bool:
        """Publish what waits; whether anything did."""
        pair, waiting = await self._in_thread(self._waiting)
        if pair is None or not waiting:
            return False
        await _to_one_of(pair.targets, waiting)
        for found in waiting:
            await self._in_thread(sent, found.kind, found.records[-1][0])
        return True


    def _waiting(self) -> tuple[Source | None, list[Unsent]]:
        """Where to, and what; without a pair nobody takes it."""
        pair = source(log_logins.CONSOLE)
        if pair is None:
            self._settled.pass_by()
            return None, []
        return pair, self._settled.unsent()


async def _to_one_of(targets: tuple[Target, ...], waiting: list[Unsent]) -> None:
    """To the first that takes it; raises what the last one said."""
    for place, target in enumerate(targets, 1):
        try:
            async with asyncio.timeout(ANSWER_S):
                await _publish(target, waiting)
            return
        except (*UNREADABLE, TimeoutError):
            if place == len(targets):
                raise


async def _publish(target: Target, waiting: list[Unsent]) -> None:
    reader, writer = await dialled(target)
    try:
        await entered(target, reader, writer)
        for found in waiting:
            last = found.records[-1][0]
            for number, record, once in found.records:
                # What is sent on one connection is stored in that order: the last receipt stands for all.
                asked = {"receipt": str(number)} if number == last else {}
                write(writer, "SEND", {**record.headers(), "destination": record.destination(), **asked,
                                       "dedup-id": once or f"{log_logins.DEDUP}{found.kind}-{number}-{record.at_ms}",
                                       "content-length": str(len(record.text.encode()))}, record.text)
            await writer.drain()
            command, headers, _ = await frame(reader)
            while command != "RECEIPT":
                if command == "ERROR":
                    raise Dropped(headers.get("message", ""))
                command, headers, _ = await frame(reader)
    finally:
        writer.transport.abort()
