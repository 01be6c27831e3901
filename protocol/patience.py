"""A clock for removing what is old: one that was set wrongly for a while removes nothing. Pure."""

import math

HELD_S = 6 * 3600.0
"""Somebody has so long to correct a clock that jumped ahead."""


class PatientClock:
    """Tells the time only once the machine's clock has held to it for HELD_S of time that has really passed, and goes
    back with it at once. So ages come out smaller, never greater, and what is old is removed that much later."""

    def __init__(self) -> None:
        self._told, self._held, self._since = 0.0, math.inf, 0.0

    def now(self, wall: float, real: float) -> float:
        """Unix time, 0 at first: nothing is old yet. ``wall`` is what the clock shows, ``real`` what nobody can set
        (``time.monotonic()``). To be asked now and then: what the clock showed in between is not known."""
        if wall < self._held:
            self._told, self._held, self._since = min(self._told, wall), wall, real
        elif real - self._since >= HELD_S:
            self._told, self._held, self._since = self._held, wall, real
        return self._told
