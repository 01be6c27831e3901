"""Which destinations have records, as the server tells whoever may read them: by their places, in bounded steps."""

import functools
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from . import places
from .frames import Refusal
from .ownership import StoreError
from .places import block_of, span

if TYPE_CHECKING:
    from .questions import Asker

MOST = 1000
STEP_BLOCKS, STEP_SCANNED = 64, 16
"""Blocks that one step looks at: by their places, and by all their records while those are not known."""
STEP_NAMES = 50
"""So many destinations are told of in one step."""
_NAMES = "substr(destination, 1, ?) = ? AND destination > ? GROUP BY destination ORDER BY destination LIMIT ?"


async def destinations(asker: "Asker", headers: Mapping[str, str]) -> dict[str, Any]:
    """{destinations: [as ``Survey._tell``], by name; more: whether there are others behind the last of them}. Headers:
    ``prefix`` of the names, ``after`` which name they begin, at ``most`` how many. Raises Refusal."""
    prefix, most = headers.get("prefix", "/"), _most(headers)
    if not prefix.startswith("/"):
        raise Refusal("The header prefix must be the beginning of destinations, for example /topic/.")
    broker, after, more = asker.broker, headers.get("after", ""), True
    told: list[dict[str, Any]] = []
    try:
        while more and len(told) < most:
            survey = Survey(prefix, after, most - len(told), broker.first_seq, broker.delivery.upto)
            while not survey.ended:
                # One step at a time: others read by the same thread.
                await broker.delivery.look(survey.step)
            names = survey.names
            for at in range(0, len(names), STEP_NAMES):
                part = [name for name in names[at : at + STEP_NAMES] if asker.rights.may_read(name)]
                told += await broker.delivery.look(survey.telling(part))
            after, more = (names[-1] if names else after), survey.more
    except StoreError as error:
        raise Refusal(f"The stored messages cannot be read: {error}. Try again later.") from error
    return {"destinations": told, "more": more}


def _most(headers: Mapping[str, str]) -> int:
    text = headers.get("most", str(MOST))
    if re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) is None or not 1 <= int(text) <= MOST:
        raise Refusal(f"The header most must be a number of destinations, from 1 to {MOST}.")
    return int(text)


class Survey:
    """The first ``most`` destinations behind ``after`` that begin with ``prefix`` and have a record from ``first_seq``
    to ``upto``. When it has ``ended``, ``names`` are in order; ``more``: there are others behind them."""

    def __init__(self, prefix: str, after: str, most: int, first_seq: int, upto: int):
        self._prefix, self._after, self._most, self._first_seq, self._upto = prefix, after, most, first_seq, upto
        self._block, self._last = block_of(first_seq), block_of(upto)
        self._found: dict[str, tuple[int, int]] = {}
        self.ended = first_seq > upto

    @property
    def names(self) -> list[str]:
        return list(self._found)[: self._most]

    @property
    def more(self) -> bool:
        return len(self._found) > self._most

    def step(self, db: sqlite3.Connection) -> None:
        """Look at the next blocks."""
        rows: Iterable[tuple[str, int, int]]
        values = (len(self._prefix), self._prefix, self._after, self._most + 1)
        if span(self._block)[0] >= places.whole_from(db):
            last = min(self._last, self._block + STEP_BLOCKS - 1)
            rows = db.execute("SELECT destination, min(block), max(block) FROM places WHERE block BETWEEN ? AND ? "
                              f"AND {_NAMES}", (self._block, last, *values))
        else:
            last = min(self._last, self._block + STEP_SCANNED - 1)
            rows = db.execute("SELECT destination, min(seq), max(seq) FROM records WHERE seq BETWEEN ? AND ? "
                              f"AND {_NAMES}", (span(self._block)[0], span(last)[1], *values))
            rows = ((name, block_of(first), block_of(end)) for name, first, end in rows)
        for name, first, end in rows:
            self._found[name] = self._found.get(name, (first, end))[0], end
        # A name that does not count among the first ones now never will.
        self._found = dict(sorted(self._found.items())[: self._most + 1])
        self._block = last + 1
        self.ended = last >= self._last

    def telling(self, names: list[str]) -> Callable[[sqlite3.Connection], list[dict[str, Any]]]:
        """Work that tells of ``names``."""
        return functools.partial(self._tell, names)

    def _tell(self, names: list[str], db: sqlite3.Connection) -> list[dict[str, Any]]:
        """``first_seq`` and ``last_seq`` of each that has records, ``last_time`` of the last (Unix, milliseconds)."""
        ends = functools.lru_cache(STEP_NAMES)(functools.partial(self._ends, db))
        told = []
        for name in names:
            first, last = self._found[name]
            # A place may have outlived its records: then the next one counts.
            low = next((ends(block)[name][0] for block in _hops(db, name, first, last) if name in ends(block)), 0)
            high = next((ends(block)[name][1] for block in _hops(db, name, last, first) if name in ends(block)), 0)
            if low and high:
                at = db.execute("SELECT time FROM records WHERE seq = ?", (high,)).fetchone()
                told.append({"destination": name, "first_seq": low, "last_seq": high, "last_time": at[0] if at else 0})
        return told

    def _ends(self, db: sqlite3.Connection, block: int) -> dict[str, tuple[int, int]]:
        """The first and last seq of each destination in ``block``."""
        first, last = span(block)
        rows = db.execute("SELECT destination, min(seq), max(seq) FROM records WHERE seq BETWEEN ? AND ? "
                          "GROUP BY destination", (max(first, self._first_seq), min(last, self._upto)))
        return {name: (low, high) for name, low, high in rows}


def _hops(db: sqlite3.Connection, name: str, block: int, towards: int) -> Iterator[int]:
    """``block``, and the next ones that have a place of ``name``, up or down to ``towards``."""
    yield block
    step = 1 if towards > block else -1
    while block != towards:
        following = places.blocks(db, block + step, towards, name, 1)
        block = following[0] if following else towards
        yield block
