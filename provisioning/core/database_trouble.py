"""What is wrong with a database when it does not do what it was asked, in words. Pure."""

import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError

LOCKED, FULL, READ_ONLY, FAILING, AWAY, MOVED = "locked", "full", "read-only", "failing", "away", "moved"
BEHIND, AHEAD, EMPTY = "behind", "ahead", "empty"
CONFIGURATION, LOG = "the Configuration Database", "the log database"
SENTENCES = {
    LOCKED: "another program holds {name}",
    FULL: "the disk of {name} is full",
    READ_ONLY: "{name} is read-only",
    FAILING: "the file of {name} cannot be read or written",
    AWAY: "{name} does not answer",
    MOVED: "{name} is being moved, and takes no changes until that has ended",
    BEHIND: "{name} is of an older version: the migration {migration} is missing",
    AHEAD: "{name} is of a newer version: it has the migration {migration}, which this program does not know",
    EMPTY: "{name} is empty",
}
_START = "Start Pairwise anew (./run), which brings it up to date (docs/upgrading.md)."
ADVICE = {
    BEHIND: _START,
    AHEAD: "Upgrade Pairwise on this machine too, or restore the backup of before (docs/upgrading.md).",
    EMPTY: _START,
}
"""What to do about those that do not pass by themselves."""
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
_NOT_THERE = ("no such table", "no such column")
"""So begins what SQLite says, which has no code of its own for it."""


@dataclass(frozen=True)
class Trouble:
    """``code`` is one of those above. It passes without a change of the request, so asking again later makes sense.
    ``migration``: the one by which BEHIND and AHEAD show."""

    code: str
    migration: str = ""

    def of(self, name: str) -> str:
        """What is wrong with the database ``name``, to go on in a sentence."""
        return SENTENCES[self.code].format(name=name, migration=self.migration)

    def sentence_of(self, name: str) -> str:
        text = self.of(name)
        return f"{text[0].upper()}{text[1:]}."

    @property
    def sentence(self) -> str:
        return self.sentence_of(CONFIGURATION)

    @property
    def explained(self) -> str:
        """With what to do, where it does not pass by itself."""
        return f"{self.sentence} {ADVICE.get(self.code, '')}".rstrip()


class InTrouble(Exception):
    """Nothing was asked of a database that is known to be in ``trouble``."""

    def __init__(self, trouble: Trouble):
        super().__init__(trouble.sentence)
        self.trouble = trouble


def trouble_of(error: BaseException) -> Trouble | None:
    """What of the database made ``error``; None for one that is not about the database's state."""
    for each in causes(error):
        if isinstance(each, InTrouble):
            return each.trouble
        code = _code(each)
        if code:
            return Trouble(code)
    return None


def may_pass(error: BaseException) -> bool:
    """True when the same may go well later, whoever asks for it."""
    return isinstance(error, OperationalError) or trouble_of(error) is not None or any(map(_lacks, causes(error)))


def lacks_something(error: BaseException) -> bool:
    """Whether a database of another version may have made ``error``: a table or column is not there, or one is that
    has to be filled and was not."""
    return any(_lacks(each) or _left_out(each) for each in causes(error))


def causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _code(error: BaseException) -> str:
    """Of an error of a database's driver; "" for any other one."""
    if isinstance(error, sqlite3.Error):
        # An extended result code has the primary one in its lowest byte.
        number = getattr(error, "sqlite_errorcode", None)
        return "" if number is None else _SQLITE.get(number & 0xFF, "")
    psycopg = _driver_of_postgresql()
    if psycopg is None or not isinstance(error, psycopg.Error):
        return ""
    if error.sqlstate:
        return _POSTGRESQL.get(error.sqlstate) or _POSTGRESQL.get(error.sqlstate[:2], "")
    # Without a word of the server: it could not be reached, the connection broke, or none was free in time.
    return AWAY if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) else ""


def _driver_of_postgresql() -> Any:
    """Where nobody has imported it there is no error of it; it costs a tenth of what a process needs to start."""
    return sys.modules.get("psycopg")


def _sqlstate(error: BaseException) -> str:
    psycopg = _driver_of_postgresql()
    return (error.sqlstate or "") if psycopg is not None and isinstance(error, psycopg.Error) else ""


def _lacks(error: BaseException) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return str(error).startswith(_NOT_THERE) or " has no column " in str(error)
    return _sqlstate(error) in ("42P01", "42703")


def _left_out(error: BaseException) -> bool:
    if isinstance(error, sqlite3.IntegrityError):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_CONSTRAINT_NOTNULL
    return _sqlstate(error) == "23502"
