"""One process of the console: started in a session of its own, its output in a log, ended with all its children."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

from console.up.processes import end_all, session_members
from console.up.program import NOTHING_MORE, Begin, Process, Program, appending, spawn
from hostagent.kept import has_room
from protocol.pauses import doubling

LOG_BYTES_MAX = 10 * 2**20
RESTART_FIRST_S, RESTART_MAX_S, STAYED_UP_S = 0.5, 30.0, 60.0
NO_ROOM_S = 3.0
"""Wait before the next start while the disk is full."""
END_CHILDREN_S = 2.0
STOP_S = 5.0
"""A clean end may take so long; whoever stops everything waits for one group after the other."""


def restart_delays() -> Iterator[float]:
    """Seconds to wait before the next start after one end in a row, after two, ...: none, 0.5, 1, 2, ... 30."""
    return chain((0.0,), doubling(RESTART_FIRST_S, RESTART_MAX_S))


def how_it_ended(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def rotate(log: Path, limit: int = LOG_BYTES_MAX) -> None:
    """Move what is in ``log`` to ``<log>.1`` once it is longer than ``limit`` bytes.

    Copied and cut, not renamed: the process goes on appending to the file it has open. What cannot be moved now, as
    there is no room for the copy, stays for the next time.
    """
    with contextlib.suppress(OSError):
        if not log.exists() or log.stat().st_size <= limit:
            return
        with open(log, "r+b") as file, open(log.with_suffix(log.suffix + ".1"), "wb") as older:
            file.seek(-limit, os.SEEK_END)
            while block := file.read(2**20):
                older.write(block)
            file.truncate(0)


class Child:
    """A Program and, while it runs, its process. ``ended`` notes an end and when to start again; ``stop_s`` is how
    long a clean end may take."""

    def __init__(self, program: Program, log_dir: Path, mark: str, begin: Begin = spawn):
        self.program, self.mark, self._begin = program, mark, begin
        self.stop_s = STOP_S
        self.log = log_dir / f"{program.name}.log"
        self.process: Process | None = None
        self.killed = self.halted = False
        self.started_at = 0.0
        self._delays = restart_delays()
        self.start_again_at: float | None = None

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, more: Mapping[str, str] = NOTHING_MORE) -> None:
        """Start it, with ``more`` in its environment. Raises OSError."""
        rotate(self.log)
        with appending(self.log) as log:
            self.process = self._begin(self.program, log, more)
        self.started_at, self.start_again_at, self.killed = time.monotonic(), None, False

    def ended(self) -> int | None:
        """Exit code once the process has ended; the time of the next start is set."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        if time.monotonic() - self.started_at > STAYED_UP_S:
            self._delays = restart_delays()
        self._end_session(self.process)
        self.process = None
        self.start_later()
        return code

    def start_later(self) -> None:
        """Set the time of the next start. What ends for want of room is not to wait for long once there is some."""
        self.start_again_at = time.monotonic() + (next(self._delays) if has_room(self.log.parent) else NO_ROOM_S)

    def ask_to_stop(self) -> None:
        self.start_again_at = None
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.program.stop_signal)

    def kill(self) -> None:
        self.killed = True
        if self.process is not None and self.process.poll() is None:
            self.process.kill()

    def gone(self) -> bool:
        """True once the process and everything in its session have ended."""
        if self.process is not None:
            if self.process.poll() is None:
                return False
            self._end_session(self.process)
            self.process = None
        return True

    def _end_session(self, process: Process) -> None:
        end_all(session_members(process.pid, self.mark), within_s=END_CHILDREN_S)
