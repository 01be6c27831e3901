"""What a move that was broken off left: taken back when the files count still, finished when the new ones do."""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from console import kept_databases
from console.kept_databases import MOVED, MOVING, RETURNING, SETTLED, Kept
from console.relocation import files, target
from console.relocation.target import Unfit

LOCK = "databases.lock"
RESTORING = "restoring"
"""A file that is there from the first file that a restore puts in its place until the last one."""
NAMES = {"Configuration Database": "pairwise.sqlite3", "control's record": "control.sqlite3",
         "log records": "log.sqlite3"}
"""Only files of these names are moved: no setting says where they are."""
Say = Callable[[str], None]


def files_of(data_dir: Path) -> list[files.File]:
    return [files.File(label, data_dir / name) for label, name in NAMES.items() if (data_dir / name).exists()]


def at_work(kept: Kept) -> str:
    return (f"The databases of this console are being moved by process {kept.pid}: wait until that has ended, then try "
            "again.")


def require_nobody_at_work(data_dir: Path) -> None:
    """Raises Unfit."""
    kept = kept_databases.read(data_dir)
    if kept is not None and kept.is_at_work:
        raise Unfit(at_work(kept))


@contextlib.contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Nobody else moves or recovers anything in the block. Raises Unfit while somebody does."""
    lock = os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unfit("Another process moves the databases of this console: wait until that has ended.") from None
        yield
    finally:
        os.close(lock)


def recover(data_dir: Path, say: Say, *, ours: bool = False) -> None:
    """Bring what was broken off to one of its two ends, and say to which. ``ours``: the move is this process's own.
    May be broken off itself. Raises Unfit, sqlite3.Error and OSError."""
    kept = kept_databases.read(data_dir)
    if kept is None or (kept.is_at_work and not ours):
        return
    if kept.state == MOVING:
        _blocked(data_dir, "")
        kept_databases.remove(data_dir)
        say(f"The move to {kept.place} was broken off: nothing was changed, and the databases in {data_dir} count as "
            "before. Run it again when you like.")
    elif kept.state == RETURNING:
        _blocked(data_dir, f"This database was moved to {kept.place} at {kept.at}.")
        kept_databases.write(data_dir, kept.now(MOVED))
        say(f"The way back was broken off: the databases at {kept.place} count as before.")
        _settle(data_dir, kept)
    elif kept.state == MOVED and _settle(data_dir, kept):
        say(f"The databases were moved to {kept.place}; the files in {data_dir} stay as they were at {kept.at} and "
            "take no changes.")


def _settle(data_dir: Path, kept: Kept) -> bool:
    """Nothing takes what is there for a copy any more; False while it is away, and that is done later."""
    try:
        target.remove_mark(kept.addresses)
    except Unfit:
        return False
    kept_databases.write(data_dir, kept.now(SETTLED))
    return True


def _blocked(data_dir: Path, sentence: str) -> None:
    """Whether the files take changes; "": they do."""
    for file in files_of(data_dir):
        with contextlib.closing(file.open()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            if sentence:
                files.block(connection, sentence)
            else:
                files.unblock(connection)
            connection.execute("COMMIT")


def why_not(data_dir: Path) -> str:
    """Why a console cannot start here, as far as its databases were moved; "" when it can."""
    kept = kept_databases.read(data_dir)
    if kept is not None and kept.is_at_work:
        return at_work(kept)
    if (data_dir / RESTORING).exists():
        return f"A restore into {data_dir} was broken off: run ./run restore FILE again."
    return ""


def is_moved_file(path: Path) -> bool:
    """Whether the SQLite file at ``path`` takes no changes, as another database has them."""
    try:
        return files.is_blocked(path)
    except sqlite3.Error:
        return False
