"""Places at a listener for those who have not shown yet who they are. Pure but for the times that it is given."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from .places import place_of

Guest = TypeVar("Guest")


class Strangers(Generic[Guest]):
    """While there are ``places`` nobody is bounded. When all are taken, the oldest stranger of the address
    (``place_of``) that holds most of them gives way to a newcomer, and one that has got further (its first word came)
    only when no other is left there: so whoever takes many places takes them from himself."""

    def __init__(self, places: Callable[[], int]):
        self._places = places
        self._of: dict[str, dict[Guest, float]] = {}
        self._further: set[Guest] = set()
        self._address: dict[Guest, str] = {}

    def __len__(self) -> int:
        return len(self._address)

    def __contains__(self, guest: Guest) -> bool:
        return guest in self._address

    def __iter__(self) -> Iterator[Guest]:
        return iter(tuple(self._address))

    def came(self, guest: Guest, address: str, now: float = 0.0) -> Guest | None:
        """``guest`` takes a place; the one who gives way for it, None for nobody. Whoever gives way has no place any
        more; the caller ends its connection."""
        gives_way = self.oldest() if len(self) >= self._places() else None
        if gives_way is not None:
            self.gone(gives_way)
        address = place_of(address)
        self._of.setdefault(address, {})[guest] = now
        self._address[guest] = address
        return gives_way

    def got_further(self, guest: Guest) -> None:
        """It goes on as one expects of an honest one."""
        if guest in self._address:
            self._further.add(guest)

    def oldest(self, *, before: float = float("inf"), further: bool = True) -> Guest | None:
        """Who is to give way next: of those that came before then and, without ``further``, have not got further; None
        for nobody."""
        for own in sorted(self._of.values(), key=len, reverse=True):
            waiting = [guest for guest in own if guest not in self._further]
            for guest in (*waiting, *own) if further else waiting:
                if own[guest] < before:
                    return guest
        return None

    def gives_way_to(self, address: str) -> Guest | None:
        """Who is to give way at once to one who comes from ``address``: one of the address that holds most, where that
        holds more even then. None where places are as even as they can be."""
        most = max(map(len, self._of.values()), default=0)
        return self.oldest() if most > len(self._of.get(place_of(address), ())) + 1 else None

    def gone(self, guest: Guest) -> None:
        """It has shown who it is, or has left."""
        address = self._address.pop(guest, None)
        self._further.discard(guest)
        if address is not None:
            del self._of[address][guest]
            if not self._of[address]:
                del self._of[address]
