"""How much is read from clients: no more than the event loop can take in one turn, and the disk can follow."""

import asyncio
from collections.abc import Callable

from .roster import Guest

HIGH_WATER_BYTES = 8 * 1024 * 1024
"""With so much waiting for the disk, clients are no longer read from."""
TURN_FRAMES = 5000
"""Frames taken in one turn of the event loop; more would hold up the heart-beats."""


class Intake:
    """Asked before each read. ``waiting`` tells how many bytes wait for the disk."""

    def __init__(self, loop: asyncio.AbstractEventLoop, waiting: Callable[[], int]):
        self._loop, self._waiting = loop, waiting
        self._frames = 0
        self._postponed: dict[Guest, None] = {}

    @property
    def busy(self) -> bool:
        """True while enough was read: the loop must turn, or the disk must catch up."""
        return self._frames > TURN_FRAMES or self._waiting() > HIGH_WATER_BYTES

    def count(self, frames: int) -> None:
        """So many frames were taken in this turn of the event loop."""
        if not self._frames:
            self._loop.call_soon(self._next_turn)
        self._frames += frames + 1

    def _next_turn(self) -> None:
        self._frames = 0
        self.release()

    def postpone(self, connection: Guest) -> None:
        """Stop reading from ``connection`` until there is time for it again; first come, first served."""
        self._postponed[connection] = None
        connection.hold(True)

    def release(self) -> None:
        """Go on with those that wait, as far as there is time."""
        while self._postponed and not self.busy:
            connection = next(iter(self._postponed))
            del self._postponed[connection]
            connection.hold(False)
