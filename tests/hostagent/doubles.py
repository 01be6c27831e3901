"""Real peers for the agent's tests: a control that speaks the wire, small servers, an agent as a real process."""

import asyncio
import collections
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from protocol.identity import start_ticks
from protocol.messages import Message, ProcessChanged, Processes
from protocol.wire import Opening
from tests.doubles.control import Control
from tests.ports import free_port
from tests.waiting import wait_for

PROJECT = Path(__file__).resolve().parents[2]
SECRET = "the secret of this test's host"
HOST = "host-a"


def write_config(directory: Path, **changes) -> Path:
    """agent.json with free ports; ``changes`` replace its fields."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "agent.json"
    body = {"host": HOST, "secret": SECRET, "control": [{"host": "127.0.0.1", "port": free_port()}],
            "console_url": "http://127.0.0.1:9", "broker_url": "redis://127.0.0.1:9/0", "lca_port": free_port(),
            "state_dir": str(directory / "state"), "install_root": str(directory / "apps"), "worker": False, **changes}
    path.write_text(json.dumps(body))
    path.chmod(0o600)
    return path


def server_script(directory: Path, text: str, name: str = "server") -> Path:
    """A small server program that Python runs; ``text`` is its source."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(f"#!{sys.executable} -IS\n{text}")
    path.chmod(0o755)
    return path


SLEEPER = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("ready", flush=True)
while True:
    signal.pause()
"""
LIVELY = """
import os, socket, sys, time
address = "\\0" + os.environ["NOTIFY_SOCKET"][1:]
asked_s = int(os.environ["WATCHDOG_USEC"]) / 1e6
print("ready", flush=True)
signs = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
while True:
    try:
        signs.sendto(b"WATCHDOG=1", address)
        print("shown", flush=True)
    except OSError:
        print("nobody listens", flush=True)
    time.sleep(asked_s / 3)
"""
STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""
GRACEFUL = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0))
print("ready", flush=True)
while True:
    signal.pause()
"""
FAILING = """
import sys
print("00-03000 There is no Configuration Server at 127.0.0.1:2020", flush=True)
sys.exit(3)
"""


def application(directory: Path, name: str = "MS_Primary", **changes) -> dict:
    """The fields of ``messages.Supervised`` of a server in ``directory``."""
    return {"name": name, "enabled": True, "working_directory": str(directory), "command_line": "./server",
            "command_line_arguments": f'-app "{name}"', "startup_timeout": 5, "shutdown_timeout": 5,
            "auto_restart": False, "log_on_as": "", "suspending_wait_timeout": 5, **changes}


def items_of(reports) -> list[dict]:
    """What reports say, one thing each: several that travelled together are taken apart."""
    return [{**item, "seq": report["seq"]} for report in reports for item in report.get("items", [report])]


async def until(condition: Callable[[], object], timeout_s: float = 20.0, what: str = ""):
    """The first true value of ``condition``."""
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {timeout_s} s: {what or condition}"
        await asyncio.sleep(0.01)
    return value


class ControlDouble(Control):
    """A control as an agent sees it: keeps what it says."""

    def __init__(self, port: int, secret: str = SECRET):
        super().__init__(port)
        self._secret = secret
        self.snapshots: list[Processes] = []
        self.changes: list[tuple[float, ProcessChanged]] = []
        self.hellos: list = []
        self.channel = None
        self.on_connect: list[Message] = []

    def forget(self) -> None:
        """Forget what was heard and who is connected."""
        self.snapshots, self.changes, self.hellos, self.channel = [], [], [], None

    async def meet(self, opening: Opening) -> None:
        assert opening.proves(self._secret)
        self.hellos.append(opening.hello)
        self.channel = await opening.accept(self._secret, heartbeat_s=0.5)
        for message in self.on_connect:
            await self.channel.send(message)
        while True:
            message = await self.channel.receive()
            if isinstance(message, Processes):
                self.snapshots.append(message)
            else:
                self.changes.append((time.monotonic(), message))

    async def met(self) -> None:
        """Until the agent has connected and named its processes: from then on it tells every change as such."""
        await until(lambda: self.snapshots, what="the agent connects")

    async def say(self, message: Message) -> None:
        await until(lambda: self.channel is not None, what="the agent connects")
        await self.channel.send(message)

    async def runs_anew(self, former: int, *, name: str = "MS_Primary") -> int:
        """The pid of ``name`` once it runs as another process than ``former``. It is told as a change, or, when the
        agent had not connected yet, by its list of all processes alone."""
        def found():
            listed = [body for each in self.snapshots for body in each.processes]
            changed = [each.to_dict() for _, each in self.changes if isinstance(each, ProcessChanged)]
            return [each["pid"] for each in (*listed, *changed)
                    if (each["application"], each["state"]) == (name, "running") and each["pid"] != former]

        return (await until(found, what=f"{name} runs anew; heard {self.states(name)}"))[0]

    async def change(self, state: str, *, name: str = "MS_Primary", after: int = 0) -> ProcessChanged:
        """The first change of ``name`` to ``state`` after the first ``after`` ones."""
        def found():
            return [each for _, each in self.changes[after:] if each.state == state and each.application == name]

        return (await until(found, what=f"{name} {state}; heard {self.states(name)}"))[0]

    def states(self, name: str = "MS_Primary") -> list[str]:
        return [each.state for _, each in self.changes if each.application == name]


class AgentProcess:
    """``python -m hostagent`` as a real process."""

    def __init__(self, config: Path):
        self.config = config
        self.body = json.loads(config.read_text())
        self.process: subprocess.Popen | None = None
        self.state_dir = Path(self.body["state_dir"])

    def start(self, *, ready: bool = True, preexec: Callable[[], None] | None = None, **environment: str
              ) -> "AgentProcess":
        self.process = subprocess.Popen([sys.executable, "-m", "hostagent", "--config", str(self.config)],
                                        cwd=PROJECT, stderr=subprocess.PIPE, text=True, preexec_fn=preexec,
                                        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment})
        if ready:
            wait_for(self._listens, 20, "the agent listens on its LCA Port")
        return self

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.process.stderr.read()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.body["lca_port"])) == 0

    def end(self, number: int = signal.SIGTERM, timeout_s: float = 30.0) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout_s)
        self.process.stderr.close()
        return code

    def log(self) -> str:
        return (self.state_dir / "logs" / "agent.log").read_text()


def running_pids(state_dir: Path) -> collections.Counter:
    """Pids of servers that live under the shims of ``state_dir``."""
    pids = collections.Counter()
    for path in state_dir.glob("run/*/*/run"):
        run = json.loads(path.read_text())
        if start_ticks(run["pid"]) == run["started"]:
            pids[run["pid"]] += 1
    return pids


def end_servers(state_dir: Path) -> None:
    """End what a test left running, by pid; also what a shim is only about to start."""
    for pid in running_pids(state_dir):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for shim in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            if any(word.startswith(f"{state_dir}/run/") for word in shim.cmdline()):
                # Stopped first: it starts nobody any more behind our back.
                shim.suspend()
                for process in (*shim.children(recursive=True), shim):
                    process.kill()
