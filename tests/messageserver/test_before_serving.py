"""A Message Server before it serves: its command line, its Configuration Server, what keeps it from starting."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading

import pytest

from messageserver import VERSION
from messageserver.exits import ExitCode
from protocol.controls import FILE as CONTROLS_FILE
from tests.ports import free_port

from .command import command, to
from .conftest import ROOT, application
from .control_double import SECRET, ControlDouble

pytestmark = pytest.mark.scenario


class Stranger:
    """Accepts connections and says ``says`` before it closes them; None: it says nothing and keeps them."""

    def __init__(self, says: bytes | None):
        self._says, self._kept = says, []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                taken, _ = self._socket.accept()
                if self._says is None:
                    self._kept.append(taken)
                    continue
                with taken:
                    taken.sendall(self._says)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for each in self._kept:
            each.close()


@pytest.fixture
def stranger():
    made = []

    def make(says: bytes | None) -> Stranger:
        made.append(Stranger(says))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_version(tmp_path):
    done = command(tmp_path, "-V")
    assert (done.returncode, done.stdout) == (0, f"MessageServer {VERSION}\n")


@pytest.mark.parametrize("arguments", [[], ["-host", "h", "-app", "a"], ["-host", "h", "-port", "x", "-app", "a"],
                                       ["-host", "h", "-port", "1", "-app", "a", "-what"],
                                       ["-host", "h", "-port", "1", "-app"]])
def test_a_wrong_command_line_ends_with_its_own_code(tmp_path, arguments):
    done = command(tmp_path, *arguments)
    assert done.returncode == ExitCode.USAGE
    assert "usage: MessageServer" in done.stderr


@pytest.mark.parametrize(("mode", "secret"), [(0o644, SECRET), (0o600, ""), (None, None)])
def test_a_secret_that_is_missing_or_open_to_others_is_refused(tmp_path, control, mode, secret):
    if secret is not None:
        (tmp_path / "application.secret").write_text(secret)
        (tmp_path / "application.secret").chmod(mode)
    done = command(tmp_path, *to(control), secret=None)
    assert done.returncode == ExitCode.USAGE
    assert "application.secret" in done.stderr


def test_no_configuration_server(tmp_path):
    done = command(tmp_path, "-host", "127.0.0.1", "-port", str(free_port()), "-app", "MS_Primary")
    assert done.returncode == ExitCode.NO_CONFIGURATION_SERVER
    assert "00-03000 No Configuration Server at 127.0.0.1" in done.stdout


@pytest.mark.parametrize("more", [(), ("-check",)])
@pytest.mark.parametrize(("says", "sentence"), [
    (None, "the peer was silent for 5 s. It hangs, or another program listens there: look at it and restart it"),
    (b"", "the peer closed the connection. It is ending, or another program listens there"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "the peer sent a line that is no message"),
])
def test_who_accepts_and_does_not_answer_as_one_is_no_configuration_server(tmp_path, stranger, says, sentence, more):
    done = command(tmp_path, *to(stranger(says)), *more)
    assert done.returncode == ExitCode.NO_CONFIGURATION_SERVER
    said = done.stderr if more else done.stdout
    assert "00-03000 No Configuration Server at 127.0.0.1" in said
    assert sentence in said
    assert "or correct -host and -port." in said


@pytest.mark.long
def test_a_configuration_server_that_hangs_is_left_for_one_that_answers(tmp_path, stranger, control):
    given, other = ["127.0.0.1", stranger(None).port], {"host": "127.0.0.1", "port": control.port}
    silent = {"host": given[0], "port": given[1]}
    (tmp_path / CONTROLS_FILE).write_text(json.dumps({"given": [given], "all": [silent, other], "current": silent}))
    (tmp_path / "application.secret").touch(0o600)
    (tmp_path / "application.secret").write_text(SECRET)
    server = subprocess.Popen([sys.executable, "-m", "messageserver", "-workdir", str(tmp_path), "-host", "127.0.0.1",
                               "-port", str(given[1]), "-app", "MS_Primary"], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        control.wait_report(state="started")
    finally:
        server.kill()
        server.wait()


def test_an_unknown_application(tmp_path, control):
    done = command(tmp_path, *to(control, "Nobody"))
    assert done.returncode == ExitCode.APPLICATION_NOT_FOUND
    assert "00-03007" in done.stdout


def test_refused_because_it_runs_already(tmp_path, control):
    control.refuse = ("MS_Primary is already running on localhost.", 3008)
    done = command(tmp_path, *to(control))
    assert done.returncode == ExitCode.ALREADY_RUNNING
    assert "00-03008 MS_Primary is already running" in done.stdout


def test_a_second_process_in_the_same_directory_is_refused(server, tmp_path):
    with ControlDouble(application(free_port())) as second:
        done = command(server.directory, *to(second))
    assert done.returncode == ExitCode.ALREADY_RUNNING
    assert f"00-03008 MS_Primary is already running here: process {server.process.pid}" in done.stdout


def test_another_secret_is_not_the_pairwise_it_was_installed_from(tmp_path, control):
    assert command(tmp_path, *to(control), secret="guess").returncode == ExitCode.APPLICATION_NOT_FOUND


def test_a_port_in_use_is_event_4526(tmp_path, control, port):
    with socket.create_server(("0.0.0.0", port)):
        done = command(tmp_path, *to(control))
    assert done.returncode == ExitCode.PORT_IN_USE
    assert f"00-04526 Port {port} (default) cannot be opened" in done.stdout


def test_a_damaged_store_has_its_own_code(tmp_path, control):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "messages.db").write_bytes(b"something else entirely" * 1000)
    done = command(tmp_path, *to(control))
    assert done.returncode == ExitCode.STORE
    assert "00-07000" in done.stdout


def test_a_configuration_without_a_client_port_is_refused(tmp_path, control):
    control.application = {**control.application, "ports": []}
    done = command(tmp_path, *to(control))
    assert done.returncode == ExitCode.CONFIGURATION
    assert "no listening port for clients" in done.stdout


def test_check_reads_the_configuration_and_touches_nothing(tmp_path, control):
    done = command(tmp_path, *to(control), "-check")
    assert done.returncode == 0
    assert "knows MS_Primary: 1 listening ports" in done.stdout
    assert [h.purpose for h in control.hellos] == ["check"]
    assert sorted(os.listdir(tmp_path)) == ["application.secret"]


def test_check_without_a_configuration_server_says_so(tmp_path):
    done = command(tmp_path, "-host", "127.0.0.1", "-port", str(free_port()), "-app", "x", "-check")
    assert done.returncode == ExitCode.NO_CONFIGURATION_SERVER
    assert "00-03000 No Configuration Server" in done.stderr
