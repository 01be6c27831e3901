"""The MessageServer command as a process: exit codes, signals, crashes, the control link."""

import contextlib
import fcntl
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import termios
import threading

import pytest

from messageserver import VERSION
from messageserver.exits import ExitCode
from protocol.controls import FILE as CONTROLS_FILE
from protocol.events import Own
from tests.ports import free_port

from .conftest import ROOT, ServerProcess, application
from .control_double import SECRET, WAIT_S, ControlDouble

pytestmark = pytest.mark.scenario


def command(directory, *arguments: str, secret: str | None = SECRET) -> subprocess.CompletedProcess:
    """Run the command to its end in ``directory``."""
    if secret is not None:
        (directory / "application.secret").write_text(secret)
        (directory / "application.secret").chmod(0o600)
    return subprocess.run([sys.executable, "-m", "messageserver", "-workdir", str(directory), *arguments], cwd=ROOT,
                          capture_output=True, text=True, timeout=WAIT_S)


def to(control, app: str = "MS_Primary") -> list[str]:
    return ["-host", "127.0.0.1", "-port", str(control.port), "-app", app]


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


# --- before it serves --------------------------------------------------------------------------------------


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


# --- roles -------------------------------------------------------------------------------------------------


def connectable(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(WAIT_S)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_says_who_it_is_and_reports_its_way_to_started(server):
    hello = server.control.hellos[0]
    assert (hello.pid, hello.kind, hello.version) == (server.process.pid, "application", VERSION)
    with open(f"/proc/{server.process.pid}/stat") as stat:
        assert hello.started == int(stat.read().rpartition(")")[2].split()[19])
    states = [r.state for r in server.control.reports]
    assert list(dict.fromkeys(states)) == ["initializing", "ready", "started"]
    last = server.control.reports[-1]
    assert (last.role, last.epoch, last.record_version) == ("primary", 1, 1)
    for number in (5060, 5061, 5150, 4562, 4525):
        server.control.wait_event(number)


def test_a_backup_holds_its_port_without_listening(start_server, port):
    server = start_server(serving=False, auto_grant="backup")
    server.control.wait_report(state="started", role="backup", ports=[{"id": "default", "port": port,
                                                                       "listening": False}])
    assert not connectable(port)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(("0.0.0.0", port))
    server.control.wait_event(5151)
    server.control.wait_event(4560)


def test_switchover_there_and_back(server):
    client = server.client()
    client.acked("/topic/a", b"1")
    for turn in range(3):
        server.control.grant("backup")
        server.control.wait_report(role="backup", epoch=server.control.epoch)
        assert "backup now" in client.expect("ERROR").headers["message"]
        client.close()
        assert not connectable(server.port)
        server.control.grant("primary")
        server.control.wait(lambda: server.control.reports[-1].ports[0]["listening"])
        client = server.client()
        assert client.acked("/topic/a", b"2") == turn + 2
    client.subscribe("/topic/a", from_seq="1")
    assert [m.headers["epoch"] for m in client.messages(4)] == ["1", "3", "5", "7"]
    client.close()


def test_a_port_for_ha_synchronisation_is_held_but_takes_no_clients(start_server, port):
    sync = free_port()
    ports = [{"id": "default", "port": port, "protocol": "stomp", "ha_sync": False},
             {"id": "sync", "port": sync, "protocol": "sync", "ha_sync": True}]
    start_server(ports=ports)
    assert connectable(port)
    assert not connectable(sync)


def test_a_stale_grant_is_refused(server):
    server.control.grant("primary", 9)
    server.control.wait_report(epoch=9)
    server.control.grant("backup", 3)
    server.control.wait_event(20003)
    server.control.wait_report(epoch=9)


def test_control_may_go_away_and_come_back(server):
    with server.client() as client:
        server.control.stop()
        assert client.acked("/topic/a", b"alone") == 1
        server.control.start()
        server.control.wait(lambda: len(server.control.hellos) == 2)
        hello = server.control.hellos[1]
        assert (hello.role, hello.epoch, hello.record_version) == ("primary", 1, 1)
        assert client.acked("/topic/a", b"still") == 2
    server.control.wait_report(last_seq=2, state="started")
    server.control.wait_event(4504)
    server.control.wait_event(4503)


def test_changed_options_count_at_once_and_changed_ports_at_the_next_start(server, port):
    other = free_port()
    changed = application(other, options={"clients": {"bench": "benchpass", "new": "secret"},
                                          "limits": {"max-frame-bytes": "many"}})
    server.control.configure(changed)
    server.control.wait(lambda: sum(e.number == 20001 for e in server.control.events) == 2)
    assert "max-frame-bytes" in server.control.wait_event(20002).text
    with server.client(login="new", passcode="secret") as client:
        assert client.acked("/topic/a", b"") == 1
    assert not connectable(other)


# --- ends --------------------------------------------------------------------------------------------------


def test_sigterm_ends_cleanly_with_everything_stored(server):
    with server.client() as client:
        client.publish("/topic/a", b"x")
        client.acked("/topic/a", b"x")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert "server was stopped" in client.expect("ERROR").headers["message"]
    assert "00-05063" in server.output
    assert [r.state for r in server.control.reports][-1] == "stopping"
    server.restart()
    assert server.control.reports[-1].last_seq == 2


def test_sighup_begins_the_log_files_anew_and_never_ends_the_server(start_server):
    server = start_server(options={"clients": {"bench": "benchpass"}, "log": {"all": "stdout, ms.log"}})
    out = server.directory / "ms.log"
    out.rename(out.with_name("ms.log.1"))
    server.signal(signal.SIGHUP)
    server.control.wait(lambda: out.exists() and "opened anew" in out.read_text())
    with server.client() as client:
        assert client.acked("/topic/a", b"still there") == 1


def test_a_terminal_that_is_closed_does_not_end_the_server(start_server):
    ours, terminal = os.openpty()

    def in_terminal() -> None:
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    server = start_server(preexec=in_terminal)
    os.close(terminal)
    os.close(ours)
    server.control.wait(lambda: "SIGHUP" in server.output)
    with server.client() as client:
        assert client.acked("/topic/a", b"still there") == 1


def test_sigusr1_lets_subscribers_finish_then_ends(server):
    with server.client() as sender, server.client() as reader:
        reader.subscribe("/topic/a", ack="client-individual")
        sender.acked("/topic/a", b"last")
        message = reader.expect("MESSAGE")
        server.signal(signal.SIGUSR1)
        server.control.wait_report(state="suspending")
        assert not connectable(server.port)
        sender.publish("/topic/a", b"too late", receipt="r")
        assert "being stopped" in sender.expect("ERROR").headers["message"]
        assert server.process.poll() is None, "it waits for the subscriber"
        reader.send("ACK", {"id": message.headers["ack"]})
        assert server.wait() == 0
    server.control.wait_event(5096)
    assert "finished" in server.control.wait_event(5097).text
    assert "suspended" in [r.state for r in server.control.reports]


@pytest.mark.long
def test_sigusr1_does_not_wait_for_ever(start_server):
    server = start_server(annex={"sml": {"suspending-wait-timeout": "5"}})
    with server.client() as reader:
        reader.subscribe("/topic/a", ack="client-individual")
        reader.publish("/topic/a", b"never acknowledged")
        reader.expect("MESSAGE")
        server.signal(signal.SIGUSR1)
        assert server.wait() == 0
    assert "had not finished" in server.control.wait_event(5097).text


def publish_until_cut(server, first: int, acknowledged: list[int]) -> None:
    """Send numbered messages in windows until the connection breaks; note what was acknowledged."""
    try:
        with server.client() as client:
            for number in range(first, first + 1_000_000, 50):
                for one in range(number, number + 50):
                    client.publish("/topic/load", b"%d" % one, receipt=str(one), dedup_id=str(one))
                for _ in range(50):
                    frame = client.next()
                    if frame is None or frame.command != "RECEIPT":
                        return
                    acknowledged.append(int(frame.headers["receipt-id"]))
    except OSError:
        return


def test_every_acknowledged_message_survives_kill_9_in_the_middle_of_load(server):
    acknowledged: list[int] = []
    for turn in range(3):
        target = len(acknowledged) + 2000
        loads = [threading.Thread(target=publish_until_cut, args=(server, turn * 10**8 + part * 10**7, acknowledged))
                 for part in range(3)]
        for load in loads:
            load.start()
        with server.client() as watcher:
            watcher.subscribe("/topic/load")
            while len(acknowledged) < target:
                watcher.expect("MESSAGE")
        server.kill()
        for load in loads:
            load.join(WAIT_S)
        server.restart()
        count = len(acknowledged)
        with server.client() as client:
            client.subscribe("/topic/load", from_seq="1")
            last = int(client.connected.headers["last-seq"])
            messages = client.messages(last)
            stored = [int(m.body) for m in messages]
            assert [int(m.headers["seq"]) for m in messages] == list(range(1, last + 1))
            assert set(acknowledged) <= set(stored)
            assert len(stored) == len(set(stored))
            again = client.acked("/topic/load", b"retried", dedup_id=str(acknowledged[0]))
            assert again == stored.index(acknowledged[0]) + 1
        assert count >= target


def test_a_full_disk_stops_acknowledging_and_recovers_by_itself(start_server):
    server = start_server()
    pid = server.process.pid
    with server.client() as client:
        for _ in range(5):
            client.acked("/topic/a", b"x" * 100_000)
    size = max(f.stat().st_size for f in (server.directory / "data").iterdir())
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 50_000, resource.RLIM_INFINITY))
    stored = 5
    with server.client() as client:
        while True:
            client.publish("/topic/a", b"x" * 100_000, receipt="r")
            frame = client.next()
            if frame.command == "ERROR":
                break
            stored += 1
            assert stored < 100, "the limit never bit"
        assert "not stored" in frame.headers["message"]
    report = server.control.wait_report(state="service_unavailable")
    assert "cannot be stored" in report.reason
    server.control.wait_event(5094)
    with server.client() as client:
        client.publish("/topic/a", b"x", receipt="r")
        assert "does not count" in client.expect("ERROR").headers["message"]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    server.control.wait_report(state="started", reason="")
    server.control.wait_event(5093)
    with server.client() as client:
        assert client.acked("/topic/a", b"y") >= stored + 1
        client.subscribe("/topic/a", from_seq="1")
        assert client.messages(stored)[-1].body == b"x" * 100_000


