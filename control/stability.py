"""When control must not believe its own clock or a quiet moment: it was held up, or a pair changes too often."""

import time

from protocol.beats import next_beat

LOOK_S = 0.25
HELD_UP_S = 1.0
"""A look that comes so much too late shows that this process was frozen or starved: it heard nobody meanwhile."""
OBSERVE_S = 4.0
"""After that, silence of others proves nothing for so long."""


class Pauses:
    """``run`` notices when this process itself was held up; ``recent`` is true for a while after that."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def recent(self) -> bool:
        return time.monotonic() < self._until

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            before = time.monotonic()
            await next_beat(LOOK_S)
            self.looked(before, time.monotonic())

    def looked(self, before: float, now: float) -> None:
        """A look that was due LOOK_S after ``before`` came at ``now`` (monotonic)."""
        if now - before > LOOK_S + HELD_UP_S:
            self._until = now + OBSERVE_S


class Flaps:
    """Counts changes of the active server within ``window_s`` seconds, a pair."""

    def __init__(self, window_s: float):
        self._window_s = window_s
        self._changes: dict[int, list[float]] = {}
        self._flapping: set[int] = set()

    def changed(self, pair_id: int, now: float) -> int:
        """A change at ``now``; how many there were in the window when that is news, else 0."""
        recent = [at for at in self._changes.get(pair_id, []) if now - at <= self._window_s]
        self._changes[pair_id] = [*recent, now]
        if len(recent) + 1 < 2 or pair_id in self._flapping:
            return 0
        self._flapping.add(pair_id)
        return len(recent) + 1

    def is_stable_again(self, pair_id: int, now: float) -> bool | None:
        """True once, when a pair that flapped has not changed for the window; None while it still flaps."""
        if pair_id not in self._flapping:
            return False
        if now - self._changes[pair_id][-1] < self._window_s:
            return None
        self._flapping.discard(pair_id)
        return True
