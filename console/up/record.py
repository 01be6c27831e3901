"""What a run leaves on disk about itself: the lock of the data directory, run.json and run.env."""

import fcntl
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from console.up.errors import CannotStart
from console.up.processes import end_all, session_members
from hostagent.kept import KeptFile
from protocol.identity import start_ticks

LEFTOVER_END_S = 10.0


class RunRecord:
    """The lock of one data directory and the record of its processes.

    ``take`` raises CannotStart while another run holds the directory. The record outlives a killed run, so that the
    next one can end what was left behind. What a full disk keeps out of it is told through ``say``.
    """

    def __init__(self, data_dir: Path, say: Callable[[str], None] = print):
        self.path = data_dir / "run.json"
        self._file, self._environment = KeptFile(self.path, say), KeptFile(data_dir / "run.env", say)
        self._lock_path = data_dir / "run.lock"
        self._lock = -1
        self._body: dict = {}

    def take(self) -> None:
        self._lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._release()
            raise CannotStart(already_running(self.read(), self.path.parent)) from None

    def read(self) -> dict:
        """The record of the run that holds, or held, the directory; empty when there is none."""
        try:
            body = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return body if isinstance(body, dict) else {}

    def open(self, *, address: str, mark: str, environment: Mapping[str, str]) -> None:
        """Begin the record of this run. ``environment``: the settings that `./run manage` takes over."""
        lines = (f"{name}={value}\n" for name, value in sorted(environment.items()) if "\n" not in value)
        self._environment.keep("".join(lines).encode())
        self._body = {"pid": os.getpid(), "started": start_ticks(os.getpid()), "address": address, "mark": mark,
                      "children": {}}
        self._write()

    def child(self, name: str, pid: int) -> None:
        self._body["children"][name] = {"pid": pid, "started": start_ticks(pid)}
        self._write()

    def _write(self) -> None:
        self._file.keep(json.dumps(self._body, indent=1).encode())

    def settle(self) -> None:
        """Write what could not be written before."""
        self._file.settle()
        self._environment.settle()

    def close(self) -> None:
        """Everything has ended: nothing to remember."""
        if self._body:
            self._file.remove()
            self._environment.remove()
        self._release()

    def _release(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def already_running(record: dict, data_dir: Path) -> str:
    where = f" at {record['address']}" if record.get("address") else ""
    who = f" (process {record['pid']})" if record.get("pid") else ""
    return (f"Pairwise already runs{where}{who} with the data directory {data_dir}: use that one, stop it with Ctrl-C, "
            "or set PAIRWISE_DATA_DIR and the ports to run another beside it.")


def leftovers(record: dict) -> list[int]:
    """Processes of a run that was killed: same pid and start time as recorded, or same session and mark.

    Servers are not among them: they live in sessions of their own and the next agent adopts them.
    """
    mark = str(record.get("mark", ""))
    found: list[int] = []
    if not mark:
        return found
    for child in record.get("children", {}).values():
        pid, ticks = int(child["pid"]), int(child["started"])
        if start_ticks(pid) not in (0, ticks):
            continue
        found += session_members(pid, mark)
        if start_ticks(pid) == ticks and pid not in found:
            found.append(pid)
    return found


def end_leftovers(record: dict) -> int:
    """End what a killed run left behind; the number of processes."""
    pids = leftovers(record)
    end_all(pids, within_s=LEFTOVER_END_S)
    return len(pids)
