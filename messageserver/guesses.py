"""How many wrong passcodes may come from one address before none of it is looked at for a while. Pure."""

from collections import OrderedDict

from protocol.places import place_of

BURST, A_SECOND = 50, 10.0
"""So many wrong ones at once, so many more with each second that passes: some clients of a machine that were given a
wrong passcode, and try it every second, must not keep the others there from being let in."""
ADDRESSES_MAX = 10_000


class Guesses:
    """Only wrong passcodes count, so a thousand clients that come back at once are let in."""

    def __init__(self):
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, address: str, now: float) -> bool:
        """Whether the next passcode from ``address`` is looked at (monotonic ``now``, in seconds)."""
        return self._of(address, now) >= 1.0

    def wrong(self, address: str, now: float) -> None:
        """One came that was wrong."""
        place = place_of(address)
        self._left[place] = (self._of(address, now) - 1.0, now)
        self._left.move_to_end(place)
        if len(self._left) > ADDRESSES_MAX:
            self._left.popitem(last=False)

    def _of(self, address: str, now: float) -> float:
        left, at = self._left.get(place_of(address), (float(BURST), now))
        return min(float(BURST), left + (now - at) * A_SECOND)