def test_what_a_client_sent_behind_a_message_that_was_not_stored_is_not_stored_either(start_server):
    server = start_server()
    pid = server.process.pid
    with server.client() as client:
        client.acked("/topic/a", b"first")
        size = max(f.stat().st_size for f in (server.directory / "data").iterdir())
        # The large one does not fit, the small ones behind it would.
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 200_000, resource.RLIM_INFINITY))
        client.publish("/topic/a", b"x" * 900_000)
        for _ in range(300):
            client.publish("/topic/a", b"overtaker", receipt="r")
        assert "not stored" in client.expect("ERROR").headers["message"]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    server.control.wait_event(5093)
    with server.client() as client:
        assert client.acked("/topic/a", b"last") == 2


def test_a_grant_that_cannot_be_stored_is_taken_when_there_is_room(start_server):
    server = start_server(serving=False, auto_grant="")
    server.control.wait_report(state="ready")
    pid = server.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
    server.control.grant("primary")
    report = server.control.wait_report(state="service_unavailable")
    assert "granted epoch cannot be stored" in report.reason
    assert not connectable(server.port)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    server.serving()
    with server.client() as client:
        assert client.acked("/topic/a", b"x") == 1


class LosesAPart(ServerProcess):
    """Its housekeeping meets an error that nobody foresaw, once there is a file ``fail`` in its directory."""

    CODE = """
import sys
from pathlib import Path
from messageserver import housekeeping, main

class Loses(housekeeping.Housekeeping):
    async def _keep(self):
        if (Path(sys.argv[-1]) / "fail").exists():
            raise ValueError("nobody foresaw this")

housekeeping.Housekeeping._keep = Loses._keep
sys.exit(main.main())
"""

    def start(self) -> None:
        self.command[1:3] = ["-c", self.CODE]
        super().start()


def test_a_part_that_ends_and_must_not_takes_the_server_with_it_and_says_so(tmp_path, control, port):
    with LosesAPart(tmp_path / "server", control, port=port) as server:
        server.serving()
        (server.directory / "fail").touch()
        assert server.wait() == ExitCode.INTERNAL
    told = control.wait_event(Own.TASK_ENDED)
    assert told.text.startswith("A part of the server has ended: ValueError: nobody foresaw this. The server ends")
    assert "in _keep" in told.text
    assert "42-20118 A part of the server has ended" in server.output
    assert "the lines before this one say which" in control.wait_event(20099).text


def test_it_restarts_at_once_on_a_port_that_had_clients(server):
    clients = [server.client() for _ in range(5)]
    for client in clients:
        client.acked("/topic/a", b"x")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    server.restart()
    for client in clients:
        client.close()
    with server.client() as client:
        assert client.connected.headers["last-seq"] == "5"


@pytest.mark.long
def test_two_servers_do_not_share_a_port_even_when_neither_listens(start_server, tmp_path):
    first = start_server(serving=False, auto_grant="backup")
    first.control.wait_report(state="started", role="backup")
    with (ControlDouble(application(first.port), auto_grant="backup") as control,
          ServerProcess(tmp_path / "second", control, port=first.port) as second):
        assert second.wait() == ExitCode.PORT_IN_USE
