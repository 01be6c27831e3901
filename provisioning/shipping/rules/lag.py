"""When it is told that targets are behind. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from protocol.events import Own

BEHIND_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class Lag:
    """Of a target that is enabled. ``told``: an event says so already."""

    name: str
    entries: int
    behind_since: datetime | None
    told: bool = False
    trouble: str = ""

    def is_long(self, now: datetime) -> bool:
        return self.behind_since is not None and self.behind_since <= now - BEHIND_FOR


@dataclass(frozen=True)
class Told:
    """An event to write, number 0 for none; ``behind``: names of the targets of which one tells from now on."""

    number: int
    text: str
    behind: frozenset[str]


def told_of(lags: Sequence[Lag], last: int, now: datetime) -> Told:
    """``last``: which of the two events was told last, 0 for none."""
    behind = [each for each in lags if each.is_long(now)]
    names = frozenset(each.name for each in behind)
    if any(not each.told for each in behind):
        return Told(Own.SHIPPING_BEHIND, f"Entries of History have not been taken for an hour by {_each(behind)}",
                    names)
    if not behind and last == Own.SHIPPING_BEHIND:
        return Told(Own.SHIPPING_CAUGHT_UP, "Each target of audit shipping has got all entries of History.", names)
    return Told(0, "", names)


def _each(behind: Sequence[Lag]) -> str:
    return " ".join(f"{each.name} ({each.entries} wait): {each.trouble or 'They are still on their way.'}"
                    for each in behind)
