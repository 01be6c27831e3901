"""Ports are held on IPv4 and IPv6."""

import errno
import socket

import pytest

from messageserver import ports
from messageserver.ports import PortError, bind
from messageserver.settings import Port
from tests.doubles.stomp import Client
from tests.ports import free_port

from .control_double import WAIT_S


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="the machine has no IPv6")


@pytest.fixture
def held():
    """``held(port)`` binds it until the test ends."""
    sockets = []

    def hold(port: Port) -> list[socket.socket]:
        sockets.extend(bind(port))
        return sockets

    yield hold
    for each in sockets:
        each.close()


@needs_ipv6
@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_a_port_that_another_program_has_on_either_is_taken(address):
    number = free_port()
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as other:
        if ":" in address:
            other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, True)
        other.bind((address, number))
        with pytest.raises(PortError, match=f"Port {number} .* cannot be opened"):
            bind(Port("default", number))
    # Nothing of the failed attempt is left.
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", number))


@needs_ipv6
def test_one_address_alone_may_be_held(held):
    number = free_port()
    assert [each.getsockname()[0] for each in held(Port("a", number, transport={"address": "::1"}))] == ["::1"]
    held(Port("b", number, transport={"address": "127.0.0.1"}))


@pytest.mark.parametrize(("code", "there"), [(errno.EAFNOSUPPORT, "socket"), (errno.EADDRNOTAVAIL, "bind")])
def test_a_machine_without_ipv6_has_its_ports_on_ipv4(monkeypatch, held, code, there):
    class Old(socket.socket):
        def __init__(self, family=socket.AF_INET, *rest):
            if family == socket.AF_INET6 and there == "socket":
                raise OSError(code, "not here")
            super().__init__(socket.AF_INET, *rest)
            self.asked = family

        def setsockopt(self, level, *rest):
            if level != socket.IPPROTO_IPV6:
                super().setsockopt(level, *rest)

        def bind(self, address):
            if self.asked == socket.AF_INET6:
                raise OSError(code, "not here")
            super().bind(address)

    monkeypatch.setattr(ports.socket, "socket", Old)
    assert [each.family for each in held(Port("default", free_port()))] == [socket.AF_INET]


@needs_ipv6
@pytest.mark.scenario
def test_clients_of_both_are_served_and_so_after_a_switchover(server):
    for turn in range(2):
        with Client(server.port, host="::1") as six, server.client() as four:
            six.subscribe("/topic/a")
            four.acked("/topic/a", b"4")
            assert six.expect("MESSAGE").body == b"4"
            assert "[::1]:" in server.output
            six.publish("/elsewhere", b"")
            six.expect("ERROR")
        if turn:
            break
        server.control.grant("backup")
        server.control.wait_report(role="backup", epoch=server.control.epoch)
        for host in ("::1", "127.0.0.1"):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host, server.port), WAIT_S)
        server.control.grant("primary")
        server.control.wait(lambda: server.control.reports[-1].ports[0]["listening"])
