"""How many wrong passcodes for a login may come from one address before none of them is looked at for a while. Pure."""

from collections import OrderedDict

from protocol.places import place_of

BURST, A_SECOND = 50, 10.0
"""So many wrong ones at once, so many more with each second that passes: some clients of a machine that were given a
wrong passcode, and try it every second, must not keep the others there from being let in."""
SHARES = 64
"""Logins of one address are told apart by so many shares, whether they are known or not: made-up ones neither fill the
memory nor say which there are, and who has another login is seldom in the same share."""
KEPT_MAX = 10_000


class Guesses:
    """Only wrong passcodes count, so a thousand clients that come back at once are let in."""

    def __init__(self) -> None:
        self._left: OrderedDict[tuple[str, int], tuple[float, float]] = OrderedDict()

    def allows(self, address: str, login: str, now: float) -> bool:
        """Whether the next passcode for ``login`` from ``address`` is looked at (monotonic ``now``, in seconds)."""
        return self._of(_share(address, login), now) >= 1.0

    def wrong(self, address: str, login: str, now: float) -> None:
        """One came that was wrong."""
        share = _share(address, login)
        self._left[share] = (self._of(share, now) - 1.0, now)
        self._left.move_to_end(share)
        if len(self._left) > KEPT_MAX:
            self._left.popitem(last=False)

    def _of(self, share: tuple[str, int], now: float) -> float:
        left, at = self._left.get(share, (float(BURST), now))
        return min(float(BURST), left + (now - at) * A_SECOND)


def _share(address: str, login: str) -> tuple[str, int]:
    # Python's own hash of a text differs from process to process, so nobody chooses a login for its share.
    return place_of(address), hash(login) % SHARES
