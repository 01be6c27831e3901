"""A real Pairwise for scenarios, and the clients that ask it things. Everything is bounded in time and ended by pid."""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from protocol.identity import start_ticks
from tests.ports import free_port
from tests.waiting import PATIENCE, wait_for

from . import prepared
from .browserless import Browserless

ROOT = Path(__file__).resolve().parents[2]
READY_S, END_S, MANAGE_S = 60 * PATIENCE, 60 * PATIENCE, 60 * PATIENCE
PASSWORD = "scenario-password"
LOG_TAIL = 4000


class Pairwise:
    """One `manage.py up`. ``start`` returns when it says that it is ready; ``stop`` is Ctrl-C.

    ``inside`` is a command prefix that puts it on another machine's network, where it listens on ``host``. With
    ``cold`` its first start finds nothing; else a copy of what every first start makes.
    """

    prepared: Path | None = None
    """Where that is kept during a test run; without one every first start is a cold one."""

    def __init__(self, data_dir: Path, *, inside: Sequence[str] = (), host: str = "127.0.0.1", cold: bool = False,
                 **environment: str):
        self.data_dir, self.inside, self.host, self.cold = data_dir, list(inside), host, cold
        self.port, self.control_port, self.lca_port = free_port(), free_port(), free_port(5_000, 9_999)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("PAIRWISE_", "DJANGO_"))} | {
            "PAIRWISE_DATA_DIR": str(data_dir), "PAIRWISE_HOST": host, "PAIRWISE_PORT": str(self.port),
            "PAIRWISE_CONTROL_PORT": str(self.control_port), "PAIRWISE_LCA_PORT": str(self.lca_port),
            "PAIRWISE_ADMIN_PASSWORD": PASSWORD, "DJANGO_SETTINGS_MODULE": "console.settings", **environment}
        self.authority = data_dir / "tls" / "ca.pem"
        self.program = ROOT
        """Where the program is; ``ask`` and ``manage`` go by this one, whatever runs."""
        self.about = ""
        """Of what has this in its name ``status`` tells; among thousands it reads nothing else."""
        self.process: subprocess.Popen | None = None
        self.output: list[str] = []
        self._reader: threading.Thread | None = None
        self._asked: subprocess.Popen | None = None
        self._asked_with: dict[str, str] = {}

    # --- life -------------------------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        return f"{'https' if self.web_tls else 'http'}://{self.host}:{self.port}"

    @property
    def web_tls(self) -> bool:
        return self.environment.get("PAIRWISE_WEB_TLS", "off" if self.host == "127.0.0.1" else "on") == "on"

    def launch(self) -> None:
        """Start `manage.py up` and read what it prints; does not wait."""
        self.output = []
        if self.prepared and not self.cold and not self.data_dir.exists():
            prepared.copy(self.prepared, self.data_dir)
        self.process = subprocess.Popen(
            [*self.inside, sys.executable, "manage.py", "up"], cwd=self.program, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True)
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout, self.output), daemon=True)
        self._reader.start()

    @staticmethod
    def _read(stream, lines: list[str]) -> None:
        with stream:
            for line in stream:
                lines.append(line.rstrip("\n"))

    def start(self) -> "Pairwise":
        self.launch()
        return self.wait_ready()

    def wait_ready(self) -> "Pairwise":
        """Until the launched one says that it is."""
        wait_for(lambda: self.said("Ctrl-C stops everything") or self.process.poll() is not None, READY_S / PATIENCE,
                 "ready")
        assert self.process.poll() is None, self.text
        assert not self.said("Not ready after"), self.text
        return self

    def said(self, text: str) -> bool:
        return any(text in line for line in self.output)

    def wait_said(self, text: str, timeout: float = 10) -> None:
        """What it says comes a moment after what it did can be seen."""
        wait_for(lambda: self.said(text), timeout, f'that it says "{text}"')

    @property
    def text(self) -> str:
        return "\n".join(self.output)

    def interrupt(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)

    def wait_end(self) -> int:
        code = self.process.wait(END_S)
        self._reader.join(END_S)
        return code

    def stop(self) -> int:
        """Ctrl-C and wait; the exit code."""
        self.interrupt()
        return self.wait_end()

    def kill_up(self) -> None:
        """kill -9 of `up` itself."""
        self.process.kill()
        self.wait_end()

    # --- processes --------------------------------------------------------------------------------------------

    def child(self, name: str) -> int:
        """Pid of one of the console's own processes, from the run's record."""
        return json.loads((self.data_dir / "run.json").read_text())["children"][name]["pid"]

    def kill_child(self, name: str) -> None:
        """kill -9 of one of the console's own processes; until `up` has started another one: after 30 s when it ended
        often."""
        pid = self.child(name)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self.child(name) != pid, 40, f"another {name}")

    def waited_s(self, label: str) -> float:
        """For how long `up` waited before it started this program the last time: it does where one ends often."""
        said = re.findall(rf"{label} .*; it starts again (?:at once|in ([0-9.]+) s)", self.text)
        return float(said[-1] or 0) if said else 0.0

    @contextlib.contextmanager
    def frozen_child(self, name: str):
        """In the block one of the console's own processes is there and does not answer; ``up``, which would put another
        one in its place, does not look."""
        pid = self.child(name)
        self.interrupt(signal.SIGSTOP)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)
            self.interrupt(signal.SIGCONT)

    def processes(self) -> dict[int, str]:
        """{pid: command line} of every living process that belongs to this data directory."""
        found = {}
        needle = str(self.data_dir).encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid() or not start_ticks(int(entry.name)):
                continue
            try:
                command = (entry / "cmdline").read_bytes()
                belongs = needle in command or needle in (entry / "environ").read_bytes() or \
                    os.readlink(entry / "cwd").encode().startswith(needle)
            except OSError:
                continue
            if belongs and int(entry.name) not in (own.pid for own in (self.process, self._asked) if own):
                found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
        return found

    def __enter__(self) -> "Pairwise":
        return self

    def __exit__(self, kind, *_) -> None:
        left = self.end_everything()
        assert kind or not left, f"left behind: {left}"

    def end_everything(self) -> dict[int, str]:
        """Stop properly, then by force; what the proper stop left behind (empty when all is well)."""
        self.end_asked()
        if self.process is not None and self.process.poll() is None:
            self.interrupt()
            try:
                self.wait_end()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.wait_end()
        left = self.processes()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                left = {p: c for p, c in left.items() if p != pid}
        return left

    # --- questions --------------------------------------------------------------------------------------------

    def manage(self, *arguments: str, check: bool = True, timeout: float = MANAGE_S, text: str = ""):
        """What `manage.py ARGUMENTS` does with this run's settings, by the process that stays up; CompletedProcess."""
        given = self.ask("manage", timeout=timeout, arguments=arguments, text=text)
        return self._done(check, subprocess.CompletedProcess(arguments, given["code"], given["stdout"],
                                                             given["stderr"]))

    def command_line(self, *arguments: str, check: bool = True, timeout: float = MANAGE_S):
        """As ``manage``, by a process of its own, as people run it."""
        return self._done(check, subprocess.run([sys.executable, "manage.py", *arguments], cwd=self.program, text=True,
                                                env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                                                timeout=timeout))

    @staticmethod
    def _done(check: bool, done: subprocess.CompletedProcess) -> subprocess.CompletedProcess:
        assert not check or done.returncode == 0, f"{done.args} → {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def manage_later(self, *arguments: str) -> subprocess.Popen:
        """`manage.py ARGUMENTS`, not waited for; stdout and stderr are one text pipe."""
        return subprocess.Popen([sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def status(self) -> dict:
        """What `manage.py status --json` prints."""
        return self.ask("status", about=self.about)

    def ask(self, question: str, *, timeout: float = MANAGE_S, **arguments) -> dict:
        """The answer of ``asker``, a process that stays up: scenarios ask often."""
        if self._asked is not None and self._asked_with != self.environment:
            self.end_asked()
        if self._asked is None:
            self._asked_with = dict(self.environment)
            self._asked = subprocess.Popen([sys.executable, "-m", "tests.scenarios.asker"], cwd=ROOT, text=True,
                                           env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._asked.stdin.write(json.dumps({"ask": question, **arguments}) + "\n")
        self._asked.stdin.flush()
        if not select.select([self._asked.stdout], [], [], timeout)[0]:
            self._asked.kill()
            raise AssertionError(f"{question} {arguments} was not answered within {timeout:g} s")
        return json.loads(self._asked.stdout.readline())

    def end_asked(self) -> None:
        """The next question starts another process: this one has the databases open."""
        if self._asked is not None:
            asked, self._asked = self._asked, None
            with asked:
                with contextlib.suppress(BrokenPipeError):
                    asked.stdin.close()
                try:
                    asked.wait(END_S)
                except subprocess.TimeoutExpired:
                    asked.kill()
                    raise

    def application(self, name: str) -> dict:
        return next(each for each in self.status()["applications"] if each["name"] == name)

    def wait_status(self, name: str, status: str, timeout: float = 20, **fields) -> dict:
        """The application's facts once it has ``status`` and the other ``fields``."""
        last = {}

        def reached():
            last.update(self.application(name))
            wanted = {"status": status, **fields}
            return dict(last) if all(last[key] == value for key, value in wanted.items()) else None

        try:
            return wait_for(reached, timeout, f"{name} {status}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {last}") from None

    def wait_host(self, timeout: float = 20) -> None:
        """Until control hears the agent of this machine and its worker runs."""
        wait_for(lambda: self.status()["hosts"][0]["status"] == "Running" and self.is_healthy(), timeout,
                 "the host Running and all healthy")

    def health(self) -> tuple[int, dict]:
        """What pages say of it. Raises OSError while nobody answers."""
        return self._client().json("/healthz")

    def is_healthy(self) -> bool:
        """Whether everything is; a web process that has just been started takes no connections yet."""
        with contextlib.suppress(OSError):
            return self.health()[0] == 200
        return False

    def wait_healthy(self, timeout: float = 40) -> None:
        wait_for(self.is_healthy, timeout, "all healthy")

    def browser(self) -> Browserless:
        """An HTTP client that is signed in as admin."""
        client = self._client()
        client.sign_in("admin", PASSWORD)
        return client

    def _client(self) -> Browserless:
        return Browserless(self.address, self.authority if self.web_tls else None)

    def logs(self) -> dict[str, str]:
        """The ends of all logs under the data directory, by name."""
        found = {"up": self.text[-LOG_TAIL:]}
        for path in sorted(self.data_dir.rglob("*.log")):
            found[str(path.relative_to(self.data_dir))] = path.read_text(errors="replace")[-LOG_TAIL:]
        return found
