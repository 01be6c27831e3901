"""How much is sent at once, from where on, and when it is tried again. Pure."""

from dataclasses import dataclass, replace

MOST, GROWS_AFTER = 200, 16
AGAIN = 20
"""So many of those that were taken are sent once more to a receiver that was away: it may have had them in its memory
alone."""
WAITS_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""After the first failure in a row, the second …; after the last of these always that long."""


@dataclass(frozen=True)
class Pace:
    """What follows the entry with the number ``position`` is sent next, ``size`` of them at once. ``good`` went well in
    a row at this size, ``tries`` have failed in a row. ``repeated``: where it stood when it last went back."""

    position: int
    size: int = MOST
    good: int = 0
    tries: int = 0
    repeated: int = -AGAIN

    def taken(self, last: int) -> "Pace":
        """All up to the number ``last`` were."""
        good = self.good + 1
        grows = good >= GROWS_AFTER and self.size < MOST
        return replace(self, position=last, size=min(MOST, self.size * 2) if grows else self.size,
                       good=0 if grows else good, tries=0)

    def failed(self, *, reached: bool) -> "Pace":
        """A receiver that is there and does not take many may take one: it ends each connection after a message, or one
        of them is what it does not take. One that was away gets the last ones again, once for so many."""
        found = replace(self, good=0, tries=self.tries + 1)
        if reached:
            return replace(found, size=1)
        if self.position < self.repeated + AGAIN:
            return found
        return replace(found, position=max(0, self.position - AGAIN), repeated=self.position)

    def wait_s(self, sent: int, *, reached: bool) -> float:
        """Before the next attempt, after one with ``sent`` entries that failed as this says."""
        return 0.0 if reached and sent > 1 else WAITS_S[min(self.tries, len(WAITS_S)) - 1]
