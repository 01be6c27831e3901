"""Connections that wait until control has time for their opening."""

import contextlib
import socket
from collections import OrderedDict, deque

from protocol.lines import encode
from protocol.opening_messages import Heartbeat
from protocol.places import place_of

BEAT = encode(Heartbeat())


class Openings:
    """Each address (``place_of``) gets a turn before any gets another one: whoever dials often waits behind himself.

    ``beats``: those that wait may be shown a sign of life.
    """

    def __init__(self, *, beats: bool):
        self._beats, self._count = beats, 0
        self._of: OrderedDict[str, deque[socket.socket]] = OrderedDict()

    def __len__(self) -> int:
        return self._count

    def add(self, address: str, connection: socket.socket) -> None:
        self._of.setdefault(place_of(address), deque()).append(connection)
        self._count += 1

    def next(self, address: str | None = None) -> socket.socket | None:
        """The one whose turn it is, of those from ``address`` if one is given, None when nobody waits. Those that have
        gone away meanwhile are passed over."""
        place = None if address is None else place_of(address)
        while self._of if place is None else place in self._of:
            address = next(iter(self._of)) if place is None else place
            own = self._of[address]
            connection = own.popleft()
            self._count -= 1
            if own:
                self._of.move_to_end(address)
            else:
                del self._of[address]
            if not _has_gone(connection):
                return connection
            connection.close()
        return None

    def give_way(self) -> str:
        """Close the one that has waited longest of the address that has most; that address (``place_of``)."""
        address, own = max(self._of.items(), key=lambda each: len(each[1]))
        own.popleft().close()
        self._count -= 1
        if not own:
            del self._of[address]
        return address

    def beat(self) -> None:
        """Show all of them a sign of life."""
        if not self._beats:
            return
        for own in self._of.values():
            for connection in own:
                # Whoever is gone, or reads nothing, is found out at its turn.
                with contextlib.suppress(OSError):
                    connection.send(BEAT)

    def close(self) -> None:
        for own in self._of.values():
            for connection in own:
                connection.close()
        self._of.clear()
        self._count = 0


def _has_gone(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
