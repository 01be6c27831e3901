"""A machine on which nothing of Pairwise runs becomes a host by the one line of its page."""

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from redis.exceptions import NoPermissionError

from .applications import message_server
from .harness import PATIENCE, Pairwise, wait_for
from .hosts import Lan, Node, VirtualHost

CONSOLE, MACHINE = 2, 11
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


@pytest.fixture(scope="module")
def network(hosts_allowed, tmp_path_factory):
    directory = tmp_path_factory.mktemp("joining")
    with Lan() as lan, Node(lan, CONSOLE) as console:
        run = Pairwise(directory / "var", inside=console.prefix, host=console.address)
        machine = Machine(lan, MACHINE, "gamma", directory / "gamma")
        machine.boot()
        try:
            run.start()
            yield [run, machine]
        finally:
            machine.close()
            left = run.end_everything()
    assert not left, f"left behind: {left}"


def host_of(pairwise: Pairwise, name: str) -> dict:
    return next(each for each in pairwise.status()["hosts"] if each["name"] == name)


def line_of(page: str) -> str:
    return html.unescape(re.search(r'<pre[^>]*id="join-line"[^>]*><code>(.*?)</code>', page, re.DOTALL)[1])


@pytest.mark.long
def test_a_machine_joins_by_the_line_of_its_page_and_runs_a_server(network):
    pairwise, machine = network
    browser = pairwise.browser()
    page = browser.post("/provisioning/environment/hosts/new/", {
        "name": machine.name, "ip_address": machine.address, "os_type": "Linux", "os_version": "", "lca_port": "4999",
        "enabled": "on"})
    assert page.status == 200, page.text
    first = line_of(page.text)

    done = machine.paste(first)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{machine.logs()}"
    assert f"Host {machine.name} is ready." in done.stdout
    host = host_of(pairwise, machine.name)
    assert (host["status"], host["worker_alive"]) == ("Running", True)
    assert machine.file(DIRECTORY / "agent.json").stat().st_mode & 0o077 == 0
    account = json.loads(machine.file(DIRECTORY / "agent.json").read_text())["broker_url"]
    with redis.Redis.from_url(account) as client:
        assert client.llen(f"host.{machine.name}") == 0
        with pytest.raises(NoPermissionError):
            client.llen("host.localhost")
    page = browser.get(page.url.removeprefix(pairwise.address))
    assert "step-waiting" not in page.text
    assert "step-failed" not in page.text
    ladder = browser.get(f"{page.url.removeprefix(pairwise.address)}ladder/").text
    assert not re.search("Holds up to|No rung holds", ladder), ladder
    assert "It answered over the broker a moment ago." in ladder

    again = machine.paste(first)
    assert again.returncode == 1
    assert "The token was used already" in again.stderr

    server = installed_and_started(pairwise, machine.name)
    address = page.url.removeprefix(pairwise.address)
    second = line_of(browser.post(f"{address}join/", {}).text)
    agent = agent_pid(machine)
    done = machine.paste(second)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{machine.logs()}"
    assert agent_pid(machine) != agent
    after = wait_for(lambda: running_server(pairwise), 20, "the server Started")
    assert after["pid"] == server["pid"]
    for path in pairwise.data_dir.rglob("*.log"):
        text = path.read_text(errors="replace")
        assert token_of(first) not in text
        assert token_of(second) not in text

    pairwise.manage("stop", "MS_Joined", "--wait")
    removed = machine.paste(f"python3 {DIRECTORY}/current/remove.py")
    assert removed.returncode == 0, removed.stderr
    assert [path.name for path in machine.file(DIRECTORY).iterdir()] == ["apps"]
    wait_for(lambda: host_of(pairwise, machine.name)["status"] != "Running", 20, "the agent gone")
    left = wait_for(lambda: (found := pairwise.application("MS_Joined"))["reason"].startswith("Not managed") and found,
                    20, "the application not managed")
    assert left["status"] == "Stopped"


def token_of(line: str) -> str:
    return line.split()[1]


def agent_pid(machine: Machine) -> int:
    return int(machine.file(DIRECTORY / "agent.pid").read_text().split()[0])


def installed_and_started(pairwise: Pairwise, host: str) -> dict:
    path = pairwise.data_dir.parent / "joined.yaml"
    path.write_text(json.dumps({"applications": [message_server("MS_Joined", host=host)]}))
    pairwise.manage("apply", str(path), "--yes")
    pairwise.manage("install", "MS_Joined", "--wait")
    pairwise.manage("start", "MS_Joined", "--wait")
    return pairwise.wait_status("MS_Joined", "Started")


def running_server(pairwise: Pairwise) -> dict | None:
    found = pairwise.application("MS_Joined")
    return found if found["status"] == "Started" else None
