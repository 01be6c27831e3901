"""What is said of strangers that a listener refused: support has to find it, and nobody may fill a log with it."""

import time
from collections.abc import Callable

EVERY_S = 60.0


class Throttle:
    """Hands a sentence on to ``say`` at most once every EVERY_S; it then says how many were left out before it."""

    def __init__(self, say: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic):
        self._say, self._clock = say, clock
        self._next_at, self._left_out = float("-inf"), 0

    def __call__(self, text: str) -> bool:
        """True when it was said."""
        now = self._clock()
        if now < self._next_at:
            self._left_out += 1
            return False
        more = f" ({self._left_out} more since the last such line.)" if self._left_out else ""
        self._next_at, self._left_out = now + EVERY_S, 0
        self._say(text + more)
        return True
