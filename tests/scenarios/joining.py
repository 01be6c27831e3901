"""Machines on which nothing of Pairwise runs, beside a console that they can join."""

import contextlib
import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from .browserless import Answer, Browserless
from .harness import PATIENCE, Pairwise
from .hosts import Lan, Node, VirtualHost

CONSOLE, FIRST = 2, 11
JOIN_S = 90 * PATIENCE
DIRECTORY = Path("/opt/pairwise-agent")
PATHS = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


class Machine(VirtualHost):
    """A machine on which nothing runs, with a /opt of its own and no systemd."""

    def boot(self) -> None:
        super().boot()
        for directory in ("/opt", "/run/systemd"):
            if os.path.isdir(directory):
                subprocess.run([*self.everything, "mount", "-t", "tmpfs", "tmpfs", directory], check=True)

    def _tell(self, line: str) -> None:
        super()._tell(json.dumps({**json.loads(line), "argv": ["sleep", "infinity"]}) if line[0] == "{" else line)

    def paste(self, line: str) -> subprocess.CompletedProcess:
        """What root's shell on this machine says to ``line``; its umask is that of a hardened machine."""
        return subprocess.run([*self.everything, "sh", "-c", line], cwd="/", env={"PATH": self._path()}, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=JOIN_S, umask=0o077)

    @staticmethod
    def _path() -> str:
        # The machine's own Python, where it is new enough; else the one that the tests run on.
        enough = "import sys; sys.exit(sys.version_info < (3, 11))"
        own = subprocess.run(["python3", "-c", enough], env={"PATH": PATHS}, check=False)
        return PATHS if own.returncode == 0 else f"{os.path.dirname(os.path.realpath(sys.executable))}:{PATHS}"

    def logs(self, tail: int = 4000) -> dict[str, str]:
        return {f"{self.name}/{path.name}": path.read_text(errors="replace")[-tail:]
                for path in self.file(DIRECTORY).rglob("*.log")}

    def file(self, path: Path) -> Path:
        """Where this machine has what the machine calls ``path``."""
        return Path(f"/proc/{self.pid}/root{path}")


@contextlib.contextmanager
def console_beside(directory: Path, *names: str, kind: type[Machine] = Machine):
    """(a console that was not started yet, machines of these names that are on)."""
    with contextlib.ExitStack() as stack:
        lan = stack.enter_context(Lan())
        console = stack.enter_context(Node(lan, CONSOLE))
        run = stack.enter_context(Pairwise(directory / "var", inside=console.prefix, host=console.address))
        machines = [kind(lan, number, name, directory / name) for number, name in enumerate(names, FIRST)]
        for machine in machines:
            stack.callback(machine.close)
            machine.boot()
        yield run, *machines


def created(browser: Browserless, machine: Machine) -> Answer:
    """The page of the Host that was made for ``machine``."""
    return browser.post("/provisioning/environment/hosts/new/", {
        "name": machine.name, "ip_address": machine.address, "os_type": "Linux", "os_version": "", "lca_port": "4999",
        "enabled": "on"})


def host_of(pairwise: Pairwise, name: str) -> dict:
    return next(each for each in pairwise.status()["hosts"] if each["name"] == name)


def line_of(page: str) -> str:
    return html.unescape(re.search(r'<pre[^>]*id="join-line"[^>]*><code>(.*?)</code>', page, re.DOTALL)[1])
