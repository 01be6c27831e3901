"""Moving a console from SQLite to PostgreSQL and back, whole or killed, as people do it."""

import contextlib
import itertools
import signal
import sqlite3
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import psycopg

from console import kept_databases
from console.kept_databases import SETTLED
from console.relocation.files import is_blocked

from .harness import PATIENCE, ROOT, Pairwise

MOVE_S = 200 * PATIENCE
NAMES = ("pairwise.sqlite3", "control.sqlite3", "log.sqlite3")
_numbers = itertools.count()


class Place:
    """Two empty databases of a server, and how people name them."""

    def __init__(self, server: str):
        self.name = f"moved_{next(_numbers)}"
        self.url = named(server, self.name)
        parts = urlsplit(self.url)
        self.password = parts.password
        self.address = urlunsplit((parts.scheme, f"{parts.username}@{parts.hostname}:{parts.port}", parts.path, "", ""))
        with psycopg.connect(server, autocommit=True) as session:
            for name in (self.name, f"{self.name}_log"):
                session.execute(f"CREATE DATABASE {name}")

    def ask(self, statement: str):
        with psycopg.connect(self.url) as session:
            return session.execute(statement).fetchone()[0]

    @property
    def is_a_copy(self) -> bool:
        """Whether what is there may be written over by the next move."""
        return self.ask("SELECT to_regclass('pairwise_move')") is not None


def named(address: str, name: str) -> str:
    """The address of another database there."""
    return f"{address.rpartition('/')[0]}/{name}"


def move(run: Pairwise, *arguments: str, code: int = 0, **environment: str) -> str:
    # It has the databases open.
    run.end_asked()
    return _move(run, "manage.py", "move", *arguments, code=code, **environment)


def moved(run: Pairwise, place: Place) -> str:
    return move(run, "--to", place.address, PAIRWISE_MOVE_PASSWORD=place.password)


def killed(run: Pairwise, place: Place, point: str) -> str:
    """What a move, or from there the way back, said until it was killed at ``point`` (see ``killed``)."""
    way = ("--back",) if counts_there(run) else ("--to", place.address)
    return _move(run, "-m", "tests.scenarios.killed", point, "move", *way, code=-signal.SIGKILL,
                 PAIRWISE_MOVE_PASSWORD=place.password)


def _move(run: Pairwise, *words: str, code: int, **environment: str) -> str:
    done = subprocess.run([sys.executable, *words, "--yes"], cwd=ROOT, text=True, env=run.environment | environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=MOVE_S)
    assert done.returncode == code, done.stdout + run.text
    return done.stdout


def counts_there(run: Pairwise) -> bool:
    """Whether the new databases count."""
    kept = kept_databases.read(run.data_dir)
    return kept is not None and kept.counts


def require_whole(run: Pairwise, place: Place, *, there: bool) -> None:
    """Nothing is left to do: all is there, or nothing was changed here."""
    kept = kept_databases.read(run.data_dir)
    assert (kept and kept.state) == (SETTLED if there else None)
    assert [is_blocked(run.data_dir / name) for name in NAMES] == [there] * len(NAMES)
    assert not (there and place.is_a_copy)


def told_of_moves(run: Pairwise) -> list[str]:
    """What History says of them in the files, newest first."""
    with contextlib.closing(sqlite3.connect(run.data_dir / "pairwise.sqlite3")) as file:
        return [text for text, in file.execute("SELECT reason FROM provisioning_historyentry WHERE object_type = "
                                               "'console' AND reason LIKE 'Moved %' ORDER BY number DESC")]
