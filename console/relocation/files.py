"""The SQLite files of a console while they are moved, and afterwards: nobody writes them."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

WAIT_S = 30.0
MARK = "pairwise_moved"
OWN = frozenset({"django_migrations", "reserved"})
"""Tables that the other database makes for itself, or needs none of."""


@dataclass(frozen=True)
class File:
    """``label``: what people call it."""

    label: str
    path: Path

    def open(self) -> sqlite3.Connection:
        """A connection that begins no transaction by itself. Raises sqlite3.Error."""
        return sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None,
                               timeout=WAIT_S)


@contextlib.contextmanager
def frozen(files: Sequence[File]) -> Iterator[dict[str, sqlite3.Connection]]:
    """{label: connection}. Within the block nobody else writes one of them; what was not committed at its end is taken
    back. Raises sqlite3.Error."""
    with contextlib.ExitStack() as stack:
        opened = {}
        for file in files:
            opened[file.label] = stack.enter_context(contextlib.closing(file.open()))
            opened[file.label].execute("BEGIN IMMEDIATE")
        yield opened


@contextlib.contextmanager
def reading(file: File) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(file.open()) as connection:
        yield connection


def tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return sorted(name for name, in rows if name not in OWN)


def columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({quoted(table)})")]


def count(connection: sqlite3.Connection, table: str) -> int:
    return connection.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()[0]


def last_keys(connection: sqlite3.Connection) -> dict[str, int]:
    """{table: the last key that was given away, though its row may be gone}."""
    if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone()[0]:
        return {}
    return dict(connection.execute("SELECT name, seq FROM sqlite_sequence"))


def block(connection: sqlite3.Connection, sentence: str) -> None:
    """From the next commit on each write is refused with ``sentence``, whoever asks. Within a transaction."""
    unblock(connection)
    said = sentence.replace("'", "''")
    for number, table in enumerate(tables(connection)):
        for verb in ("INSERT", "UPDATE", "DELETE"):
            connection.execute(f"CREATE TRIGGER {MARK}_{number}_{verb} BEFORE {verb} ON {quoted(table)} "
                               f"BEGIN SELECT RAISE(ABORT, '{said}'); END")


def unblock(connection: sqlite3.Connection) -> None:
    """Take back what ``block`` did, within a transaction."""
    for name in _marks(connection):
        connection.execute(f"DROP TRIGGER {quoted(name)}")


def is_blocked(path: Path) -> bool:
    """Whether the file was moved; False for one that is not there."""
    if not path.exists():
        return False
    with contextlib.closing(File("", path).open()) as connection:
        return bool(_marks(connection))


def _marks(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name GLOB ?", [f"{MARK}_*"])
    return [name for name, in found.fetchall()]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
