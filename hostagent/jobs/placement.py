"""Puts a new installation in place of the old one so that any interruption can be undone.

Everything is a list of renames inside one file system, written down before the first: after a crash at any point
``undo_moves`` finds out from what exists which of them were done. That it is through must be written down before
``clear_away`` removes what it goes by.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..opened import Directory
from .journal import Entry

STAYS = ("data", "logs", "tls")
BACKUP_PREFIX = "backup_"
NOT_OURS = "lost+found"
"""What the file system itself keeps at a mount point."""


@dataclass(frozen=True)
class Plan:
    """``moves``: (from, to) in order. ``backup``: where the old program files go, "" for none. ``made``: parent
    directories that the job created, innermost first."""

    target: str
    staging: str
    backup: str
    moves: tuple[tuple[str, str], ...]
    made: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {"target": self.target, "staging": self.staging, "backup": self.backup,
                "moves": [list(move) for move in self.moves], "made": list(self.made)}

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> "Plan":
        return cls(body["target"], body["staging"], body["backup"], tuple((a, b) for a, b in body["moves"]),
                   tuple(body["made"]))


class Opened:
    """Directories by their paths, each opened when it is first asked for and kept open until the end."""

    def __init__(self) -> None:
        self._all: dict[str, Directory] = {}

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._all.values():
            each.close()

    def keep(self, path: str, directory: Directory) -> Directory:
        return self._all.setdefault(path, directory)

    def at(self, path: str, *, make: bool = False) -> Directory:
        """``make``: one that is not there is made. Raises OSError."""
        if path not in self._all:
            above, name = os.path.split(path)
            self.keep(path, self.at(above).make_or_open(name) if make else Directory.at(path))
        return self._all[path]

    def holds(self, path: str) -> bool:
        """True when there is something of that name, a link too. Raises OSError."""
        above, name = os.path.split(path)
        try:
            return self.at(above).facts_of(name) is not None
        except FileNotFoundError:
            return False

    def move(self, source: str, destination: str, *, make: bool = False) -> None:
        """``make``: where it goes is made if it is not there. Raises OSError."""
        from_, name = os.path.split(source)
        to, new = os.path.split(destination)
        self.at(from_).move(name, self.at(to, make=make), new)

    def sync(self) -> None:
        for each in self._all.values():
            each.sync()


def make_plan(target: Path, staging: Path, *, present: Iterable[str] | None, new: Iterable[str], stamp: str,
              made: tuple[str, ...] = ()) -> Plan:
    """The renames that put ``staging`` in place. ``present``: names in the target, None when there is no target;
    ``new``: names in the staging directory; ``stamp``: of the backup's name."""
    if present is None:
        return Plan(str(target), str(staging), "", ((str(staging), str(target)),), made)
    old = sorted(name for name in present if name not in (*STAYS, NOT_OURS) and not name.startswith(BACKUP_PREFIX)
                 and target / name != staging)
    backup = target / f"{BACKUP_PREFIX}{stamp}"
    away = [(str(target / name), str(backup / name)) for name in old]
    # What stays in the target is the application's own; a package does not bring data.
    into = [(str(staging / name), str(target / name)) for name in sorted(new) if name not in STAYS]
    return Plan(str(target), str(staging), str(backup) if away else "", (*away, *into), made)


def carry_out(plan: Plan) -> None:
    """Do every rename. Interrupted, it must be followed by ``undo_moves``. Raises OSError."""
    with Opened() as opened:
        if plan.backup:
            above, name = os.path.split(plan.backup)
            opened.keep(plan.backup, opened.at(above).make(name))
        for source, destination in plan.moves:
            opened.move(source, destination)
        opened.sync()


def undo_moves(plan: Plan) -> None:
    """Undo what was done, in the opposite order. May be called again until ``clear_away`` begins; after that never,
    because from then on an absent file no longer means that it was moved. Raises OSError."""
    with Opened() as opened:
        for source, destination in reversed(plan.moves):
            if opened.holds(destination) and not opened.holds(source):
                opened.move(destination, source, make=True)
        opened.sync()


def clear_away(staging: str, made: Iterable[str], backup: str = "") -> None:
    """Remove the staging directory, an empty backup, and the parents that the job made if they are empty."""
    _remove(staging, Directory.remove_all)
    for directory in (*([backup] if backup else []), *made):
        _remove(directory, Directory.remove_empty)


def _remove(path: str, how: Callable[[Directory, str], object]) -> None:
    above, name = os.path.split(path)
    with contextlib.suppress(OSError), Directory.at(above) as directory:
        how(directory, name)


def undo_noted(entry: Entry) -> None:
    """Undo what the notes of a job tell of: ``plan``, ``staging``, ``made``. May be called again. Raises OSError."""
    notes = entry.body["notes"]
    backup = ""
    if fields := notes.get("plan"):
        plan = Plan.from_dict(fields)
        backup = plan.backup
        if not notes.get("moves_undone"):
            undo_moves(plan)
            entry.note(moves_undone=True)
    if staging := notes.get("staging"):
        clear_away(staging, notes.get("made", []), backup)


def free_stamp(present: Iterable[str]) -> str:
    """The time, as the end of a backup directory's name that is not one of ``present``."""
    taken, stamp, number = frozenset(present), time.strftime("%Y-%m-%d_%H-%M-%S"), 1
    while f"{BACKUP_PREFIX}{stamp}{f'_{number}' if number > 1 else ''}" in taken:
        number += 1
    return stamp if number == 1 else f"{stamp}_{number}"
