"""What is wrong with the Configuration Database when it does not do what it was asked, in words. Pure."""

import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import OperationalError

LOCKED, FULL, READ_ONLY, FAILING, AWAY, MOVED = "locked", "full", "read-only", "failing", "away", "moved"
SENTENCES = {
    LOCKED: "Another program holds the Configuration Database.",
    FULL: "The disk of the Configuration Database is full.",
    READ_ONLY: "The Configuration Database is read-only.",
    FAILING: "The file of the Configuration Database cannot be read or written.",
    AWAY: "The Configuration Database does not answer.",
    MOVED: "The Configuration Database is being moved, and takes no changes until that has ended.",
}
_SQLITE = {
    sqlite3.SQLITE_BUSY: LOCKED, sqlite3.SQLITE_LOCKED: LOCKED, sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_FULL: FULL, sqlite3.SQLITE_READONLY: READ_ONLY, sqlite3.SQLITE_IOERR: FAILING,
    sqlite3.SQLITE_CORRUPT: FAILING, sqlite3.SQLITE_NOTADB: FAILING, sqlite3.SQLITE_CANTOPEN: AWAY,
}
"""By primary result codes; what is not there is a fault of the console (no such table, ...)."""
_POSTGRESQL = {
    "55P03": LOCKED, "57014": LOCKED, "40P01": LOCKED, "40001": LOCKED, "25006": READ_ONLY, "53100": FULL,
    "08": AWAY, "53": AWAY, "57": AWAY, "58": FAILING, "XX": FAILING,
}
"""By SQLSTATE, else by its class."""


@dataclass(frozen=True)
class Trouble:
    """``code`` is one of those above. It passes without a change of the request, so asking again later makes sense."""

    code: str

    @property
    def sentence(self) -> str:
        return SENTENCES[self.code]


def trouble_of(error: BaseException) -> Trouble | None:
    """What of the database made ``error``; None for one that is not about the database's state."""
    for each in _causes(error):
        code = _code(each)
        if code:
            return Trouble(code)
    return None


def may_pass(error: BaseException) -> bool:
    """True when the same may go well later, whoever asks for it."""
    return isinstance(error, OperationalError) or trouble_of(error) is not None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _code(error: BaseException) -> str:
    """Of an error of a database's driver; "" for any other one."""
    if isinstance(error, sqlite3.Error):
        # An extended result code has the primary one in its lowest byte.
        number = getattr(error, "sqlite_errorcode", None)
        return "" if number is None else _SQLITE.get(number & 0xFF, "")
    # Where nobody has imported it there is no error of it; it costs a tenth of what a process needs to start.
    psycopg = sys.modules.get("psycopg")
    if psycopg is None or not isinstance(error, psycopg.Error):
        return ""
    if error.sqlstate:
        return _POSTGRESQL.get(error.sqlstate) or _POSTGRESQL.get(error.sqlstate[:2], "")
    # Without a word of the server: it could not be reached, the connection broke, or none was free in time.
    return AWAY if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) else ""
