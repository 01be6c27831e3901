"""One connection to one member: records are read, kept in groups, and acknowledged once they are kept."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence, Set

from protocol.beats import next_beat
from protocol.log_records import PREFIX, TEXT_BYTES
from protocol.stomp_client import Dropped, Frame, Target, dialled, entered, frame, write
from protocol.tasks import until_one_ends
from provisioning.logs.rules.messages import First, Opening, Position, Row, first, opening, removed, row_of

AT_ONCE, WAITING_MOST = 2000, 8000
"""Records of one transaction; and so many may wait for the next ones before no more are read."""
HEADERS_MAX = 2 * 1024 * 1024
"""Twice what a server can be made to take (``messageserver/options.py``, ``max-header-bytes``): whatever it stored is
read, or it would be met again with every connection."""
BEAT_MS, SILENT_S, LOOK_S = 2000, 12.0, 2.0
SUBSCRIPTION = "log"

Keep = Callable[[Sequence[Row], Position, int], Awaitable[None]]
"""Writes rows, up to where, and how many of them are no log records."""


Waiting = tuple[Row | None, bool, str]
"""What came: its row, None when that is kept already; whether it is a log record; how it is acknowledged."""


class AnotherLog(Exception):
    """What was read before is not in the log of this server."""


class Following:
    """``run`` raises Dropped when the member does not serve us, AnotherLog, what ``keep`` raises and UNREADABLE.
    ``names`` as of ``row_of``. ``is_in``: it let us in. ``removed``: messages that it removed before they were read."""

    def __init__(self, target: Target, position: Position, keep: Keep,
                 names: Callable[[], Set[str]] = frozenset[str]):
        self._names = names
        self.is_in, self.removed = False, 0
        self._target, self._position, self._keep = target, position, keep
        self._waiting: list[Waiting] = []
        self._something, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._heard_at = time.monotonic()

    async def run(self) -> None:
        self._reader, self._writer = await dialled(self._target, limit=HEADERS_MAX)
        try:
            headers = await entered(self._target, self._reader, self._writer, f"0,{BEAT_MS}")
            self._first_seq = int(headers["first-seq"])
            opened = opening(self._position, int(headers["last-seq"]))
            write(self._writer, "SUBSCRIBE", {"id": SUBSCRIPTION, "destination": f"{PREFIX}*", "ack": "client",
                                              "from-seq": str(opened.from_seq)})
            self.is_in, self._heard_at = True, time.monotonic()
            self.removed = removed(self._position, self._first_seq)
            await until_one_ends(self._take(opened), self._pass_on(), self._watch())
        finally:
            self._writer.transport.abort()

    async def _take(self, opened: Opening) -> None:
        is_first = True
        while True:
            found = await frame(self._reader, TEXT_BYTES + 1, cut=True)
            self._heard_at = time.monotonic()
            if (message := self._message(found)) is None:
                continue
            row, is_readable = row_of(message["destination"], message, found[2], self._names())
            what = first(opened, Position(row.epoch, row.seq), self._first_seq) if is_first else First.NEW
            is_first = False
            if what is First.ANOTHER_LOG:
                raise AnotherLog
            self._waiting.append((row if what is First.NEW else None, is_readable, message["ack"]))
            self._something.set()
            if len(self._waiting) >= WAITING_MOST:
                self._room.clear()
                await self._room.wait()

    def _message(self, found: Frame) -> dict[str, str] | None:
        """The headers of a MESSAGE, None for what else comes."""
        command, headers, _ = found
        if command == "ERROR":
            raise Dropped(headers.get("message", ""))
        return headers if command == "MESSAGE" else None

    async def _pass_on(self) -> None:
        while True:
            await self._something.wait()
            some = self._waiting[:AT_ONCE]
            del self._waiting[:AT_ONCE]
            if not self._waiting:
                self._something.clear()
            self._room.set()
            if rows := [row for row, _, _ in some if row is not None]:
                await self._keep(rows, Position(rows[-1].epoch, rows[-1].seq),
                                 sum(not is_readable for row, is_readable, _ in some if row is not None))
            # In the mode "client" it stands for all before it, too.
            write(self._writer, "ACK", {"id": some[-1][2]})
            await self._writer.drain()

    async def _watch(self) -> None:
        """Of a member that is frozen, or behind a network that swallows everything, nothing is heard."""
        while True:
            await next_beat(LOOK_S)
            if not self._room.is_set():
                self._heard_at = time.monotonic()
            elif time.monotonic() - self._heard_at > SILENT_S:
                raise Dropped(f"it was silent for {SILENT_S:g} s")
