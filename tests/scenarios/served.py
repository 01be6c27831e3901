"""A console that is a service, on a machine with a Debian and a systemd of its own."""

import shutil
from pathlib import Path

from console.service import layout
from tests.waiting import PATIENCE, wait_for

from .debian import Machine

STARTS_S, TEST_S = 120.0, 1200 * PATIENCE
DPKG = ("dpkg", "--force-unsafe-io", "--force-confold")
"""What it writes has to outlive no power cut; nobody is there to be asked about settings."""
ASK = "import sys, urllib.request as u; print(u.urlopen(f'http://127.0.0.1:{sys.argv[1]}/livez', timeout=5).status)"
SHELL = ("pairwise", "shell", "-v", "0", "-c")


class Served(Machine):
    def state(self) -> str:
        return self.run("systemctl", "is-active", layout.UNIT, check=False).stdout.strip()

    def main_pid(self) -> str:
        return self.says("systemctl", "show", "--value", "-p", "MainPID", layout.UNIT)

    def answers(self, port: int = 8000) -> bool:
        return self.run("python3", "-c", ASK, str(port), check=False).stdout.strip() == "200"

    def wait_started(self, port: int = 8000) -> None:
        wait_for(lambda: self.answers(port) and self.state() == "active", STARTS_S, "the console")

    def journal(self) -> str:
        return self.says("journalctl", "-u", layout.UNIT, "--no-pager")

    def install(self, *packages: Path) -> None:
        for path in packages:
            if not (self.shared / path.name).exists():
                shutil.copy(path, self.shared)
        self.run(*DPKG, "-i", *(f"/media/{path.name}" for path in packages))
