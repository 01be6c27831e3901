"""What `up` does while the databases are moved by another process: what writes stands still, and starts again with the
databases that count then. Also when that process died."""

import time
from collections.abc import Callable
from pathlib import Path

from console import kept_databases
from console.kept_databases import Kept
from console.up import programs
from console.up.apart import aside
from console.up.supervisor import Supervisor

STANDING = (programs.CONTROL, programs.WORKER, programs.LOG)
"""Web goes on: pages can be read, and what somebody sends is kept there (``console.standstill``)."""
AGAIN_S = 10.0
"""Until what could not be brought to an end is tried again."""
FINISH_S = 300.0
"""What that may take: it waits for the lock of each file (``relocation.files.WAIT_S``) and for another server."""


class Standstill:
    """``look`` once a second, or so."""

    def __init__(self, data_dir: Path, supervisor: Supervisor, say: Callable[[str], None]):
        self._data_dir, self._supervisor, self._say = data_dir, supervisor, say
        self._number = _number(self._read())
        self._stands = False
        self._again_at = 0.0

    def _read(self) -> Kept | None:
        try:
            return kept_databases.read(self._data_dir)
        except kept_databases.Contradiction as error:
            self._say(str(error))
            return None

    def look(self) -> None:
        if not self._stands and not (self._data_dir / kept_databases.FILE).exists() and not self._number:
            return
        kept = self._read()
        if kept is not None and kept.is_broken_off and time.monotonic() >= self._again_at:
            done = aside(lambda: finish(self._data_dir), self._say, meanwhile=self._supervisor.show_life,
                         within_s=FINISH_S)
            for line in done.get("lines", ()):
                self._say(line)
            self._again_at = time.monotonic() + AGAIN_S
            kept = self._read()
        if kept is not None and kept.is_at_work:
            if not self._stands:
                self._stands = True
                self._say("The databases are being moved: control, the console worker and the log reader stand still")
                self._supervisor.halt(STANDING)
            return
        if self._stands or _number(kept) != self._number:
            self._go_on(kept)

    def _go_on(self, kept: Kept | None) -> None:
        others = _number(kept) != self._number
        self._stands, self._number = False, _number(kept)
        if others:
            # They have the former ones open.
            self._supervisor.halt((programs.WEB, *STANDING))
        self._supervisor.go_on()
        self._say(f"The databases at {kept.place} count now; all runs again" if kept is not None and others else
                  "All runs again")


def _number(kept: Kept | None) -> str:
    return kept.number if kept is not None and kept.counts else ""


def finish(data_dir: Path) -> dict:
    """Finish, or take back, what a process that died has left; tried again later when that is not possible now. What
    there is to say of it."""
    # In the process that does it: `up` stays.
    import sqlite3

    from console.relocation import recovery
    from console.relocation.target import Unfit

    lines: list[str] = []
    try:
        with recovery.alone(data_dir):
            recovery.recover(data_dir, lines.append)
    except (Unfit, sqlite3.Error, OSError) as error:
        lines.append(f"A move of the databases that was broken off could not be brought to an end ({error})")
    return {"lines": lines}
