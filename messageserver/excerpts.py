"""What is stored, told from the newest record back without its whole bodies, for the console's page of messages.

One look is bounded in records, bytes and time; what it has not come to is looked at by the next one.
"""

import base64
import re
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .expiry import is_expired
from .frames import Refusal
from .ownership import StoreError
from .reader import parts_before
from .stomp import escape

if TYPE_CHECKING:
    from .questions import Asker

MOST = 200
BEGINNING_BYTES = 800
"""So much of a body is told."""
HEADERS_BYTES = 2000
"""So much of a record's headers is told, in whole lines."""
LOOK_S = 1.0
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Wanted:
    """``pattern``: a destination, or the beginning of some followed by ``*``. ``before`` and ``after``: seqs that bound
    what is looked at, both excluded; ``since`` and ``until`` bound its times (Unix, milliseconds; None: not). ``line``:
    a header as it is stored, b"" for any."""

    pattern: str
    before: int
    after: int
    since: int | None
    until: int | None
    line: bytes
    most: int


def wanted(headers: Mapping[str, str], last_seq: int) -> Wanted:
    """What the headers of a SUBSCRIBE ask for. Raises Refusal."""
    pattern = headers.get("of", "")
    if not pattern.startswith("/") or "*" in pattern[:-1]:
        raise Refusal("The header of must be a destination, or the beginning of some followed by *.")
    name, line = headers.get("name", ""), b""
    if name:
        line = f"{escape(name)}:{escape(headers.get('value', ''))}\n".encode()
    return Wanted(pattern, min(_number(headers, "before", last_seq + 1), last_seq + 1), _number(headers, "after", 0),
                  _time(headers, "since"), _time(headers, "until"), line,
                  max(1, min(MOST, _number(headers, "most", 50))))


def _number(headers: Mapping[str, str], name: str, otherwise: int) -> int:
    text = headers.get(name)
    if text is None:
        return otherwise
    if _NUMBER.fullmatch(text) is None:
        raise Refusal(f"The header {name} must be a number.")
    return int(text)


def _time(headers: Mapping[str, str], name: str) -> int | None:
    return _number(headers, name, 0) if name in headers else None


async def messages(asker: "Asker", headers: Mapping[str, str]) -> dict[str, Any]:
    """{messages: [as ``_told``], the newest first; looked_to: nothing before that seq was looked at, 0 when all was;
    last_seq, first_seq}. Raises Refusal."""
    broker, ends = asker.broker, time.monotonic() + LOOK_S
    last, first = broker.delivery.upto, broker.first_seq
    look = Look(wanted(headers, last), first)
    try:
        while not look.ended and time.monotonic() < ends:
            # One step at a time: others read by the same thread.
            await broker.delivery.look(look.step)
    except StoreError as error:
        raise Refusal(f"The stored messages cannot be read: {error}. Try again later.") from error
    return {"messages": look.found, "looked_to": look.looked_to, "last_seq": last, "first_seq": first}


class Look:
    """Looks for what is ``asked``, from the newest record back to ``first_seq``; ``found`` has the newest first."""

    def __init__(self, asked: Wanted, first_seq: int):
        self._asked, self._lowest = asked, max(asked.after + 1, first_seq)
        self._before = asked.before
        self._placed = asked.until is None
        self.found: list[dict[str, Any]] = []
        self.ended = self._before <= self._lowest
        self._full = False

    @property
    def looked_to(self) -> int:
        """What lies before that seq was not looked at; 0 when there is nothing left."""
        return self._before if self._full or not self.ended else 0

    def step(self, db: sqlite3.Connection) -> None:
        """Look at the next part of the log."""
        asked = self._asked
        if not self._placed:
            self._before = _first_after(db, asked.until or 0, self._lowest, self._before)
            self._placed = True
            if self._before <= self._lowest:
                self.ended = True
                return
        parts = parts_before(db, self._before, self._lowest, asked.pattern)
        self._before = max(self._lowest, parts.next_seq)
        for first, last in parts.ranges:
            if asked.since is not None and _time_at(db, last) < asked.since:
                # Nor is what lies before them new enough, as far as times grow.
                self._before = self._lowest
                break
            rows = _rows(db, asked, first, last, asked.most - len(self.found)).fetchall()
            self.found += [_told(*row) for row in rows]
            if len(self.found) == asked.most:
                self._before, self._full = rows[-1][0], True
                break
        self.ended = self._full or self._before <= self._lowest


def _rows(db: sqlite3.Connection, asked: Wanted, first: int, last: int, most: int) -> sqlite3.Cursor:
    where: list[str] = ["seq BETWEEN ? AND ?"]
    values: list[int | str | bytes] = [first, last]
    if asked.pattern.endswith("*"):
        where.append("substr(destination, 1, ?) = ?")
        values += [len(asked.pattern) - 1, asked.pattern[:-1]]
    else:
        where.append("destination = ?")
        values.append(asked.pattern)
    if asked.since is not None:
        where.append("time >= ?")
        values.append(asked.since)
    if asked.until is not None:
        where.append("time <= ?")
        values.append(asked.until)
    if asked.line:
        # A line begins where the line before it ends, or with the headers.
        where.append("(substr(headers, 1, ?) = ? OR instr(headers, ?) > 0)")
        values += [len(asked.line), asked.line, b"\n" + asked.line]
    return db.execute(
        "SELECT seq, epoch, time, destination, headers, length(body), "
        f"substr(body, 1, {BEGINNING_BYTES}) FROM records WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?",
        (*values, most))


def _told(seq: int, epoch: int, at: int, destination: str, headers: bytes, size: int,
          beginning: bytes | None) -> dict[str, Any]:
    """``time`` is Unix time in milliseconds, ``size`` the bytes of the body, ``beginning`` those it begins with
    (base64); ``cut``: there are more headers; ``expired``: it is not delivered any more. SQLite makes None of the
    beginning of nothing."""
    whole = headers if len(headers) <= HEADERS_BYTES else headers[: headers.rfind(b"\n", 0, HEADERS_BYTES) + 1]
    return {"seq": seq, "epoch": epoch, "time": at, "destination": destination,
            "headers": whole.decode(errors="replace"), "cut": len(whole) < len(headers),
            "expired": is_expired(headers), "size": size,
            "beginning": base64.b64encode(beginning or b"").decode()}


def _time_at(db: sqlite3.Connection, seq: int) -> int:
    found: tuple[int] | None = db.execute("SELECT time FROM records WHERE seq >= ? ORDER BY seq LIMIT 1",
                                          (seq,)).fetchone()
    return found[0] if found else 0


def _first_after(db: sqlite3.Connection, at: int, low: int, high: int) -> int:
    """The first seq of ``low`` to ``high`` whose time is after ``at``, as far as times grow; ``high`` for none."""
    while low < high:
        middle = (low + high) // 2
        if _time_at(db, middle) > at:
            high = middle
        else:
            low = middle + 1
    return low
