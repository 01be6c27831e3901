"""The probe load of a failover drill against a real server: what it counts is what was promised and kept."""

import time

import pytest

from protocol import auth, drills, tls
from protocol.stomp_client import Target
from provisioning.drills.rules.figures import figures
from provisioning.drills.worker.load import ProbeLoad
from tests.certificates import Certificates
from tests.scenarios.harness import wait_for

from .control_double import SECRET
from .test_tls import ports

pytestmark = pytest.mark.scenario
KEY = "0123456789abcdef"


@pytest.fixture
def load_of(closed_port):
    """``load_of(port)``: under way, with a member that refuses connections first in its list."""
    made = []

    def make(port, *, secret=SECRET, context=None):
        login = drills.login_of(KEY, int(time.time()) + 600)
        targets = [Target("A", "localhost", closed_port, login, "?"),
                   Target("B", "localhost", port, login, auth.drill_passcode(secret, login), context)]
        made.append(ProbeLoad(targets, drills.destination_of(KEY), KEY))
        made[-1].start()
        return made[-1]

    yield make
    for load in made:
        load.close()


def sent(load, count):
    wait_for(lambda: load.acknowledged >= count, 15, f"{count} acknowledgements; {load.trouble}", every=0.01)


def settled(load):
    load.stop_sending()
    wait_for(lambda: load.is_complete, 15, f"the rest; {load.trouble}", every=0.01)
    return figures(load.ledger())


def test_it_finds_who_serves_and_reads_back_all_that_was_acknowledged(server, load_of):
    load = load_of(server.port)
    sent(load, 5)
    found = settled(load)
    assert found.is_sound
    assert found.sent == found.acknowledged == found.delivered >= 5


def test_a_server_that_dies_costs_an_outage_and_no_message(server, load_of):
    load = load_of(server.port)
    sent(load, 5)
    before = time.monotonic()
    server.kill()
    server.restart()
    sent(load, load.acknowledged + 5)
    found = figures(load.ledger(), over=(before, time.monotonic()))
    assert found.outage_over_ms > 100
    assert settled(load).is_sound


@pytest.mark.long
def test_what_others_write_there_does_not_count(start_server, load_of):
    server = start_server()
    load = load_of(server.port)
    sent(load, 2)
    with server.client() as client:
        client.acked(drills.destination_of(KEY), b"not a number")
    sent(load, load.acknowledged + 2)
    assert settled(load).is_sound


@pytest.mark.long
def test_why_it_is_not_let_in_is_told(server, load_of):
    load = load_of(server.port, secret="another")
    wait_for(lambda: "another secret" in load.trouble.get("B", ""), 10, "the refusal")
    assert load.acknowledged == 0
    assert load.trouble["A"] == "Connection refused"


@pytest.fixture
def secured(start_server, port, tmp_path):
    """(server, context that it lets in, context without a certificate) of a port with mutual TLS."""
    certificates = Certificates(tmp_path / "tls")
    certificate, key = certificates.issue("localhost")
    server = start_server(ports=ports(port, f"tls=1;certificate={certificate};certificate-key={key};"
                                            f"trusted-ca={certificates.authority};tls-mutual=1"))
    return (server, tls.client_context(certificates.authority, *certificates.issue("console")),
            tls.client_context(certificates.authority))


def test_a_secured_port_that_wants_a_certificate_is_shown_one(secured, load_of):
    server, shown, without = secured
    load = load_of(server.port, context=without)
    wait_for(lambda: load.trouble.get("B"), 10, "the refusal")
    assert load.acknowledged == 0
    load.close()
    load = load_of(server.port, context=shown)
    sent(load, 5)
    assert settled(load).is_sound


@pytest.mark.long
def test_a_server_that_shows_another_certificate_is_not_used(secured, load_of, tmp_path):
    load = load_of(secured[0].port, context=tls.client_context(Certificates(tmp_path / "other").authority))
    wait_for(lambda: "not from the authority" in load.trouble.get("B", ""), 10, "the distrust")
    assert load.acknowledged == 0
