"""One stream of what was changed and done about a pair, and where somebody reading it stands. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any

CONFIGURATION, JOB, EVENT = "configuration", "job", "event"
KINDS = {EVENT: "Event", JOB: "Job", CONFIGURATION: "Configuration"}
"""{kind: label}. Of several things of one moment the kind that stands last here is the newest."""
RANKS = {kind: rank for rank, kind in enumerate(KINDS)}
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 64


@dataclass(frozen=True, order=True)
class Place:
    """In the stream; the greater one is newer. ``at``: Unix time in microseconds; ``key`` tells things of one kind and
    moment apart: a number with its zeros, or the hexadecimal digits of a UUID."""

    at: int
    rank: int
    key: str

    def __str__(self) -> str:
        return f"{self.at}-{self.rank}-{self.key}"

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """None for what no page wrote."""
        parts = text.split("-")
        if len(text) > _LONGEST or len(parts) != 3 or not all(part.isascii() and part.isalnum() for part in parts):
            return None
        at, rank, key = parts
        if not (at.isdigit() and len(at) <= 17 and rank.isdigit() and len(rank) == 1 and int(rank) < len(KINDS)):
            return None
        return cls(int(at), int(rank), key) if _is_key(int(rank), key) else None

    @property
    def moment(self) -> datetime:
        return _BEGIN + timedelta(microseconds=self.at)


def _is_key(rank: int, key: str) -> bool:
    if rank == RANKS[JOB]:
        return len(key) == 32 and all(each in "0123456789abcdef" for each in key)
    return key.isdigit() and len(key) <= 18


def place_of(kind: str, at: datetime, key: Any) -> Place:
    """``key``: the number of an event or an entry, the UUID of a job."""
    return Place((at - _BEGIN) // timedelta(microseconds=1), RANKS[kind], key.hex if kind == JOB else f"{key:018d}")


@dataclass(frozen=True)
class Change:
    """``who`` did it, "" for nobody known; ``about``: the object's name; ``link``: (name of the address, its argument)
    of the page that says more, None for none."""

    kind: str
    at: datetime
    who: str
    about: str
    text: str
    place: Place
    link: tuple[str, str] | None = None
    number: int = 0

    @property
    def label(self) -> str:
        return KINDS[self.kind]


def merged(sources: Iterable[Iterable[Change]], most: int) -> list[Change]:
    """The newest ``most`` of several streams, each with its newest first."""
    return list(islice(merge(*sources, key=lambda change: change.place, reverse=True), most))
