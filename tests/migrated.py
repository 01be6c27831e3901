"""Databases as all migrations leave them, made once and copied: each worker would need seconds of a processor."""

import fcntl
import os
import shutil
from pathlib import Path

from django.conf import settings
from django.db import connections


class MigratedOnce:
    """``take``, then migrate where it took nothing, then ``give``: of the workers of a run the first one gives, and the
    others wait for it. Of databases that are no files nothing is given."""

    def __init__(self, kept: Path):
        self._kept = kept
        kept.mkdir(exist_ok=True)
        self._lock = os.open(kept / "lock", os.O_RDWR | os.O_CREAT)
        self._gives = False

    def __enter__(self) -> "MigratedOnce":
        return self

    def __exit__(self, *_) -> None:
        os.close(self._lock)

    def take(self) -> bool:
        """Whether the databases of this worker are there now."""
        if any("sqlite" not in each["ENGINE"] for each in settings.DATABASES.values()):
            return False
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        done = self._kept / "done"
        self._gives = not done.exists()
        if not self._gives:
            for alias, file in self._files():
                shutil.copyfile(self._kept / alias, file)
            fcntl.flock(self._lock, fcntl.LOCK_UN)
        return not self._gives

    def give(self) -> None:
        """Keep what the migrations made here for the others."""
        if not self._gives:
            return
        for connection in connections.all():
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
        for alias, file in self._files():
            shutil.copyfile(file, self._kept / alias)
        (self._kept / "done").touch()
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _files(self) -> list[tuple[str, Path]]:
        return [(alias, Path(each["TEST"]["NAME"])) for alias, each in settings.DATABASES.items()]
