"""A pair whose HA Sync ports are secured."""

import contextlib
import socket
import ssl
import threading
import time

import pytest

from protocol.lines import OPENING_TIMEOUT_S
from tests.certificates import Certificates
from tests.doubles.stomp import Client
from tests.ports import free_port
from tests.waiting import wait_for

from .control_double import WAIT_S
from .pair_of_servers import SYNC_SECRET, PairOfServers

pytestmark = pytest.mark.scenario


@pytest.fixture
def make_pair(tmp_path):
    made = []

    def make(first: str, second: str, **options) -> PairOfServers:
        ports = [free_port() for _ in range(4)]
        made.append(PairOfServers(tmp_path, ports, options, (SYNC_SECRET, SYNC_SECRET), (first, second)))
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


@pytest.mark.long
def test_a_standby_without_trusted_ca_says_what_to_add(make_pair, certificates):
    pair = make_pair(transport(certificates.issue("127.0.0.1")), "")
    linked_never(pair, "add trusted-ca=<file>")


@pytest.mark.long
def test_a_standby_that_dials_without_tls_does_not_get_through(make_pair, certificates):
    pair = make_pair(transport(certificates.issue("127.0.0.1")), "")
    pair.b.control.configure({**pair.b.control.application,
                              "peer": {**pair.b.control.application["peer"], "secured": False}})
    linked_never(pair, "silent")


CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(189)
"""A ClientHello that says nothing of use; what comes of it before its end tells a listener nothing."""
PLACES, CROWD, DRIP_S = 20, 60, 0.2
"""So many may be in their handshake; so many of each kind come."""
LATER_S = 3.0
"""By so much may a busy machine be late."""


class Stranger:
    """One connection to a secured HA Sync port: over TLS already where there is a ``context``, then ``said`` at once
    and ``dripped`` byte after byte, and nothing else for ever."""

    def __init__(self, port: int, said: bytes = b"", dripped: bytes = b"", context=None):
        self.began = time.monotonic()
        self._socket = socket.create_connection(("127.0.0.1", port), WAIT_S)
        if context is not None:
            self._socket = context.wrap_socket(self._socket, server_hostname="127.0.0.1")
        self._socket.sendall(said)
        self._dripped = dripped
        self.lived_s = None

    def live(self) -> None:
        """Until the server ends it."""
        with contextlib.suppress(OSError):
            for byte in self._dripped:
                self._socket.sendall(bytes([byte]))
                if self._closed_within(DRIP_S):
                    break
            else:
                self._closed_within(WAIT_S)
        self.lived_s = time.monotonic() - self.began
        self._socket.close()

    def _closed_within(self, wait_s: float) -> bool:
        self._socket.settimeout(wait_s)
        try:
            while self._socket.recv(4096):
                pass
        except TimeoutError:
            return False
        return True


@pytest.fixture
def strangers():
    """``strangers(port, **how)`` is a Stranger that lives in a thread of its own."""
    threads = []

    def come(port: int, **how) -> Stranger:
        stranger = Stranger(port, **how)
        threads.append(threading.Thread(target=stranger.live))
        threads[-1].start()
        return stranger

    yield come
    for thread in threads:
        thread.join(WAIT_S)


@pytest.mark.long
def test_who_stalls_at_the_secured_ha_sync_port_keeps_no_standby_out_and_is_ended_in_time(make_pair, certificates,
                                                                                         strangers):
    few = {"limits": {"max-connections": str(PLACES)}}
    pair = make_pair(*(transport(certificates.issue("127.0.0.1"), certificates.authority) for _ in range(2)),
                     **few).in_sync()
    pair.b.kill()
    pair.a.wishes("alone")
    pair.a.record(in_sync=False)
    port, trusting = pair.sync_port("A"), ssl.create_default_context(cafile=certificates.authority)
    in_handshake = [strangers(port, said=said) for said in (b"", CLIENT_HELLO[:3], CLIENT_HELLO[:11])
                    for _ in range(CROWD)]
    in_handshake.append(strangers(port, dripped=CLIENT_HELLO[:-1]))
    after_it = [strangers(port, context=trusting), strangers(port, dripped=b" " * 200, context=trusting)]
    pair.restart("B").granted("backup", 1)
    pair.synced(pair.a, pair.b)
    with Client(pair.a.port) as client:
        client.acked("/topic/a", b"both")
    pair.wait_equal()
    strangers = [(each, 1) for each in in_handshake] + [(each, 2) for each in after_it]
    wait_for(lambda: all(each.lived_s is not None for each, _ in strangers), 2 * OPENING_TIMEOUT_S + LATER_S,
             "no stranger there any more")
    for each, openings in strangers:
        assert each.lived_s < openings * OPENING_TIMEOUT_S + LATER_S
