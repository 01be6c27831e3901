"""What the server keeps in its own log about consumers: how far a named position or a queue has come. Pure.

A mark is a record whose destination begins with PREFIX, so no client can send or read one. It says everything about its
name at that point: the newest one counts, and an empty body says that the name is gone. What is settled is told by what
is not: ``seq``, up to which everything was handed out, and the few below it that are still open.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate, chain, pairwise

from protocol.outside import read_json

PREFIX = "mark:"
POSITION, QUEUE = f"{PREFIX}position:", f"{PREFIX}queue:"
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


def write(mark: Mark) -> bytes:
    """As the body of a record. Of ``open`` only the first is a seq, the others are distances: they are small."""
    said: dict[str, object] = {"seq": mark.seq}
    if mark.open:
        said["open"] = [mark.open[0], *[later - earlier for earlier, later in pairwise(mark.open)]]
    if mark.destination:
        said["destination"] = mark.destination
    if mark.selector:
        said["selector"] = mark.selector
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()


def read(body: bytes) -> Mark:
    """What ``write`` wrote. Raises ValueError."""
    try:
        said = read_json(body)
        return Mark(said["seq"], tuple(accumulate(said.get("open", ()))), said.get("destination", ""),
                    said.get("selector", ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a record about a position or queue cannot be read: {error}") from error


def of_records(rows: Iterable[tuple[int, str, bytes]]) -> dict[str, bytes]:
    """The newest mark of each name, from (seq, name, body) in order; names that are gone are not among them."""
    newest: dict[str, bytes] = {}
    for _, name, body in rows:
        newest.pop(name, None)
        if body != GONE:
            newest[name] = body
    return newest


def outlives(name: str, body: bytes) -> bool:
    """Whether a mark still says something once its own record was removed: then everything that it speaks of was, too,
    and a queue begins with what is there."""
    return name.startswith(POSITION) and body != GONE


def outlived(body: bytes) -> bytes:
    """What a mark that ``outlives`` its record still says: what was open is removed, too."""
    return write(replace(read(body), open=()))


def merged(*seqs: Iterable[int]) -> tuple[int, ...]:
    """Seqs of several places, ascending."""
    return tuple(sorted(chain(*seqs)))
