"""A real pair on this machine: a whole Pairwise, two Message Servers that its agent runs, and what they have done."""

import contextlib
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.scenarios.applications import apply_file, message_server
from tests.scenarios.harness import Pairwise, wait_for

LOGIN, PASSCODE = "bench", "benchpass"
WHOLE_S, EQUAL_S = 60, 60


class LocalPair:
    """Installed and started on return, and whole: one serves, the other is in sync."""

    def __init__(self, run: Pairwise, name: str = "Bench", limits: dict[str, str] | None = None):
        self.run, self.names = run, (f"{name}_A", f"{name}_B")
        servers = [message_server(each, auto_restart=True) for each in self.names]
        if limits:
            for each in servers:
                each["options"]["limits"] = limits
        link = {"backup": self.names[1], "redundancy_type": "warm standby"}
        self.ports = {each["name"]: each["ports"][0]["port"] for each in servers}
        run.manage("apply", apply_file(run, servers[0] | link, servers[1]), "--yes")
        for verb in ("install", "start"):
            for each in self.names:
                run.manage(verb, each, "--wait")
        self.wait_whole()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        return [("127.0.0.1", port) for port in self.ports.values()]

    def facts(self) -> dict:
        return self._facts(self.run.status())

    def _facts(self, status: dict) -> dict:
        return next(each for each in status["pairs"] if each["primary"] == self.names[0])

    def pid(self, name: str) -> int:
        return self.run.application(name)["pid"]

    def other(self, name: str) -> str:
        return self.names[1 - self.names.index(name)]

    def wait_whole(self, timeout: float = WHOLE_S) -> str:
        """Until one serves and the other is in sync; the name of the one that serves."""
        last: dict = {}

        def whole() -> bool:
            status = self.run.status()
            modes = {each["name"]: each["mode"] for each in status["applications"]
                     if each["name"] in self.names and each["status"] == "Started"}
            last.update(pair=self._facts(status), modes=modes, reasons=[
                (each["status"], each["reason"], each["link"]) for each in status["applications"]])
            active = last["pair"]["active"]
            return last["pair"]["in_sync"] and modes.get(active) == "Primary" and len(modes) == 2

        try:
            wait_for(whole, timeout, "a whole pair", every=0.02)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {last}") from None
        return last["pair"]["active"]

    def log_to(self, primary: str) -> None:
        """Have the console read the log records of this pair, "" for of none."""
        path = self.run.data_dir.parent / "log_to.yaml"
        path.write_text(json.dumps({"log": {"to": primary}}))
        self.run.manage("apply", str(path), "--yes")

    def assert_equal(self) -> None:
        """Both copies are in sync, the same and complete: what was acknowledged is on both disks."""
        wait_for(lambda: (pair := self.facts())["in_sync"] and pair["digests_equal"] and pair["lag"] == 0, EQUAL_S,
                 "equal copies")

    def kill(self, name: str) -> None:
        """kill -9."""
        os.kill(self.pid(name), signal.SIGKILL)

    def processor_s(self) -> dict[str, float]:
        """Seconds of processor that each member has used."""
        return {name: sum(psutil.Process(self.pid(name)).cpu_times()[:2]) for name in self.names}


@contextlib.contextmanager
def local_pair(directory: Path | None = None, limits: dict[str, str] | None = None) -> Iterator[LocalPair]:
    """A pair in a temporary directory under ``directory``, ended with everything else at the end of the block.
    ``limits``: options of that section."""
    with (tempfile.TemporaryDirectory(prefix="pairwise-bench-", dir=directory) as name,
          Pairwise(Path(name) / "var") as run):
        yield LocalPair(run.start(), limits=limits)
