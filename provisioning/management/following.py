"""What a command that waits says meanwhile: what it waits for, each change of that, and when waiting is of no use."""

import time
from collections.abc import Callable

from django.core.management.base import OutputWrapper

from provisioning.jobs.rules.awaited import Awaited, Why
from provisioning.jobs.selectors.waiting import Standstill

LOOK_WHY_S = 1.0


class Following:
    """Of one piece of work. ``found``: what it waits for, as it was looked at last."""

    def __init__(self, out: OutputWrapper, clock: Callable[[], float] = time.monotonic):
        self._out, self._clock, self._standstill = out, clock, Standstill(clock)
        self._told: tuple[str, Why | None] | None = None
        self._look_at, self._state = float("-inf"), ""
        self._lasts = False
        self.found: Awaited | None = None

    def say(self, text: str) -> None:
        """At once, also to who reads it through a pipe."""
        self._out.write(text)
        self._out.flush()

    def begin(self, what: str, within_s: float) -> None:
        """Say at once what is waited for, and for how long at most."""
        self.say(f"{what}. Waiting for its end, {within_s:g} s at most.")

    def look(self, state: str, why: Callable[[], Awaited | None]) -> bool:
        """Say what has changed. ``why`` is asked once in LOOK_WHY_S, and when ``state``, in words, is another one. True
        when nothing has moved for so long that waiting is of no use."""
        if state != self._state or self._clock() >= self._look_at:
            self._state, self._look_at, self.found = state, self._clock() + LOOK_WHY_S, why()
            self._lasts = self._standstill.lasts(self.found)
            self._tell(state)
        return self._lasts

    def _tell(self, state: str) -> None:
        told = state, self.found.why if self.found else None
        if self.found is not None and told != self._told:
            self.say(f"{state}: {self.found.text}")
        self._told = told
