"""A backup of this console, while everything runs."""

import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from console.backup import archive, contents, databases
from console.backup.archive import Manifest
from console.backup.sealed import LEAST_KEY, CannotOpen
from console.relocation import recovery
from protocol.version import VERSION

ROOM = 2
"""Times the size of what is copied: the copies, and the file."""
LABELS = {"default": "Configuration Database", "control": "control's record", "log": "log records"}


def require_key(key: str) -> None:
    """Raises CannotOpen for one that is easily guessed."""
    if key and len(key) < LEAST_KEY:
        raise CannotOpen(f"PAIRWISE_BACKUP_KEY has fewer than {LEAST_KEY} characters: take a random one, for example "
                         "of `python3 -c \"import secrets; print(secrets.token_urlsafe(32))\"`.")


def back_up(place: Path, key: str, *, with_log: bool, say: Callable[[str], None]) -> int:
    """Make ``place``; its bytes. Raises CannotOpen, Unfit, OSError and what databases raise."""
    require_key(key)
    recovery.require_nobody_at_work(settings.PAIRWISE_DATA_DIR)
    if place.exists():
        raise CannotOpen(f"{place} is there already: name a file that is not.")
    if not place.parent.is_dir():
        raise CannotOpen(f"{place.parent} is no directory: make it first.")
    needed = ROOM * contents.size(with_log)
    if (free := shutil.disk_usage(place.parent).free) < needed:
        raise CannotOpen(f"The disk of {place.parent} has {free // 2**20} MB free, and the backup may need "
                         f"{needed // 2**20 + 1} MB: make room, or name another disk.")
    with tempfile.TemporaryDirectory(prefix=".pairwise-backup-", dir=place.parent) as staging:
        directory = Path(staging)
        kept = {}
        (directory / "databases").mkdir(mode=0o700)
        for alias in databases.aliases(with_log):
            say(f"Copying: {LABELS[alias]}")
            kept[alias] = databases.dump(alias, directory / "databases")
        say("Copying: keys, certificates, packages and settings")
        (directory / "files").mkdir(mode=0o700)
        contents.gather(directory / "files", os.environ)
        manifest = Manifest(version=VERSION, at=datetime.now(UTC).isoformat(timespec="seconds"), databases=kept)
        say(f"Writing {place}")
        archive.write(place, directory, manifest, key, say)
    return place.stat().st_size
