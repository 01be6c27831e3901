"""A pair whose HA Sync ports are secured."""

import contextlib
import socket
import ssl

import pytest

from tests.certificates import Certificates

from .conftest import free_ports
from .control_double import WAIT_S
from .pair_of_servers import SYNC_SECRET, PairOfServers
from .stomp_client import Client

pytestmark = pytest.mark.scenario


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path / "tls")


@pytest.fixture
def make_pair(tmp_path):
    made = []

    def make(first: str, second: str) -> PairOfServers:
        made.append(PairOfServers(tmp_path, free_ports(4), {}, (SYNC_SECRET, SYNC_SECRET), (first, second)))
        return made[-1]

    yield make
    for pair in made:
        pair.end()


def transport(files, authority="", mutual=False) -> str:
    certificate, key = files
    return (f"tls=1;certificate={certificate};certificate-key={key}" + (f";trusted-ca={authority}" if authority else "")
            + (";tls-mutual=1" if mutual else ""))


def linked_never(pair: PairOfServers, sentence: str) -> None:
    pair.b.granted("backup", 1)
    pair.a.granted("primary", 1)
    pair.b.control.wait(lambda: sentence in pair.b.report.link_reason)
    assert pair.b.report.link == "down"


def test_a_mutually_verified_pair_syncs_in_both_directions(make_pair, certificates):
    pair = make_pair(*(transport(certificates.issue("127.0.0.1"), certificates.authority, mutual=True)
                       for _ in range(2))).in_sync()
    with Client(pair.a.port) as client:
        assert client.acked("/topic/a", b"x" * 300_000) == 1
    pair.wait_equal()
    pair.a.kill()
    pair.a.wait()
    pair.b.granted("primary", 2)
    pair.restart("A").granted("backup", 2)
    pair.synced(pair.b, pair.a)
    with Client(pair.b.port) as client:
        assert client.acked("/topic/a", b"back") == 2
    pair.wait_equal()


def test_nobody_without_a_certificate_gets_to_a_mutual_port(make_pair, certificates):
    pair = make_pair(*(transport(certificates.issue("127.0.0.1"), certificates.authority, mutual=True)
                       for _ in range(2))).in_sync()
    context, heard = ssl.create_default_context(cafile=certificates.authority), b""
    with (contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", pair.a.sync_port), WAIT_S) as plain,
          context.wrap_socket(plain, server_hostname="127.0.0.1") as secured):
        heard = secured.recv(1)
    assert heard == b""


@pytest.mark.parametrize(("names", "days", "sentence"), [
    (["localhost"], 100, "its certificate is not for 127.0.0.1"),
    (["127.0.0.1"], -1, "its certificate has expired"),
])
def test_a_standby_does_not_trust_a_wrong_certificate_and_says_why(make_pair, certificates, names, days, sentence):
    pair = make_pair(transport(certificates.issue(*names, days=days), certificates.authority),
                     transport(certificates.issue("127.0.0.1"), certificates.authority))
    linked_never(pair, sentence)


def test_a_standby_does_not_trust_another_authority(make_pair, certificates, tmp_path):
    other = Certificates(tmp_path / "other")
    pair = make_pair(transport(other.issue("127.0.0.1"), other.authority),
                     transport(certificates.issue("127.0.0.1"), certificates.authority))
    linked_never(pair, "not from the authority that is trusted here")


def test_a_standby_without_trusted_ca_says_what_to_add(make_pair, certificates):
    pair = make_pair(transport(certificates.issue("127.0.0.1")), "")
    linked_never(pair, "add trusted-ca=<file>")


def test_a_standby_that_dials_without_tls_does_not_get_through(make_pair, certificates):
    pair = make_pair(transport(certificates.issue("127.0.0.1")), "")
    pair.b.control.configure({**pair.b.control.application,
                              "peer": {**pair.b.control.application["peer"], "secured": False}})
    linked_never(pair, "silent")
