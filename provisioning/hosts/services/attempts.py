"""Guesses at tokens are bounded."""

import collections
import threading
import time

from protocol.places import place_of
from provisioning.errors import PairwiseError

MAKE_NEW = "Make a new line on the host's page in the console and paste that one."


class TooMany(PairwiseError):
    """So many wrong tokens came from this address that nothing more is looked at for a while."""


class Attempts:
    """Counts refused tokens by address (``place_of``), so that guessing costs the guesser."""

    LIMIT, WITHIN_S, ADDRESSES = 10, 60.0, 1000

    def __init__(self):
        self._lock = threading.Lock()
        self._by_address: collections.OrderedDict[str, collections.deque[float]] = collections.OrderedDict()

    def refuse(self, address: str, now: float | None = None) -> None:
        """Note one more. Raises TooMany when there were LIMIT within WITHIN_S already."""
        now, place = time.monotonic() if now is None else now, place_of(address)
        with self._lock:
            times = self._by_address.setdefault(place, collections.deque(maxlen=self.LIMIT))
            self._by_address.move_to_end(place)
            if len(self._by_address) > self.ADDRESSES:
                self._by_address.popitem(last=False)
            if len(times) == self.LIMIT and now - times[0] < self.WITHIN_S:
                raise TooMany("Too many wrong tokens came from this address. Wait a minute. " + MAKE_NEW)
            times.append(now)
