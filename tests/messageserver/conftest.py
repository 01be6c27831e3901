"""Real servers on free ports, beside a control that is a real socket peer."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from console.up.windows_launcher import windows_launcher
from messageserver import packaging
from tests.doubles.stomp import Client
from tests.ports import free_port

from .control_double import SECRET, WAIT_S, ControlDouble

ROOT = Path(__file__).parents[2]


def application(port: int, **changes) -> dict:
    """The configuration of one Message Server; ``options`` are merged into the usual ones."""
    options = {"clients": {"bench": "benchpass"}, "log": {"verbose": "trace", "all": "stdout, network"}}
    options.update(changes.pop("options", {}))
    return {"name": "MS_Primary", "type": "MessageServer", "version": "8.5.100.01", "enabled": True,
            "host": {"name": "localhost", "ip_address": "127.0.0.1"}, "working_directory": ".",
            "ports": [{"id": "default", "port": str(port), "protocol": "stomp", "ha_sync": False, "listening_mode": "",
                       "transport_parameters": ""}],
            "options": options, "annex": {}, "startup_timeout": 90, "shutdown_timeout": 90, "backup": "", "primary": "",
            **changes}


class ServerProcess:
    """A MessageServer process in its own working directory, told to use ``control``."""

    def __init__(self, directory: Path, control: ControlDouble, *, port: int, app: str = "MS_Primary", preexec=None):
        self.directory, self.control, self.port = directory, control, port
        directory.mkdir(exist_ok=True)
        secret = directory / "application.secret"
        secret.write_text(SECRET)
        secret.chmod(0o600)
        self.command = [sys.executable, "-m", "messageserver", "-host", "127.0.0.1", "-port", str(control.port), "-app",
                        app, "-workdir", str(directory)]
        self._preexec = preexec
        self.start()

    def start(self) -> None:
        with open(self.directory / "out.log", "ab") as out:
            self.process = subprocess.Popen(self.command, cwd=ROOT, stdout=out, stderr=out, preexec_fn=self._preexec)

    @property
    def output(self) -> str:
        return (self.directory / "out.log").read_text()

    def serving(self) -> "ServerProcess":
        """Wait until it listens."""
        def listening():
            reports = self.control.reports
            return reports and reports[-1].state == "started" and reports[-1].ports[0]["listening"]

        try:
            self.control.wait(listening)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output}") from error
        return self

    def restart(self) -> None:
        """Start it again after it ended."""
        self.control.reports.clear()
        self.start()
        self.serving()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        return self.process.wait(WAIT_S)

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(WAIT_S)

    def end(self) -> None:
        if self.process.poll() is None:
            self.kill()

    def __enter__(self) -> "ServerProcess":
        return self

    def __exit__(self, *_) -> None:
        self.end()

    def client(self, **headers) -> Client:
        return Client(self.port, **headers)


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def control(port):
    with ControlDouble(application(port)) as double:
        yield double


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    return packaging.build(tmp_path_factory.mktemp("package"), windows_launcher())


@pytest.fixture
def installed(tmp_path, package):
    """The package, unpacked."""
    with tarfile.open(package) as archive:
        archive.extractall(tmp_path / "installed", filter="data")
    return tmp_path / "installed"


@pytest.fixture
def start_server(tmp_path, port):
    """Factory: a control and a server with these changes to the configuration; both end with the test."""
    with contextlib.ExitStack() as started:
        def start(*, serving: bool = True, auto_grant: str = "primary", preexec=None, **changes) -> ServerProcess:
            control = started.enter_context(ControlDouble(application(port, **changes), auto_grant=auto_grant))
            server = started.enter_context(ServerProcess(tmp_path / "server", control, port=port, preexec=preexec))
            return server.serving() if serving else server

        yield start


@pytest.fixture
def server(start_server):
    """A primary that takes clients."""
    return start_server()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One primary for all tests of a module; each uses a destination of its own."""
    port = free_port()
    with ControlDouble(application(port)) as control, ServerProcess(
            tmp_path_factory.mktemp("served") / "server", control, port=port) as server:
        yield server.serving()


@pytest.fixture
def here(request):
    """A destination that no other test uses."""
    return "/topic/" + re.sub(r"\W+", ".", request.node.name)


@pytest.fixture
def make_pair(tmp_path):
    """``make_pair()``: a pair of servers with the same sync secret, or with these; it ends with the test."""
    from .pair_of_servers import SYNC_SECRET, PairOfServers  # which takes its servers from here

    with contextlib.ExitStack() as made:
        def make(secrets: tuple[str, str] = (SYNC_SECRET, SYNC_SECRET), **options) -> PairOfServers:
            pair = PairOfServers(tmp_path, [free_port() for _ in range(4)], options, secrets)
            made.callback(pair.end)
            return pair

        yield make


@pytest.fixture
def pair(make_pair):
    return make_pair().in_sync()
