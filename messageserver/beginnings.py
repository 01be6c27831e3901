"""Where in the log a subscription begins: at a number, a time, or so many messages back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from .frames import Refusal, parse_from_seq
from .reader import Reader, Wanted

LAST_MAX = 10_000
WAYS = ("from-seq", "from-time", "last")


class Beginning(Protocol):
    """What has to be read from the disk before it is known where a subscription begins."""

    def look(self, reader: Reader, upto: int, wanted: Wanted) -> "int | Beginning":
        """One bounded step: the first seq, or what is still to be done. ``upto`` is the newest record that may be
        handed out. Raises StoreError."""


@dataclass(frozen=True)
class AtTime:
    """The first record that is not older than this Unix time in milliseconds."""

    time: int

    def look(self, reader: Reader, upto: int, wanted: Wanted) -> int | Beginning:
        return reader.first_at(self.time, upto)


@dataclass(frozen=True)
class AtNewest:
    """So many records more, all of them before ``below`` (0: nothing was looked at yet); ``lowest`` is the first seq
    so far."""

    count: int
    below: int = 0
    lowest: int = 0

    def look(self, reader: Reader, upto: int, wanted: Wanted) -> int | Beginning:
        below = self.below or upto + 1
        seqs, looked_to = reader.newest(below, wanted, self.count)
        lowest = seqs[-1] if seqs else self.lowest or below
        left = self.count - len(seqs)
        return AtNewest(left, looked_to, lowest) if left and looked_to else lowest


def beginning(headers: Mapping[str, str], last_seq: int) -> tuple[int, Beginning | None]:
    """(the first seq that a SUBSCRIBE wants, None), or (0, where it is to be looked for). Raises Refusal."""
    given = [name for name in WAYS if name in headers]
    if len(given) > 1:
        raise Refusal(f"A subscription begins in one way only: give either {' or '.join(given)}.")
    if "from-time" in headers:
        return 0, AtTime(_time(headers["from-time"]))
    if "last" in headers:
        return 0, AtNewest(_count(headers["last"]))
    return parse_from_seq(dict(headers), last_seq), None


def _time(text: str) -> int:
    """Unix time in milliseconds."""
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    raise Refusal("The header from-time must be milliseconds since 1970, or a time of ISO 8601 with its zone, for "
                  "example 2026-11-30T12:00:00Z.")


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= LAST_MAX:
        return int(text)
    raise Refusal(f"The header last must be a number of messages, from 1 to {LAST_MAX}.")
