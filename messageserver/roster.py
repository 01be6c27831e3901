"""Who is connected: strangers that have not logged in, clients that have, the reader and the publishers of the
centralized log, and those that only read their last frame.

Each of the four has a bound of its own, so that whoever only opens sockets takes no client's place, thousands of
publishers neither, and clients keep no record out.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from protocol.strangers import Strangers

from .dialects import Dialect


class Guest(Protocol):
    """What the broker and its parts need of a connection; ``connection.Connection`` says what each of it does.
    ``address`` is where it comes from, ``dialect`` what it speaks, ``is_of_log`` whether its login is one of the log's;
    ``drop`` ends it at once, with a reason for the log; ``fail`` with an ERROR that says ``sentence``, ``close``
    without one; ``end_once_settled`` when what it sent is answered, ``cut_for`` at the wish of somebody;
    ``once_settled`` runs something when all that it sent is answered."""

    address: str
    login: str
    name: str
    is_of_log: bool
    connected: bool
    dialect: Dialect
    submitted: int
    awaited: int
    writable: asyncio.Event

    @property
    def owes(self) -> bool: ...
    @property
    def unread(self) -> int: ...
    def told(self) -> dict[str, Any]: ...
    def cut_for(self, whom: str) -> None: ...
    def drop(self, why: str) -> None: ...
    def fail(self, sentence: str) -> None: ...
    def close(self) -> None: ...
    def once_settled(self, action: Callable[[], None]) -> None: ...
    def end_once_settled(self, action: Callable[[], None]) -> None: ...
    def settle(self, count: int) -> None: ...
    def hold(self, on: bool) -> None: ...
    def tick(self, now: float) -> None: ...
    def queue(self, *parts: bytes) -> None: ...
    def flush(self) -> None: ...


class Roster:
    """``limit`` is option limits/max-connections. Whoever logs a guest in refuses it where this ``is_full``. Of
    strangers one gives way to a newcomer as ``Strangers`` says, of connections that are about to end the oldest."""

    def __init__(self, limit: Callable[[], int]):
        self._limit = limit
        self._strangers: Strangers[Guest] = Strangers(limit)
        self._clients: dict[Guest, None] = {}
        self._of_log: dict[Guest, None] = {}
        self._leaving: dict[Guest, None] = {}

    def __iter__(self) -> Iterator[Guest]:
        """All connections, as they are now: they may come and go meanwhile."""
        return iter((*self._strangers, *self._clients, *self._of_log, *self._leaving))

    @property
    def clients(self) -> int:
        """How many have logged in, without those of the log."""
        return len(self._clients)

    def is_full(self, guest: Guest) -> bool:
        """True when no more of its kind may log in."""
        return len(self._places(guest)) >= self._limit()

    def _places(self, guest: Guest) -> dict[Guest, None]:
        return self._of_log if guest.is_of_log else self._clients

    def came(self, guest: Guest) -> None:
        gives_way = self._strangers.came(guest, guest.address)
        if gives_way is not None:
            gives_way.drop("it has not sent CONNECT, and newer connections wait for its place")

    def logged_in(self, guest: Guest) -> None:
        self._strangers.gone(guest)
        self._places(guest)[guest] = None

    def leaves(self, guest: Guest) -> None:
        """``guest`` got its last frame and is kept so that it can be read."""
        self._strangers.gone(guest)
        self._places(guest).pop(guest, None)
        self._leaving[guest] = None
        if len(self._leaving) > self._limit():
            oldest = next(iter(self._leaving))
            del self._leaving[oldest]
            oldest.drop("it has not read its last frame, and others wait for its place")

    def gone(self, guest: Guest) -> None:
        self._strangers.gone(guest)
        self._places(guest).pop(guest, None)
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
