"""Test hosts: a small network of its own, whose hosts can be cut off, powered off and booted.

A host is a set of namespaces of this machine's kernel: its own network (one card with a fixed address and MAC), its own
processes (all of them die in the same moment when it is powered off), its own name and boot id. It shares the file
system; its files are in a directory of its own. The switch between the hosts is a namespace too, so everything,
interfaces and mounts included, is gone with the last process, also when the test run is killed.

Needs root (CAP_NET_ADMIN, CAP_SYS_ADMIN) and the commands ip, unshare, nsenter and mount; ``why_no_hosts`` tells.
"""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import uuid
from functools import cache
from pathlib import Path

import psutil

from .harness import wait_for
from .machine import Machine

ROOT = Path(__file__).resolve().parents[2]
INIT = Path(__file__).with_name("host_init.py")
NOBODY = "02:00:00:00:00:00"
"""A MAC that no card has: what is sent to it vanishes without a word."""
ENDS_S = 10.0
_lans = itertools.count()


class NoHosts(Exception):
    """This machine cannot have test hosts. The text says why."""


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=ENDS_S)
    if done.returncode:
        raise NoHosts(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def _nsenter(pid: int, *kinds: str) -> list[str]:
    return ["nsenter", "-t", str(pid), *(f"--{kind}" for kind in kinds), "--"]


@cache
def why_no_hosts() -> str:
    """"" when test hosts can be made here, else why not."""
    try:
        with Lan() as lan, Node(lan, 2):
            return ""
    except (NoHosts, OSError) as error:
        return f"no network namespaces on this machine: {error}"


def _free_subnet() -> str:
    """The first three bytes of a /24 that this machine has no address in."""
    taken = {address["local"].rpartition(".")[0] for card in json.loads(_run("ip", "-json", "-4", "address"))
             for address in card["addr_info"]}
    for number in itertools.count(os.getpid() * 8 + next(_lans)):
        subnet = f"10.{64 + number // 256 % 64}.{number % 256}"
        if subnet not in taken:
            return subnet
    raise AssertionError


class Lan:
    """The switch. This machine, where clients run, has ``address`` on it; a Node has the one of its number."""

    def __init__(self):
        self.subnet = _free_subnet()
        self.address = self.of(1)
        self.card = f"pw{os.getpid():x}{self.subnet.rpartition('.')[2]}"
        # cat ends when we do: with our end of its standard input.
        self._switch = subprocess.Popen(["unshare", "--net", "--mount", "--propagation", "private", "cat"],
                                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            wait_for(lambda: _namespace(self._switch.pid, "net") != _namespace(os.getpid(), "net")
                     or self._switch.poll() is not None, ENDS_S, "the switch")
            self._ip("link", "add", "switch", "type", "bridge")
            self._ip("link", "set", "switch", "up")
            self.plug(1, self.card, os.getpid())
            _run("ip", "address", "add", f"{self.address}/24", "dev", self.card)
            _run("ip", "link", "set", self.card, "up")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Lan":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def of(self, number: int) -> str:
        return f"{self.subnet}.{number}"

    @staticmethod
    def mac(number: int) -> str:
        return f"02:00:0a:00:00:{number:02x}"

    @property
    def mounts(self) -> list[str]:
        """Command prefix: in the mount namespace that all hosts take theirs from."""
        return _nsenter(self._switch.pid, "mount")

    def _ip(self, *arguments: str) -> None:
        _run(*_nsenter(self._switch.pid, "net"), "ip", *arguments)

    def plug(self, number: int, card: str, pid: int) -> None:
        """A cable from the switch to a card of the network namespace of ``pid``."""
        self._ip("link", "add", f"v{number}", "type", "veth", "peer", "name", card, "address", self.mac(number),
                 "netns", str(pid))
        self._ip("link", "set", f"v{number}", "master", "switch", "up")

    def unplug(self, number: int) -> None:
        """Take the cable away, if it is there. The kernel does it too, once nothing lingers in the namespace."""
        with contextlib.suppress(NoHosts):
            self._ip("link", "delete", f"v{number}")

    def set_link(self, number: int, state: str) -> None:
        """The cable of ``number``: "down" or "up"."""
        self._ip("link", "set", f"v{number}", state)

    def slow_down(self, number: int, kilobits: int) -> None:
        """From now on ``number`` gets so many kilobits a second, all its connections together; 0: no limit."""
        card = f"v{number}"
        if kilobits:
            _run(*_nsenter(self._switch.pid, "net"), "tc", "qdisc", "replace", "dev", card, "root", "tbf", "rate",
                 f"{kilobits}kbit", "burst", "8kb", "latency", "200ms")
        else:
            with contextlib.suppress(NoHosts):
                _run(*_nsenter(self._switch.pid, "net"), "tc", "qdisc", "delete", "dev", card, "root")

    def mount_disk(self, directory: Path, megabytes: int) -> None:
        """A disk of that size at ``directory`` of all hosts that boot from now on."""
        directory.mkdir(parents=True, exist_ok=True)
        _run(*self.mounts, "mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(directory))

    def seen_from_here(self, path: Path) -> Path:
        """The path under which this machine sees what the hosts have at ``path``, on their disks too."""
        return Path(f"/proc/{self._switch.pid}/root{path}")

    def close(self) -> None:
        self._switch.stdin.close()
        self._switch.wait(ENDS_S)
        # The kernel takes a namespace apart some time after its last process.
        wait_for(lambda: not Path(f"/sys/class/net/{self.card}").exists(), ENDS_S, "the end of the network")


def _namespace(pid: int, kind: str) -> str:
    return os.readlink(f"/proc/{pid}/ns/{kind}")


class Node:
    """One network address, and processes of this machine that use it: ``prefix`` before their command."""

    def __init__(self, lan: Lan, number: int):
        self.lan, self.number, self.address = lan, number, lan.of(number)
        self._holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            wait_for(lambda: _namespace(self.pid, "net") != _namespace(os.getpid(), "net"), ENDS_S, "the namespace")
            self._connect()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._holder.pid

    @property
    def prefix(self) -> list[str]:
        return _nsenter(self.pid, "net")

    def _ip(self, *arguments: str) -> None:
        _run(*_nsenter(self.pid, "net"), "ip", *arguments)

    def _connect(self) -> None:
        self.lan.plug(self.number, "eth0", self.pid)
        self._ip("address", "add", f"{self.address}/24", "dev", "eth0")
        for card in ("lo", "eth0"):
            self._ip("link", "set", card, "up")

    def cut(self) -> None:
        """Pull the cable."""
        self.lan.set_link(self.number, "down")

    def heal(self) -> None:
        """Plug it in again."""
        self.lan.set_link(self.number, "up")

    def lose(self, other: "Node") -> None:
        """From now on nothing that this node sends to ``other`` arrives; the other direction works."""
        self._ip("neighbour", "replace", other.address, "lladdr", NOBODY, "dev", "eth0", "nud", "permanent")

    def find(self, other: "Node") -> None:
        """The end of ``lose``."""
        self._ip("neighbour", "replace", other.address, "lladdr", self.lan.mac(other.number), "dev", "eth0", "nud",
                 "reachable")

    def close(self) -> None:
        self._holder.stdin.close()
        self._holder.wait(ENDS_S)


def cut_between(one: Node, other: Node) -> None:
    """Nothing passes between these two; both reach everybody else."""
    one.lose(other)
    other.lose(one)


def heal_between(one: Node, other: Node) -> None:
    one.find(other)
    other.find(one)


class VirtualHost(Node):
    """A host that runs an agent. ``boot`` before anything else; its files are under ``directory``. The agent is that of
    ``program``, a directory."""

    def __init__(self, lan: Lan, number: int, name: str, directory: Path):
        self.lan, self.number, self.name, self.address = lan, number, name, lan.of(number)
        self.directory, self.program = directory, ROOT
        self.apps, self.state, self.disk = directory / "apps", directory / "state", directory / "disk"
        self.agent_config = directory / "agent.json"
        self._unshare: subprocess.Popen | None = None
        self._init = 0
        for each in (self.apps, self.state):
            each.mkdir(parents=True, exist_ok=True)
        self.machine = Machine(directory)

    @property
    def is_on(self) -> bool:
        return self._unshare is not None

    @property
    def pid(self) -> int:
        return self._init

    def boot(self) -> None:
        """Power on, and its agent starts; does not wait until control hears of it."""
        assert not self.is_on
        self._init = 0
        boot_id = self.directory / "boot_id"
        boot_id.write_text(f"{uuid.uuid4()}\n")
        self._unshare = subprocess.Popen(
            [*self.lan.mounts, "unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child",
             "--propagation", "private", sys.executable, "-S", str(INIT), self.name, str(boot_id)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            # A host has no settings of a console.
            env={name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PAIRWISE_"))})
        said = self._unshare.stdout.readline()
        if said != "ready\n":
            raise NoHosts(f"{said}{self._unshare.stdout.read()}")
        self._init = psutil.Process(self._unshare.pid).children()[0].pid
        self._connect()
        argv = [*self.machine.prefix, sys.executable, "-m", "hostagent", "--config", str(self.agent_config)]
        self._tell(json.dumps({"argv": argv, "cwd": str(self.program), "log": str(self.directory / "boot.log")}))

    def _tell(self, line: str) -> None:
        self._unshare.stdin.write(line + "\n")
        self._unshare.stdin.flush()

    def power_off(self) -> None:
        """Every process dies at once, and nobody on the network hears of it."""
        if not self.is_on:
            return
        unshare, self._unshare = self._unshare, None
        with unshare:
            if unshare.poll() is None:
                self._end(unshare)
            unshare.wait(ENDS_S)

    def _end(self, unshare: subprocess.Popen) -> None:
        if not self._init:
            unshare.kill()
            return
        try:
            # First: the kernel would say good-bye for the connections of the dead.
            self.cut()
        finally:
            os.kill(self._init, signal.SIGKILL)
            unshare.wait(ENDS_S)
            self.lan.unplug(self.number)

    def shut_down(self, timeout: float = 30) -> None:
        """A proper shutdown: the agent stops its servers, then the host is off."""
        self._tell("shutdown")
        wait_for(lambda: self._unshare.poll() is not None, timeout, f"the shutdown of {self.name}")
        self.power_off()

    def close(self) -> None:
        self.power_off()

    # --- processes --------------------------------------------------------------------------------------------

    @property
    def everything(self) -> list[str]:
        """Command prefix: as a process of this host."""
        return _nsenter(self._init, "net", "mount", "uts", "pid")

    def run(self, *command: str, timeout: float = 30) -> subprocess.CompletedProcess:
        """A command on this host, to its end."""
        return subprocess.run([*self.everything, *command], capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)

    def real_pid(self, pid: int) -> int:
        """What this machine calls the process that the host calls ``pid``."""
        for process in self._children(recursive=True):
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                continue
            numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
            if int(numbers[-1]) == pid:
                return process.pid
        raise ProcessLookupError(f"{self.name} has no process {pid}")

    def servers(self, application: str) -> list[int]:
        """The processes that are the server of this application, as this machine calls them."""
        found = []
        for process in self._children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.cmdline()[-2:] == ["-app", application]:
                    found.append(process.pid)
        return found

    def _children(self, recursive: bool = False) -> list[psutil.Process]:
        try:
            return psutil.Process(self._init).children(recursive) if self.is_on else []
        except psutil.NoSuchProcess:
            return []

    def agent_pid(self) -> int:
        """The agent, as this machine calls it. Raises ProcessLookupError."""
        for process in self._children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if "hostagent" in process.cmdline():
                    return process.pid
        raise ProcessLookupError(f"no agent runs on {self.name}")

    def kill_agent(self) -> None:
        """kill -9 of the agent; the host starts another one soon."""
        os.kill(self.agent_pid(), signal.SIGKILL)

    def logs(self, tail: int = 4000) -> dict[str, str]:
        """The ends of its logs, by name."""
        files = [path for path in sorted(self.directory.rglob("*.log")) if path.is_file()]
        return {f"{self.name}/{path.relative_to(self.directory)}": path.read_text(errors="replace")[-tail:]
                for path in files}
