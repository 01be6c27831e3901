"""The roles of a Message Server: how it comes by one, what its ports do meanwhile, switchover."""

import socket
from types import SimpleNamespace

import pytest

from messageserver import VERSION
from messageserver.roles import Roles
from messageserver.standing import Mode, granted
from tests.ports import free_port

from .command import connectable
from .conftest import application

pytestmark = pytest.mark.scenario


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


def test_only_an_epoch_that_is_newer_than_its_own_deposes_a_server():
    """The word of it may come late: after this server was granted that very epoch."""
    stood = []
    tasks = SimpleNamespace(start=lambda work, _name: work.close())
    broker = SimpleNamespace(standing=granted(2, 20, 0, strict=False), stand=stood.append, tasks=tasks)
    log = SimpleNamespace(standard=lambda *_: None)
    roles = Roles(SimpleNamespace(name="A"), log, broker, SimpleNamespace(), lambda: None)
    roles.role = "primary"
    roles._newer_epoch(2)
    assert stood == []
    roles._newer_epoch(3)
    assert [each.mode for each in stood] == [Mode.DEPOSED]
