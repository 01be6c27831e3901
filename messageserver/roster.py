"""Who is connected: strangers that have not logged in, clients that have, and those that only read their last frame.

Each of the three has a bound of its own, so that whoever only opens sockets takes no client's place.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Protocol

from protocol.strangers import Strangers


class Guest(Protocol):
    """What the broker and its parts need of a connection; ``connection.Connection`` says what each of it does.
    ``address`` is where it comes from; ``drop`` ends it at once, with a reason for the log; ``fail`` with an ERROR that
    says ``sentence``, ``close`` without one; ``end_once_settled`` when what it sent is answered."""

    address: str
    login: str
    connected: bool
    submitted: int
    writable: asyncio.Event

    @property
    def owes(self) -> bool: ...
    def drop(self, why: str) -> None: ...
    def fail(self, sentence: str) -> None: ...
    def close(self) -> None: ...
    def end_once_settled(self, action: Callable[[], None]) -> None: ...
    def settle(self, count: int) -> None: ...
    def hold(self, on: bool) -> None: ...
    def tick(self, now: float) -> None: ...
    def queue(self, *parts: bytes) -> None: ...
    def flush(self) -> None: ...


class Roster:
    """``limit`` is option limits/max-connections. More clients than that are refused by whoever logs them in. Of
    strangers one gives way to a newcomer as ``Strangers`` says, of connections that are about to end the oldest."""

    def __init__(self, limit: Callable[[], int]):
        self._limit = limit
        self._strangers: Strangers[Guest] = Strangers(limit)
        self._clients: dict[Guest, None] = {}
        self._leaving: dict[Guest, None] = {}

    def __iter__(self) -> Iterator[Guest]:
        """All connections, as they are now: they may come and go meanwhile."""
        return iter((*self._strangers, *self._clients, *self._leaving))

    @property
    def clients(self) -> int:
        """How many have logged in."""
        return len(self._clients)

    @property
    def full(self) -> bool:
        """True when no more clients may log in."""
        return len(self._clients) >= self._limit()

    def came(self, guest: Guest) -> None:
        gives_way = self._strangers.came(guest, guest.address)
        if gives_way is not None:
            gives_way.drop("it has not sent CONNECT, and newer connections wait for its place")

    def logged_in(self, guest: Guest) -> None:
        self._strangers.gone(guest)
        self._clients[guest] = None

    def leaves(self, guest: Guest) -> None:
        """``guest`` got its last frame and is kept so that it can be read."""
        self._strangers.gone(guest)
        self._clients.pop(guest, None)
        self._leaving[guest] = None
        if len(self._leaving) > self._limit():
            oldest = next(iter(self._leaving))
            del self._leaving[oldest]
            oldest.drop("it has not read its last frame, and others wait for its place")

    def gone(self, guest: Guest) -> None:
        self._strangers.gone(guest)
        self._clients.pop(guest, None)
        self._leaving.pop(guest, None)

    def suspend(self) -> None:
        """Read nothing more from those that are connected now, but answer what they have sent."""
        for guest in self:
            guest.end_once_settled(guest.close)

    def close(self, sentence: str) -> None:
        """Close every connection: with an ERROR that says ``sentence``, or without one when it is ""."""
        for guest in self:
            if sentence:
                guest.fail(sentence)
            else:
                guest.close()
