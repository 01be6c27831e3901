"""What the server keeps in its own log about consumers: how far a named position or a queue has come. Pure.

A mark is a record whose destination begins with PREFIX, so no client can send or read one. A whole one (Mark) says
everything about its name at that point: the newest one counts, and an empty body says that the name is gone. What is
settled is told by what is not: ``seq``, up to which everything was handed out, and those below it that are still open.
Where these are many, marks between two whole ones (Since) say only what differs from the last whole one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

from protocol.outside import read_json

from .records import DraftRow

PREFIX = "mark:"
POSITION, QUEUE = f"{PREFIX}position:", f"{PREFIX}queue:"
SINCE = f"{PREFIX}since:"
"""Before what follows PREFIX in the name of a mark. A release that knows whole marks only passes these over."""
GONE = b""
"""The body of a mark that ends its name."""


@dataclass(frozen=True)
class Mark:
    """Messages up to ``seq`` were handed out; of them those in ``open`` (ascending) are not settled. A position also
    says of which ``destination`` it is, and with which ``selector``."""

    seq: int = 0
    open: tuple[int, ...] = ()
    destination: str = ""
    selector: str = ""

    def with_taken(self, seqs: Sequence[int]) -> "Mark":
        """As it is once ``seqs`` (ascending), which lie behind it, were handed out too."""
        return replace(self, seq=seqs[-1], open=(*self.open, *seqs)) if seqs else self


@dataclass(frozen=True)
class Since:
    """What has become of the last whole mark of the name: ``seq`` is as far as it has come now, of its open messages
    those in ``settled`` are not open any more, and those in ``taken``, which lie behind it, are. Both ascending."""

    seq: int
    taken: tuple[int, ...] = ()
    settled: tuple[int, ...] = ()

    def with_taken(self, seqs: Sequence[int]) -> "Since":
        """As Mark's."""
        return replace(self, seq=seqs[-1], taken=(*self.taken, *seqs)) if seqs else self


def since_name(name: str) -> str:
    """Under which name the marks stand that go on from whole ones of ``name``."""
    return f"{SINCE}{name.removeprefix(PREFIX)}"


def whole_name(name: str) -> str:
    """The name itself, whichever of its marks stand under ``name``."""
    return f"{PREFIX}{name.removeprefix(SINCE)}" if name.startswith(SINCE) else name


def as_draft(name: str, said: Mark | Since | None) -> DraftRow:
    """The record that says this of ``name``; None for that it is gone."""
    if isinstance(said, Since):
        changes = {"seq": said.seq, "taken": _distances(said.taken), "settled": _distances(said.settled)}
        return since_name(name), b"", _json(changes), None
    return name, b"", GONE if said is None else write(said), None


def write(mark: Mark) -> bytes:
    """As the body of a record."""
    said: dict[str, object] = {"seq": mark.seq}
    if mark.open:
        said["open"] = _distances(mark.open)
    if mark.destination:
        said["destination"] = mark.destination
    if mark.selector:
        said["selector"] = mark.selector
    return _json(said)


def _json(said: dict[str, object]) -> bytes:
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()


def _distances(seqs: Sequence[int]) -> list[int]:
    """Only the first is a seq, the others are distances: they are small."""
    return [*seqs[:1], *[later - earlier for earlier, later in pairwise(seqs)]]


def read(whole: bytes, since: bytes = GONE) -> Mark:
    """What ``as_draft`` wrote: a whole mark, and the last one that goes on from it. A queue may have this one alone:
    then what the whole one said was removed, and so was what it spoke of. Raises ValueError."""
    try:
        said: dict[str, Any] = read_json(whole) if whole != GONE else {"seq": 0}
        mark = Mark(said["seq"], _seqs(said, "open"), said.get("destination", ""), said.get("selector", ""))
        if since == GONE:
            return mark
        said = read_json(since)
        left = {*mark.open, *_seqs(said, "taken")}.difference(_seqs(said, "settled"))
        return replace(mark, seq=said["seq"], open=tuple(sorted(left)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a record about a position or queue cannot be read: {error}") from error


def _seqs(said: dict[str, Any], key: str) -> tuple[int, ...]:
    return tuple(accumulate(said.get(key, ())))


def outlives(name: str) -> bool:
    """Whether a mark still says something once its own record was removed: then everything that it speaks of was, too,
    and a queue begins with what is there."""
    return name.startswith(POSITION)
