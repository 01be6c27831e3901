"""Another program that holds the database: a real connection in a transaction of its own."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(path: Path | str) -> Iterator[sqlite3.Connection]:
    """Nobody else writes to the SQLite database at ``path`` in here."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("ROLLBACK")
    finally:
        connection.close()
