"""A site: one Pairwise on a host of its own, and hosts with agents. What scenarios with pairs are made of."""

import itertools
import json
import signal
import subprocess
import sys
from pathlib import Path

import yaml

from console.up.redis import usual_program, wait_ready
from tests.ports import free_port

from .harness import PASSWORD, ROOT, Pairwise, wait_for
from .hosts import Lan, Node, VirtualHost
from .machine import Machine

CONSOLE, FIRST_HOST = 2, 11
LCA_PORT = 4999
ENDS_S, JOB_S = 20.0, 60.0
SECRETS = """
import json, sys
import django
django.setup()
from provisioning.models import Host
print(json.dumps({host.name: host.secret for host in Host.objects.all()}))
"""


class Redis:
    """The broker of a site, on the console's address. It may be killed and started again: it keeps what it was given.
    """

    def __init__(self, node: Node, directory: Path):
        port = free_port()
        directory.mkdir(parents=True)
        self.url = f"redis://:{PASSWORD}@{node.address}:{port}/0"
        self._log = directory / "redis.log"
        self._command = [*node.prefix, usual_program(), "--port", str(port), "--bind", node.address, "--requirepass",
                         PASSWORD, "--dir", str(directory), "--appendonly", "yes", "--save", ""]
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it, if it does not run; it answers on return."""
        if self._process is None:
            with open(self._log, "ab") as log:
                self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        assert wait_ready(self.url, within_s=20, stopped=lambda: self._process.poll() is not None), "Redis is silent"

    def kill(self) -> None:
        process, self._process = self._process, None
        process.kill()
        process.wait(ENDS_S)

    def freeze(self) -> None:
        """It takes connections, and answers nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def mend(self) -> None:
        """Undo ``kill`` and ``freeze``."""
        if self._process is not None:
            self.thaw()
        self.start()

    def end(self) -> None:
        if self._process is not None:
            self.thaw()
            self._process.terminate()
            self._process.wait(ENDS_S)


class Site:
    """Started on return, its hosts too unless ``boot`` is False. ``machine`` is the console's; ``hosts`` are by name;
    each has beside its own a small disk of ``disk_mb``."""

    def __init__(self, directory: Path, *, hosts: tuple[str, ...] = ("alpha", "beta"), disk_mb: int = 64,
                 boot: bool = True):
        self.directory = directory
        self.hosts: dict[str, VirtualHost] = {}
        self.redis: Redis | None = None
        self.lan = Lan()
        try:
            self.console = Node(self.lan, CONSOLE)
            (directory / "console").mkdir(parents=True)
            self.machine = Machine(directory / "console")
            self.redis = Redis(self.console, directory / "redis")
            self.redis.start()
            self.pairwise = Pairwise(directory / "var", inside=[*self.console.prefix, *self.machine.prefix],
                                     host=self.console.address,
                                     PAIRWISE_REDIS_URL=self.redis.url, PAIRWISE_WEBHOOK_HTTP="1")
            for number, name in enumerate(hosts, FIRST_HOST):
                self.hosts[name] = VirtualHost(self.lan, number, name, directory / name)
            for host in self.hosts.values():
                self.lan.mount_disk(host.disk, disk_mb)
            self.pairwise.start()
            self._enrol(self.redis.url)
            if boot:
                self.boot()
        except BaseException:
            self.end()
            raise

    def boot(self) -> None:
        """Every host on; until all are there."""
        for host in self.hosts.values():
            host.boot()
        for name in self.hosts:
            self.wait_host(name, 30 + 3 * len(self.hosts))

    def _enrol(self, redis_url: str) -> None:
        """Make the Host objects, and each host's agent.json."""
        path = self.directory / "hosts.yaml"
        path.write_text(yaml.safe_dump({"hosts": [
            {"name": host.name, "ip_address": host.address, "os_type": "Linux", "lca_port": LCA_PORT}
            for host in self.hosts.values()]}))
        self.pairwise.manage("apply", str(path), "--yes")
        secrets = json.loads(subprocess.run([sys.executable, "-c", SECRETS], cwd=ROOT, env=self.pairwise.environment,
                                            check=True, capture_output=True, text=True).stdout)
        for host in self.hosts.values():
            host.agent_config.touch(0o600)
            host.agent_config.write_text(json.dumps({
                "ca_file": str(self.pairwise.authority), "console_ca_file": str(self.pairwise.authority),
                "host": host.name, "secret": secrets[host.name], "broker_url": redis_url, "lca_port": LCA_PORT,
                "control": [{"host": self.console.address, "port": self.pairwise.control_port}],
                "console_url": self.pairwise.address, "state_dir": str(host.state), "install_root": str(host.apps)}))

    def wait_host(self, name: str, timeout: float = 30) -> None:
        """Until control hears its agent and its worker runs."""
        def runs() -> bool:
            host = next(each for each in self.pairwise.status()["hosts"] if each["name"] == name)
            return host["status"] == "Running" and host["worker_alive"]

        wait_for(runs, timeout, f"host {name} Running")

    def run_jobs(self, verb: str, *applications: str) -> None:
        """Install, start or stop these applications at the same time; AssertionError when a job did not succeed."""
        answers = [self.pairwise.ask(verb, name=name) for name in applications]
        assert all(answer["ok"] for answer in answers), answers
        for answer in answers:
            ended = self.wait_job(answer["facts"]["job"])
            assert ended["state"] == "succeeded", ended

    def wait_job(self, job: str) -> dict:
        """How it ended: {state, reason}."""
        def ended() -> dict | None:
            facts = self.pairwise.ask("job", id=job)
            return None if facts["state"] in ("queued", "claimed", "running") else facts

        return wait_for(ended, JOB_S, f"the end of job {job}")

    def mend(self) -> None:
        """Every host on and connected to everybody, and the console's machine well."""
        self.machine.mend()
        nodes = [self.console, *self.hosts.values()]
        for host in self.hosts.values():
            if host.is_on:
                host.heal()
            else:
                host.boot()
        for one, other in itertools.permutations(nodes, 2):
            one.find(other)

    def logs(self) -> dict[str, str]:
        """The ends of all logs, by name."""
        return self.pairwise.logs() | {name: text for host in self.hosts.values() for name, text in host.logs().items()}

    def __enter__(self) -> "Site":
        return self

    def __exit__(self, kind, *_) -> None:
        left = self.end()
        assert kind or not left, f"left behind: {left}"

    def end(self) -> dict[int, str]:
        """Everything off; what the console left behind (empty when all is well)."""
        left: dict[int, str] = {}
        try:
            for host in self.hosts.values():
                host.close()
            if hasattr(self, "pairwise"):
                left = self.pairwise.end_everything()
        finally:
            if self.redis is not None:
                self.redis.end()
            if hasattr(self, "console"):
                self.console.close()
            self.lan.close()
        return left
