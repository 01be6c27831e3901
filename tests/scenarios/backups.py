"""A backup of a run's databases as docs/backup.md says, and putting it back."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

from control.witnesses import FILE

from .harness import Pairwise

DATABASES = ("pairwise.sqlite3", "control.sqlite3")


class Backup:
    """Taken now, while everything runs."""

    def __init__(self, pairwise: Pairwise, directory: Path):
        self._pairwise, self._directory = pairwise, directory
        directory.mkdir()
        for name in DATABASES:
            with (contextlib.closing(sqlite3.connect(pairwise.data_dir / name)) as source,
                  contextlib.closing(sqlite3.connect(directory / name)) as copy):
                source.backup(copy)

    def put_back(self, *, elsewhere: bool = False) -> None:
        """Stop the console, put this in the place of what it has now, start it; servers and agents go on meanwhile.
        ``elsewhere``: as on another machine, which remembers nothing itself."""
        self._pairwise.stop()
        self._pairwise.end_asked()
        for name in DATABASES:
            for leftover in ("-wal", "-shm"):
                (self._pairwise.data_dir / f"{name}{leftover}").unlink(missing_ok=True)
            shutil.copy(self._directory / name, self._pairwise.data_dir / name)
        if elsewhere:
            (self._pairwise.data_dir / FILE).unlink()
        self._pairwise.start()
