"""What of a MESSAGE is the same for every subscriber: of a record in memory, and of many stored ones.

SQLite puts the stored ones together while it reads them, in the reader's thread and without the interpreter's lock: for
a subscriber who reads what is there that is most of the work.
"""

import sqlite3
from collections.abc import Sequence

from .stomp import FRAME_END, escape

Stored = tuple[int, bytes, bytes]
"""(seq, the sender's own headers, the tail) of one record."""

# "||" takes bytes as they are, NUL and all; only what printf is given has to be text without it.
_TAIL = ("CAST(printf(?, {destination}, epoch, seq, seq, epoch, time, length(body)) || headers || x'0a' "
         f"|| (body || x'{FRAME_END.hex()}') AS BLOB)")
_ESCAPED = r"replace(replace(replace(replace(destination, '\', '\\'), char(10), '\n'), char(13), '\r'), ':', '\c')"
_HEAD = "destination:%s\nmessage-id:%d-%d\nseq:%d\nepoch:%d\ntimestamp:%d\ncontent-length:%d\n"


def message_tail(seq: int, epoch: int, time: int, destination: str, headers: bytes, body: bytes) -> bytes:
    """What follows the subscription's own headers in a MESSAGE."""
    return b"".join((
        f"destination:{escape(destination)}\nmessage-id:{epoch}-{seq}\nseq:{seq}\nepoch:{epoch}\ntimestamp:{time}\n"
        f"content-length:{len(body)}\n".encode(), headers, b"\n", body, FRAME_END))


def stored_tails(db: sqlite3.Connection, pattern: str, where: str,
                 values: Sequence[int | str | bytes]) -> sqlite3.Cursor:
    """Stored, in order, of the records of which ``where`` is true (SQL with ``values``); all are for ``pattern``, which
    may end with ``*``. Raises sqlite3.Error."""
    one = not pattern.endswith("*")
    tail = _TAIL.format(destination="?" if one else _ESCAPED)
    return db.execute(f"SELECT seq, headers, {tail} FROM records WHERE {where} ORDER BY seq",
                      (_HEAD, *([escape(pattern)] if one else []), *values))
