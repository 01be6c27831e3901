"""A console scaled out over machines of its own, played by directories and processes of this one: two that each run
web, control and a console worker, and two hosts with an agent. Started by environment variables alone, as
docs/scaling-out.md says."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import yaml

from protocol.broker_url import verified
from tests.ports import free_port

from .applications import message_server
from .harness import PATIENCE, ROOT, Pairwise, wait_for
from .ledger import Ledger
from .services import Postgres
from .site import JOB_S, SECRETS

ROLES = "control,web,console-worker"
HOSTS = {"alpha": "127.0.0.2", "beta": "127.0.0.3"}
PAIR = ("Scaled_A", "Scaled_B")


class ScaledOut:
    """``with`` it everything runs. ``machines`` are those of the console; ``leader`` and ``standby`` among them."""

    def __init__(self, directory: Path, *, postgres: Postgres, redis: str, redis_ca: str, machines: int = 2):
        self.directory, self.postgres, self.broker = directory, postgres, verified(redis, redis_ca)
        self.database = postgres.url
        common = {"PAIRWISE_DATABASE_URL": self.database, "PAIRWISE_REDIS_URL": redis, "PAIRWISE_REDIS_CA": redis_ca,
                  "PAIRWISE_ONLY": ROLES,
                  "PAIRWISE_SECRET_KEY": secrets.token_hex(32), "PAIRWISE_PACKAGES_DIR": str(directory / "packages")}
        self.machines = [Pairwise(directory / f"console{number}", **common) for number in range(machines)]
        self.controls = [("127.0.0.1", machine.control_port) for machine in self.machines]
        for machine in self.machines:
            machine.environment["PAIRWISE_CONTROLS"] = ",".join(f"{host}:{port}" for host, port in self.controls)
        self.agents: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> "ScaledOut":
        try:
            # They set up one after the other, whoever comes first.
            for machine in self.machines[1:]:
                machine.launch()
            self.machines[0].start()
            self._enrol()
            for machine in self.machines[1:]:
                machine.wait_ready()
            for name in HOSTS:
                self.wait_host(name)
        except BaseException:
            for name, text in self.logs().items():
                print(f"--- {name}\n{text}")
            self.end()
            raise
        return self

    def __exit__(self, *exc_info) -> None:
        self.end()

    # --- the controls ----------------------------------------------------------------------------------------

    def term(self) -> tuple[int, int]:
        """(term, port of the control that leads in it)."""
        with psycopg.connect(self.database) as session:
            term, address = session.execute("SELECT term, address FROM record_leadership").fetchone()
        return term, int(address.rpartition(":")[2])

    @property
    def leader(self) -> Pairwise:
        port = self.term()[1]
        return next(machine for machine in self.machines if machine.control_port == port)

    @property
    def standby(self) -> Pairwise:
        leader = self.leader
        return next(machine for machine in self.machines if machine is not leader)

    def wait_takeover(self, former: int, timeout: float = 20) -> None:
        """Until a term after ``former`` has begun, and its control is heard."""
        wait_for(lambda: self.term()[0] > former, timeout, "another control")
        self.wait_healthy(timeout)

    def wait_healthy(self, timeout: float = 20) -> None:
        wait_for(lambda: all(machine.is_healthy() for machine in self.machines), timeout, "all healthy again")

    # --- the hosts -------------------------------------------------------------------------------------------

    def _enrol(self) -> None:
        first, path = self.machines[0], self.directory / "hosts.yaml"
        ports = {name: free_port(5_000, 9_999) for name in HOSTS}
        path.write_text(yaml.safe_dump({"hosts": [
            {"name": name, "ip_address": address, "os_type": "Linux", "lca_port": ports[name]}
            for name, address in HOSTS.items()]}))
        first.manage("apply", str(path), "--yes")
        known = json.loads(subprocess.run([sys.executable, "-c", SECRETS], cwd=ROOT, env=first.environment, check=True,
                                          capture_output=True, text=True).stdout)
        for name in HOSTS:
            self._configure_agent(name, known[name], ports[name])
            self._start_agent(name)

    def _configure_agent(self, name: str, secret: str, port: int) -> None:
        home = self.directory / name
        for each in (home / "state", home / "apps"):
            each.mkdir(parents=True)
        config = home / "agent.json"
        config.touch(0o600)
        # One address of control: the agent learns the other.
        config.write_text(json.dumps({
            "host": name, "secret": secret, "broker_url": self.broker, "lca_port": port,
            "control": [dict(zip(("host", "port"), self.controls[0], strict=True))],
            "console_url": self.machines[0].address, "state_dir": str(home / "state"),
            "install_root": str(home / "apps")}))

    def _start_agent(self, name: str, **more: str) -> None:
        home = self.directory / name
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PAIRWISE_")} | more
        with open(home / "agent.log", "ab") as log:
            self.agents[name] = subprocess.Popen(
                [sys.executable, "-m", "hostagent", "--config", str(home / "agent.json")], cwd=ROOT, env=environment,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)

    def wait_host(self, name: str) -> None:
        def runs() -> bool:
            host = next(each for each in self.machines[0].status()["hosts"] if each["name"] == name)
            return host["status"] == "Running" and host["worker_alive"]

        wait_for(runs, 30, f"host {name} Running")

    # --- the pair --------------------------------------------------------------------------------------------

    def make_pair(self) -> None:
        """Install and start it, and wait until it is whole; jobs are asked for on the last machine."""
        applications = [message_server(name, host=host) for name, host in zip(PAIR, HOSTS, strict=True)]
        applications[0] |= {"backup": PAIR[1], "redundancy_type": "warm standby"}
        self.addresses = [("127.0.0.1", each["ports"][0]["port"]) for each in applications]
        path = self.directory / "pair.yaml"
        path.write_text(yaml.safe_dump({"applications": applications}))
        self.machines[-1].manage("apply", str(path), "--yes")
        for verb in ("install", "start"):
            self.run_jobs(verb)
        self.wait_whole()

    def _asked(self, verb: str, name: str) -> dict:
        """The answer of who takes it; a job before it may have ended without its end being recorded yet."""
        return wait_for(lambda: (answer := self.machines[-1].ask(verb, name=name))["ok"] and answer, 60,
                        f"{verb} {name} is taken", 0.5)

    def run_jobs(self, verb: str, *names: str) -> None:
        """Of the pair, or of the applications of these names."""
        asked = [self._asked(verb, name) for name in names or PAIR]
        for answer in asked:
            job = answer["facts"]["job"]
            ended = wait_for(lambda job=job: (facts := self.machines[0].ask("job", id=job))["state"] not in (
                "queued", "claimed", "running") and facts, JOB_S, f"the end of job {job}")
            assert ended["state"] == "succeeded", ended

    def pair(self) -> dict:
        return self.machines[-1].status()["pairs"][0]

    def member(self, name: str) -> dict:
        return self.machines[-1].application(name)

    def wait_whole(self, timeout: float = 30) -> None:
        def whole() -> bool:
            return self.pair()["in_sync"] and all(self.member(name)["status"] == "Started" for name in PAIR)

        wait_for(whole, timeout, "the pair whole")

    def ledger(self) -> Ledger:
        return Ledger(self.addresses)

    def restart(self, machine: Pairwise, key: str, former: str = "") -> None:
        """One machine of the console, with this secret key and, "" for none, another one that counts as well."""
        assert machine.stop() == 0
        machine.environment |= {"PAIRWISE_SECRET_KEY": key, "PAIRWISE_SECRET_KEY_FALLBACKS": former}
        machine.start()
        machine.wait_healthy(30)

    def restore(self, fill: Callable[[], object]) -> None:
        """Every machine of the console with another database, which ``fill`` fills while none of them runs; agents and
        servers go on."""
        for machine in self.machines:
            machine.end_asked()
            assert machine.stop() == 0
        with psycopg.connect(self.database, autocommit=True) as session:
            session.execute("CREATE DATABASE restored")
        self.database = f"{self.database.rpartition('/')[0]}/restored"
        for machine in self.machines:
            machine.environment["PAIRWISE_DATABASE_URL"] = self.database
        fill()
        for machine in self.machines:
            machine.launch()
        for machine in self.machines:
            machine.wait_ready()

    def start_again(self, broker: str) -> None:
        """Everything, after its end, with another broker; one machine of the console is enough."""
        del self.machines[1:]
        self.machines[0].environment["PAIRWISE_BROKER_URL"] = broker
        self.machines[0].start()
        for name in HOSTS:
            self._start_agent(name, PAIRWISE_BROKER_URL=broker)
        for name in HOSTS:
            self.wait_host(name)

    @contextlib.contextmanager
    def without_database(self):
        """Its machine loses power, and comes back at the end of the block."""
        for machine in self.machines:
            machine.end_asked()
        self.postgres.end(signal.SIGQUIT)
        try:
            yield
        finally:
            self.postgres.start()

    # --- the end ---------------------------------------------------------------------------------------------

    def logs(self) -> dict[str, str]:
        found = {f"{machine.data_dir.name}/{name}": text for machine in self.machines
                 for name, text in machine.logs().items()}
        for path in sorted(self.directory.glob("*/*.log")) + sorted(self.directory.glob("*/state/logs/*.log")):
            found[str(path.relative_to(self.directory))] = path.read_text(errors="replace")[-4000:]
        return found

    def end(self) -> None:
        """The agents first, while control is there to see their servers end."""
        for agent in self.agents.values():
            agent.send_signal(signal.SIGINT)
        for agent in self.agents.values():
            try:
                agent.wait(30 * PATIENCE)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(agent.pid, signal.SIGKILL)
                agent.wait(10)
        self.agents.clear()
        with ThreadPoolExecutor() as pool:
            left = [found for found in pool.map(Pairwise.end_everything, self.machines) if found]
        assert not left, f"left behind: {left}"
