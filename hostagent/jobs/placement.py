"""Puts a new installation in place of the old one so that any interruption can be undone.

Everything is a list of renames inside one file system, written down before the first: after a crash at any point
``undo_moves`` finds out from what exists which of them were done. That it is through must be written down before
``clear_away`` removes what it goes by.
"""

import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..files import sync_directory
from .journal import Entry

STAYS = ("data", "logs", "tls")
BACKUP_PREFIX = "backup_"


@dataclass(frozen=True)
class Plan:
    """``moves``: (from, to) in order. ``backup``: where the old program files go, "" for none. ``made``: parent
    directories that the job created, innermost first."""

    target: str
    staging: str
    backup: str
    moves: tuple[tuple[str, str], ...]
    made: tuple[str, ...] = ()

    def to_dict(self) -> dict:
        return {"target": self.target, "staging": self.staging, "backup": self.backup,
                "moves": [list(move) for move in self.moves], "made": list(self.made)}

    @classmethod
    def from_dict(cls, body: dict) -> "Plan":
        return cls(body["target"], body["staging"], body["backup"], tuple((a, b) for a, b in body["moves"]),
                   tuple(body["made"]))


def make_plan(target: Path, staging: Path, *, present: Iterable[str] | None, new: Iterable[str], stamp: str,
              made: tuple[str, ...] = ()) -> Plan:
    """The renames that put ``staging`` in place. ``present``: names in the target, None when there is no target;
    ``new``: names in the staging directory; ``stamp``: of the backup's name."""
    if present is None:
        return Plan(str(target), str(staging), "", ((str(staging), str(target)),), made)
    old = sorted(name for name in present
                 if name not in STAYS and not name.startswith(BACKUP_PREFIX) and target / name != staging)
    backup = target / f"{BACKUP_PREFIX}{stamp}"
    away = [(str(target / name), str(backup / name)) for name in old]
    # What stays in the target is the application's own; a package does not bring data.
    into = [(str(staging / name), str(target / name)) for name in sorted(new) if name not in STAYS]
    return Plan(str(target), str(staging), str(backup) if away else "", (*away, *into), made)


def carry_out(plan: Plan) -> None:
    """Do every rename. Interrupted, it must be followed by ``undo_moves``."""
    if plan.backup:
        os.makedirs(plan.backup, mode=0o750, exist_ok=False)
    for source, destination in plan.moves:
        os.rename(source, destination)
    for directory in {os.path.dirname(destination) for _, destination in plan.moves}:
        sync_directory(Path(directory))


def undo_moves(plan: Plan) -> None:
    """Undo what was done, in the opposite order. May be called again until ``clear_away`` begins; after that never,
    because from then on an absent file no longer means that it was moved."""
    for source, destination in reversed(plan.moves):
        if os.path.lexists(destination) and not os.path.lexists(source):
            os.makedirs(os.path.dirname(source), exist_ok=True)
            os.rename(destination, source)
    for directory in {os.path.dirname(source) for source, _ in plan.moves} | {plan.target, plan.staging}:
        if os.path.isdir(directory):
            sync_directory(Path(directory))


def clear_away(staging: str, made: Iterable[str], backup: str = "") -> None:
    """Remove the staging directory, an empty backup, and the parents that the job made if they are empty."""
    shutil.rmtree(staging, ignore_errors=True)
    if backup and os.path.isdir(backup) and not os.listdir(backup):
        os.rmdir(backup)
    for directory in made:
        try:
            os.rmdir(directory)
        except OSError:
            return


def undo_noted(entry: Entry) -> None:
    """Undo what the notes of a job tell of: ``plan``, ``staging``, ``made``. May be called again."""
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


def free_stamp(place: Path) -> str:
    """The time, as the end of a backup directory's name that is not taken in ``place``."""
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
    number = 1
    while os.path.lexists(place / f"backup_{stamp}{f'_{number}' if number > 1 else ''}"):
        number += 1
    return stamp if number == 1 else f"{stamp}_{number}"
