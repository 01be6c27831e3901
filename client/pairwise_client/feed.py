"""One subscription: where it stands, what waits to be given out, what it acknowledges."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .errors import Gap, NotConnected
from .frames import encode
from .line import Line
from .messages import Held, Received

SETTLED_MOST = 10_000
"""Acknowledged messages that are remembered until the server has said that it stored that."""
ACK_LOST = ("The connection was lost before the ACK was answered: the message comes again unless that was stored, and "
            "is acknowledged then.")
ACK_MODES = ("client-individual", "client", "auto")


@dataclass(frozen=True)
class Wanted:
    """What is subscribed. ``start``: the header that says where to begin, and its value; None = now. ``keeps``: the
    server keeps how far it has come, of a named position or a queue."""

    destination: str
    start: tuple[str, str] | None
    headers: Mapping[str, str]
    ack: str
    prefetch: int
    keeps: bool

    @property
    def mode(self) -> str:
        """How it acknowledges on the wire. Without a position an ACK only makes room."""
        if not self.keeps:
            return "client"
        return "client" if self.ack == "client" else "client-individual"


class Settled:
    """What was acknowledged and may come again all the same, because a connection was lost before it was stored.

    ``covers``: an ACK counts for everything before it that was given out, too."""

    def __init__(self, covers: bool):
        self._covers = covers
        self._open: deque[int] = deque()
        self._seqs: dict[int, None] = {}

    def begin(self) -> None:
        """On a new connection nothing has been given out yet."""
        self._open.clear()

    def given(self, seq: int) -> None:
        if self._covers:
            self._open.append(seq)

    def add(self, seq: int) -> None:
        covered = {each for each in self._open if each <= seq}
        if covered:
            self._open = deque(each for each in self._open if each > seq)
        self._seqs.update(dict.fromkeys([*sorted(covered), seq]))
        while len(self._seqs) > SETTLED_MOST:
            del self._seqs[next(iter(self._seqs))]

    def stored(self, seq: int) -> None:
        for each in [each for each in self._seqs if each <= seq] if self._covers else [seq]:
            self._seqs.pop(each, None)

    def __contains__(self, seq: int) -> bool:
        return seq in self._seqs


class Feed:
    """``number`` names its receipts: ``acked(seq, feed, waiter)`` gives the receipt's name for an ACK."""

    def __init__(self, number: int, wanted: Wanted,
                 acked: Callable[[Feed, int, asyncio.Future[None] | None], str]):
        self.number, self.wanted, self._acked = number, wanted, acked
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Whoever waited for it may be gone.
        self.ready.add_done_callback(lambda ready: None if ready.cancelled() else ready.exception())
        self.refused_since = 0.0
        self._waiting: deque[Held] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._gap: Gap | None = None
        self._settled = Settled(covers=wanted.mode == "client")
        self._line: Line | None = None
        self._seen = self._known = self._unanswered = 0
        self._last: Held | None = None
        self.closed = False

    # --- the connection -------------------------------------------------------------------------------------------

    def begin(self, line: Line, known: int) -> None:
        """Subscribe on ``line``. ``known``: the newest seq that this client knows of, for one that begins now."""
        start = self._start(line)
        self._known = self._known or known
        self._line = line
        if self.wanted.keeps:
            # The server gives again what was not acknowledged.
            self._waiting.clear()
            self._settled.begin()
        wanted = self.wanted
        headers = {"id": str(self.number), "destination": wanted.destination, "receipt": f"s{self.number}",
                   "ack": wanted.mode, "max-unacknowledged": str(wanted.prefetch), **wanted.headers}
        line.write(encode("SUBSCRIBE", {**headers, **dict([start] if start else [])}))

    def _start(self, line: Line) -> tuple[str, str] | None:
        if self.wanted.keeps:
            return self.wanted.start
        start = self.wanted.start
        if self._seen:
            start = ("from-seq", str(self._seen + 1))
        elif start is None and self.ready.done():
            start = ("from-seq", str(self._known + 1))
        if start is not None and start[0] == "from-seq" and 1 < int(start[1]) < line.first_seq:
            self._gap = Gap(int(start[1]), line.first_seq)
            self._notify()
        return start

    def granted(self) -> None:
        self.refused_since = 0.0
        if not self.ready.done():
            self.ready.set_result(None)

    def fail(self, error: Exception) -> None:
        """It is over."""
        self.closed, self._error = True, error
        if not self.ready.done():
            self.ready.set_exception(error)
        self._notify()

    def close(self) -> None:
        self.closed = True
        self._waiting.clear()
        self._notify()
        if self._line is not None and not self._line.lost.done():
            self._line.write(encode("UNSUBSCRIBE", {"id": str(self.number)}))

    # --- messages -------------------------------------------------------------------------------------------------

    def came(self, line: Line, message: Received) -> None:
        if self.closed or line is not self._line:
            return
        self._seen = max(self._seen, message.seq)
        self._waiting.append(Held(message, line, message.headers.get("ack", "")))
        self._notify()

    async def take(self, most: int) -> list[Held]:
        """The next messages, at least one; [] when the subscription was closed. Raises Gap, Refused, NotConnected."""
        while True:
            if self._gap is not None:
                gap, self._gap = self._gap, None
                raise gap
            if held := self._taken(most):
                return held
            if self._error is not None:
                raise self._error
            if self.closed:
                return []
            if not self.wanted.keeps:
                self._make_room()
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake

    def comes_again(self, held: Held) -> bool:
        """Of a message that was taken and not given out: the server gives it again, in its place."""
        return self.wanted.keeps and held.line.lost.done()

    def _taken(self, most: int) -> list[Held]:
        taken: list[Held] = []
        while self._waiting and len(taken) < most:
            held = self._waiting.popleft()
            if self.wanted.keeps and held.message.seq in self._settled:
                self._answer("ACK", held, None)
            else:
                taken.append(held)
                if self.wanted.keeps:
                    self._settled.given(held.message.seq)
        if taken and not self.wanted.keeps:
            self._last = taken[-1]
            self._unanswered += len(taken)
            if self._unanswered >= self.wanted.prefetch // 2:
                self._make_room()
        return taken

    def _make_room(self) -> None:
        if self._unanswered and self._last is not None and self._last.line is self._line:
            self._last.line.write(encode("ACK", {"id": self._last.ident}))
        self._unanswered = 0

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    # --- acknowledging --------------------------------------------------------------------------------------------

    def ack(self, held: Held, waiter: asyncio.Future[None] | None = None) -> None:
        """``waiter`` is done once it is stored; NotConnected when the connection is lost before."""
        if not self.wanted.keeps:
            if waiter is not None:
                waiter.set_result(None)
            return
        self._settled.add(held.message.seq)
        self._answer("ACK", held, waiter)

    def nack(self, held: Held) -> None:
        if self.wanted.keeps:
            self._answer("NACK", held, None)

    def _answer(self, command: str, held: Held, waiter: asyncio.Future[None] | None) -> None:
        if held.line is not self._line or held.line.lost.done() or self.closed:
            if waiter is not None:
                waiter.set_exception(NotConnected(ACK_LOST))
            return
        headers = {"id": held.ident}
        if command == "ACK":
            headers["receipt"] = self._acked(self, held.message.seq, waiter)
        held.line.write(encode(command, headers))

    def stored(self, seq: int) -> None:
        """The server has stored that ``seq`` is acknowledged."""
        self._settled.stored(seq)
