"""The client itself, of one event loop: it keeps connected to whoever serves, and sends and subscribes again."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from .errors import NotConnected, Refused, Timeout
from .feed import ACK_LOST, Feed, Wanted
from .frames import Frame, encode
from .line import Line
from .members import Access, who_serves
from .messages import Held, Outgoing, Receipt, as_bytes, received, send_headers
from .outbox import Outbox, Unit
from .waiting import within

GOODBYE_S = 5.0
"""Seconds that the server gets to store the last ACKs."""
Answer = TypeVar("Answer")


class Core:
    """``timeout``: seconds after which a call gives up, unless it says another one."""

    def __init__(self, access: Access, timeout: float):
        self._access, self._timeout = access, timeout
        self._tried: dict[str, str] = {}
        self._line: Line | None = None
        self._outbox = Outbox()
        self._feeds: dict[int, Feed] = {}
        self._acks: dict[str, tuple[Feed, int, asyncio.Future[None] | None]] = {}
        self._known = self._issued = self._dedups = 0
        self._name = secrets.token_hex(8)
        self._opened: asyncio.Future[None] | None = None
        self._goodbye: asyncio.Future[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    # --- connected ------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Until a member serves. Raises Refused, Timeout."""
        if self._keeper is not None:
            raise RuntimeError("A client is opened once: make another one.")
        self._opened = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.ensure_future(self._keep())
        try:
            await self._within(self._opened, None, "No member let the client in")
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Have the last ACKs stored, and end. What is not answered yet raises NotConnected."""
        line, self._line = self._line, None
        if line is not None and not line.lost.done():
            self._goodbye = asyncio.get_running_loop().create_future()
            line.write(encode("DISCONNECT", {"receipt": "bye"}))
            line.lost.add_done_callback(lambda _: self._said_goodbye())
            await asyncio.wait([self._goodbye], timeout=GOODBYE_S)
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if line is not None:
            line.end("the client was closed")
        closed = NotConnected("The client is closed.")
        self._outbox.close(closed)
        for feed in self._feeds.values():
            feed.fail(closed)
        self._drop_acks(closed)

    async def _keep(self) -> None:
        try:
            while True:
                line = await who_serves(self._access, self._take, self._tried, self._refuse_opening)
                self._begin(line)
                self._tried[line.name] = await asyncio.shield(line.lost)
                self._line = None
                lost = NotConnected("The connection was lost before the answer came.", self._tried)
                self._drop_acks(NotConnected(ACK_LOST))
                self._outbox.lost(line, lost)
        except Exception as error:  # a fault of this package is told to who waits, not kept until the end
            self._outbox.close(error)
            for feed in self._feeds.values():
                feed.fail(error)
            if self._opened is not None and not self._opened.done():
                self._opened.set_exception(error)
            raise

    def _begin(self, line: Line) -> None:
        self._tried.clear()
        self._line, self._known = line, max(self._known, line.last_seq)
        self._outbox.send_again(line)
        for feed in self._feeds.values():
            feed.begin(line, self._known)
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(None)

    def _refuse_opening(self, sentence: str) -> None:
        """Later on the logins may be correct again, and what waits has its timeout."""
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(Refused(sentence))

    async def _within(self, answer: asyncio.Future[Answer], timeout: float | None, what: str,
                      dedup_id: str = "") -> Answer:
        """Raises Timeout, and what ``answer`` raises."""
        seconds = self._timeout if timeout is None else timeout
        if answer.done():
            # Without a turn of the loop: receipts come in groups, and what follows them is to travel in groups, too.
            return answer.result()
        try:
            return await within(seconds, asyncio.shield(answer))
        except asyncio.TimeoutError:
            if answer.done() and not answer.cancelled():
                return answer.result()
            raise Timeout(f"{what} within {seconds:g} s.", self._tried, dedup_id) from None

    # --- publishing -----------------------------------------------------------------------------------------------

    def dedup_id(self) -> str:
        """One that no other message has."""
        self._dedups += 1
        return f"{self._name}-{self._dedups}"

    async def publish(self, outgoing: Outgoing, timeout: float | None) -> Receipt:
        return await self.answered(await self.sent(outgoing), timeout)

    async def sent(self, outgoing: Outgoing) -> Unit:
        """On its way, or waiting for a member that serves."""
        await self._outbox.room()
        number, dedup_id = self._outbox.number(), outgoing.dedup_id or self.dedup_id()
        headers = send_headers(outgoing.destination, outgoing.headers, dedup_id)
        headers["receipt"] = str(number)
        body = as_bytes(outgoing.body)
        return self._send(self._outbox.add(number, encode("SEND", headers, body), dedup_id))

    async def answered(self, unit: Unit, timeout: float | None) -> Receipt:
        try:
            return await self._within(unit.answer, timeout, "No member said that the message is stored", unit.dedup_id)
        finally:
            self._outbox.drop(unit.number)

    def forget(self, units: Iterable[Unit]) -> None:
        """Nobody waits for them: they are not sent again."""
        for unit in units:
            self._outbox.drop(unit.number)

    def _send(self, unit: Unit) -> Unit:
        if self._keeper is None or self._keeper.done():
            self._outbox.drop(unit.number)
            raise NotConnected("The client is not open.")
        if self._line is not None:
            self._line.write(unit.data)
        return unit

    async def commit(self, sends: Sequence[Outgoing], acks: Sequence[Held], timeout: float | None) -> None:
        """All or nothing. One with ``acks`` is not sent again: they count on one connection only."""
        await self._outbox.room()
        line = acks[0].line if acks else None
        if any(held.line is not self._line for held in acks):
            raise NotConnected("The connection was lost on which the messages came that the transaction acknowledges: "
                               "they come again.")
        number = self._outbox.number()
        data = b"".join(_transaction(number, [(each, each.dedup_id or self.dedup_id()) for each in sends], acks))
        unit = self._send(self._outbox.add(number, data, "", line))
        try:
            await self._within(unit.answer, timeout, "No member said that the transaction is stored")
        finally:
            self._outbox.drop(unit.number)

    # --- subscribing ----------------------------------------------------------------------------------------------

    async def subscribe(self, wanted: Wanted, timeout: float | None) -> Feed:
        if self._keeper is None or self._keeper.done():
            raise NotConnected("The client is not open.")
        self._issued += 1
        feed = self._feeds[self._issued] = Feed(self._issued, wanted, self._ack_receipt)
        if self._line is not None:
            feed.begin(self._line, self._known)
        try:
            await self._within(feed.ready, timeout, f"No member took the subscription to {wanted.destination}")
        except BaseException:
            self.unsubscribe(feed)
            raise
        return feed

    def unsubscribe(self, feed: Feed) -> None:
        if self._feeds.pop(feed.number, None) is not None:
            feed.close()

    def _ack_receipt(self, feed: Feed, seq: int, waiter: asyncio.Future[None] | None) -> str:
        name = f"a{self._outbox.number()}"
        self._acks[name] = (feed, seq, waiter)
        return name

    def _drop_acks(self, error: Exception) -> None:
        acks, self._acks = self._acks, {}
        for _, _, waiter in acks.values():
            if waiter is not None and not waiter.done():
                waiter.set_exception(error)

    # --- what the server says -------------------------------------------------------------------------------------

    def _take(self, line: Line, frame: Frame) -> None:
        if (take := _TAKEN.get(frame.command)) is not None:
            take(self, line, frame)

    def _message(self, line: Line, frame: Frame) -> None:
        feed = self._feeds.get(int(frame.headers["subscription"]))
        if feed is not None:
            feed.came(line, received(frame))

    def _receipt(self, line: Line, frame: Frame) -> None:
        name, seq = frame.headers["receipt-id"], int(frame.headers.get("seq", "0"))
        self._known = max(self._known, seq)
        if name.isdigit():
            self._outbox.stored(name, seq)
        elif name in self._acks:
            feed, acknowledged, waiter = self._acks.pop(name)
            feed.stored(acknowledged)
            if waiter is not None and not waiter.done():
                waiter.set_result(None)
        elif name.startswith("s"):
            if (subscribed := self._feeds.get(int(name[1:]))) is not None:
                subscribed.granted()
        elif name == "bye":
            self._said_goodbye()

    def _said_goodbye(self) -> None:
        if self._goodbye is not None and not self._goodbye.done():
            self._goodbye.set_result(None)

    def _error(self, line: Line, frame: Frame) -> None:
        name, sentence = frame.headers.get("receipt-id", ""), frame.headers.get("message", "")
        again = frame.headers.get("retry") == "true"
        if not again:
            self._outbox.refused(name, sentence)
        number = name[1:] if name.startswith("s") else ""
        feed = self._feeds.get(int(number)) if number.isdigit() else None
        if feed is not None and not self._tries_again(feed, again):
            del self._feeds[feed.number]
            feed.fail(Refused(sentence))

    def _tries_again(self, feed: Feed, again: bool) -> bool:
        """One that was granted before may be refused for a moment, while the server has not noticed that the former
        connection is gone."""
        now = time.monotonic()
        feed.refused_since = feed.refused_since or now
        return (feed.ready.done() or again) and now - feed.refused_since < self._timeout


_TAKEN: Mapping[str, Callable[[Core, Line, Frame], Any]] = {
    "MESSAGE": Core._message, "RECEIPT": Core._receipt, "ERROR": Core._error}


def _transaction(number: int, sends: Sequence[tuple[Outgoing, str]], acks: Sequence[Held]) -> list[bytes]:
    """Its frames. Each asks for a receipt, so that an ERROR says which transaction it is about."""
    name = {"transaction": f"t{number}"}
    parts = [encode("BEGIN", {**name, "receipt": f"{number}.0"})]
    for at, (each, dedup_id) in enumerate(sends, 1):
        headers = send_headers(each.destination, each.headers, dedup_id)
        parts.append(encode("SEND", {**headers, **name, "receipt": f"{number}.{at}"}, as_bytes(each.body)))
    parts += [encode("ACK", {"id": held.ident, **name, "receipt": f"{number}.ack"}) for held in acks]
    return [*parts, encode("COMMIT", {**name, "receipt": str(number)})]
