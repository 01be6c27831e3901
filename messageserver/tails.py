"""What of a MESSAGE is the same for every subscriber: of a record in memory, and of many stored ones.

SQLite puts the stored ones together while it reads them, in the reader's thread and without the interpreter's lock: for
a subscriber who reads what is there that is most of the work. Of small ones that all begin alike it makes one text.
"""

import sqlite3
from collections.abc import Sequence

from .expiry import MARK
from .stomp import FRAME_END, escape

Stored = tuple[int, bytes, bytes]
"""(seq, the sender's own headers, the tail) of one record."""

# "||" takes bytes as they are, NUL and all; only what printf is given has to be text without it, as headers are.
_UNENDED = "printf(?, {destination}, epoch, seq, seq, epoch, time, length(body), headers) || body"
_ESCAPED = r"replace(replace(replace(replace(destination, '\', '\\'), char(10), '\n'), char(13), '\r'), ':', '\c')"
_HEAD = "destination:%s\nmessage-id:%d-%d\nseq:%d\nepoch:%d\ntimestamp:%d\ncontent-length:%d\n%s\n"
JOINED_BYTES = 2048
"""A body up to this is joined to others: reading one by one costs more than a larger one takes."""
_JOINED = f"""SELECT count(*), count(frame), max(seq), CAST(group_concat(frame, ?) AS BLOB) FROM (
              SELECT seq, CASE WHEN length(body) <= {JOINED_BYTES} AND
                                    (headers = x'' OR NOT instr(headers, x'{MARK.hex()}'))
                          THEN {{frame}} END AS frame
              FROM records WHERE {{where}} ORDER BY seq LIMIT ?)"""


def message_tail(seq: int, epoch: int, time: int, destination: str, headers: bytes, body: bytes) -> bytes:
    """What follows the subscription's own headers in a MESSAGE."""
    return b"".join((
        f"destination:{escape(destination)}\nmessage-id:{epoch}-{seq}\nseq:{seq}\nepoch:{epoch}\ntimestamp:{time}\n"
        f"content-length:{len(body)}\n".encode(), headers, b"\n", body, FRAME_END))


def stored_tails(db: sqlite3.Connection, pattern: str, where: str,
                 values: Sequence[int | str | bytes]) -> sqlite3.Cursor:
    """Stored, in order, of the records of which ``where`` is true (SQL with ``values``); all are for ``pattern``, which
    may end with ``*``. Raises sqlite3.Error."""
    frame, own = _unended(pattern)
    tail = f"CAST({frame} || x'{FRAME_END.hex()}' AS BLOB)"
    return db.execute(f"SELECT seq, headers, {tail} FROM records WHERE {where} ORDER BY seq", (*own, *values))


def joined_frames(db: sqlite3.Connection, head: bytes, pattern: str, where: str, values: Sequence[int | str | bytes],
                  limit: int) -> tuple[int, int, bytes] | None:
    """The first ``limit`` records of those, each as a whole MESSAGE that begins with ``head``: (how many, the seq of
    the last one, all of them). None when one of them is large, or may have expired. Raises sqlite3.Error."""
    frame, own = _unended(pattern)
    count, joined, last, frames = db.execute(_JOINED.format(frame=frame, where=where), (
        (FRAME_END + head).decode(), *own, *values, limit)).fetchone()
    if joined < count:
        return None
    return count, last or 0, b"".join((head, frames, FRAME_END)) if count else b""


def _unended(pattern: str) -> tuple[str, list[str]]:
    """In SQL: a tail without its end, and the values for it."""
    if pattern.endswith("*"):
        return _UNENDED.format(destination=_ESCAPED), [_HEAD]
    return _UNENDED.format(destination="?"), [_HEAD, escape(pattern)]
