"""How many requests one token, or one person in a browser, may make.

In the process and not in Redis: what is kept from being used up are the threads of this process, a request must not
wait for another server to be let in, and programs go on while Redis is away. With several web processes each of them
lets so many in.
"""

import threading
import time
from collections import OrderedDict

RATE, BURST = 250.0, 1_000.0
"""Requests a second in the long run; so many at once after a pause."""
KNOWN_MOST = 10_000


class Limiter:
    """A bucket for each key: ``rate`` a second flow in, at most ``burst`` are in it, a request takes one."""

    def __init__(self, rate: float = RATE, burst: float = BURST):
        self._rate, self._burst, self._lock = rate, burst, threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str, now: float | None = None) -> float:
        """0.0 when the request of ``key`` is let in, else how long it has to wait, s. ``now`` is monotonic."""
        now = time.monotonic() if now is None else now
        with self._lock:
            left, at = self._buckets.get(key, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._rate)
            wait = 0.0 if left >= 1 else (1 - left) / self._rate
            self._buckets[key] = (left if wait else left - 1, now)
            self._buckets.move_to_end(key)
            if len(self._buckets) > KNOWN_MOST:
                self._buckets.popitem(last=False)
            return wait
