"""Files of the agent's own: JSON, logs, and directories that others come through."""

import json
import os
from pathlib import Path
from typing import Any

from protocol.files import write_atomically


def make_open(directory: Path) -> None:
    """``directory`` and those above it that are not there, with mode 0755 whatever the umask: others come through and
    do not write there. Raises OSError."""
    for each in reversed([path for path in (directory, *directory.parents) if not path.exists()]):
        each.mkdir(mode=0o755, exist_ok=True)
        each.chmod(0o755)


def write_json(path: Path, value: Any) -> None:
    write_atomically(path, json.dumps(value, separators=(",", ":")).encode())


def read_json(path: Path) -> Any:
    """The JSON value in ``path``, or None when the file is absent or was never finished."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def tail(path: Path, *, start: int = 0, limit: int = 4096, lines: int = 3) -> list[str]:
    """The last non-empty ``lines`` of ``path`` written at or after byte ``start``; [] when it cannot be read."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            # A log that was cut short since then has none of the old positions.
            file.seek(max(start if start <= size else 0, size - limit))
            text = file.read(limit).decode("utf-8", "replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()][-lines:]


def keep_bounded(path: Path, *, limit: int) -> None:
    """When ``path`` is longer than ``limit`` bytes keep its last quarter in ``<path>.1`` and empty it.

    The writers hold it open for appending, so it is emptied in place; lines written meanwhile may be lost.
    """
    try:
        size = path.stat().st_size
        if size <= limit:
            return
        with open(path, "r+b") as file:
            file.seek(size - limit // 4)
            write_atomically(path.with_name(path.name + ".1"), file.read(limit // 4))
            file.truncate(0)
    except OSError:
        return
