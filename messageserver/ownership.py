"""Who may use a store: the lock against a second process, and what control granted to this server."""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import system

FILE = "messages.db"


class StoreError(Exception):
    """The store cannot do what was asked: disk full, I/O error, damaged file. Nothing was acknowledged."""


class StoreLocked(StoreError):
    """Another process uses this store."""


class Promised(StoreError):
    """It is not stored yet, and the other member was given it: it is what is stored next in this epoch."""


class StaleEpoch(StoreError):
    """The caller acts in an epoch that is not the granted one."""


@dataclass(frozen=True)
class Held:
    """What control granted to this server last (0 and "" for nothing yet), and the newest token of control's history
    that came with it."""

    epoch: int = 0
    record_version: int = 0
    role: str = ""
    generation: str = ""


def peek_held(directory: Path) -> Held:
    """What the store in ``directory`` holds, without opening it for writing. Raises StoreError."""
    path = directory / FILE
    if not path.exists():
        return Held()
    try:
        connection = sqlite3.connect(path, timeout=5)
        try:
            return _held(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"cannot read {path}: {error}") from error


def _held(connection: sqlite3.Connection) -> Held:
    if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0]:
        return Held()
    return held_in(dict(connection.execute("SELECT key, value FROM meta")))


def held_in(meta: dict[str, Any]) -> Held:
    """What the rows of the table meta say."""
    return Held(meta.get("epoch", 0), meta.get("record_version", 0), meta.get("role", ""), meta.get("generation", ""))


def take_lock(path: Path) -> int:
    """The open file that holds the lock until it is closed. Raises StoreLocked, OSError."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o640)
    try:
        system.lock(lock)
    except BlockingIOError:
        owner = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise StoreLocked(f"process {owner} uses the messages in {path.parent}") from None
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock
