"""How a Message Server's process ends: by signals, with its terminal, with a part of it; and a start right after."""

import fcntl
import os
import signal
import termios

import pytest

from messageserver.exits import ExitCode
from protocol.events import Own

from .command import connectable
from .conftest import ServerProcess, application
from .control_double import ControlDouble

pytestmark = pytest.mark.scenario


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
