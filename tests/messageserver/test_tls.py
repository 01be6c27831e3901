"""Secured listening ports."""

import contextlib
import datetime
import socket
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from messageserver.exits import ExitCode
from messageserver.log import Event
from messageserver.secured import Secured
from messageserver.settings import Port
from protocol.tls import expires_at
from tests.certificates import Certificates
from tests.doubles.stomp import WAIT_S, Client
from tests.waiting import wait_for

pytestmark = pytest.mark.scenario


@pytest.fixture
def certificate(tmp_path):
    """A self-signed certificate for localhost with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256()))
    path = tmp_path / "server.pem"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()) + made.public_bytes(serialization.Encoding.PEM))
    return path


def ports(port: int, parameters: str) -> list[dict]:
    return [{"id": "default", "port": port, "protocol": "stomp", "ha_sync": False, "listening_mode": "secured",
             "transport_parameters": parameters}]


class SecureClient(Client):
    """The same client behind TLS."""

    def __init__(self, port: int, trusted):
        super().__init__(port, connect=False)
        self.socket = ssl.create_default_context(cafile=trusted).wrap_socket(self.socket, server_hostname="localhost")
        self.send("CONNECT", {"accept-version": "1.2", "login": "bench", "passcode": "benchpass"})
        self.expect("CONNECTED")


def test_a_secured_port_speaks_tls_and_nothing_else(start_server, port, certificate):
    server = start_server(ports=ports(port, f"tls=1;certificate={certificate}"))
    with SecureClient(port, certificate) as client:
        client.subscribe("/topic/a")
        assert client.acked("/topic/a", b"x" * 500_000) == 1
        client.expect("MESSAGE")
        client.publish("/elsewhere", b"")
        assert "/topic/" in client.expect("ERROR").headers["message"]
    with socket.create_connection(("127.0.0.1", port), WAIT_S) as plain:
        plain.sendall(b"CONNECT\naccept-version:1.2\n\n\0")
        with contextlib.suppress(ConnectionResetError):
            assert b"CONNECTED" not in plain.recv(1000)
    told = "it does not speak TLS: let it connect with TLS, or to a port that is not secured"
    wait_for(lambda: told in server.output, WAIT_S, "the line of its log")


def test_those_that_stall_in_their_handshake_take_no_place_of_a_client(start_server, port, certificate):
    start_server(ports=ports(port, f"tls=1;certificate={certificate}"),
                 options={"limits": {"max-connections": "10"}, "clients": {"bench": "benchpass"}})
    with contextlib.ExitStack() as stalled:
        all_ = [stalled.enter_context(socket.create_connection(("127.0.0.1", port), WAIT_S)) for _ in range(40)]
        for number, one in enumerate(all_):
            # Some say nothing at all, some stop in the middle of their first word.
            with contextlib.suppress(OSError):
                one.sendall(b"\x16\x03\x01\x00\xc8\x01\x00"[:number % 8])
        for _ in range(3):
            with SecureClient(port, certificate) as client:
                client.subscribe("/topic/a")
        for one in all_[:30]:
            assert _is_ended(one)


def _is_ended(one: socket.socket) -> bool:
    try:
        return one.recv(100) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("parameters", ["tls=1", "tls=1;certificate=/does/not/exist"])
def test_a_secured_port_without_a_usable_certificate_is_not_opened_plain(start_server, port, parameters):
    server = start_server(serving=False, ports=ports(port, parameters))
    assert server.wait() == ExitCode.PORT_IN_USE
    assert "00-08101" in server.output
    assert "certificate" in server.output


def test_a_certificate_that_is_about_to_expire_is_reported_and_logged(start_server, port, tmp_path):
    made = Certificates(tmp_path / "tls")
    certificate, key = made.issue("localhost", days=6)
    server = start_server(ports=ports(port, f"certificate={certificate};certificate-key={key}"))
    report = server.control.wait_report(state="started")
    assert report.ports[0]["not_after"] == expires_at(certificate)
    server.control.wait(lambda: any(event.number == 8100 and "expires in 5 days" in event.text
                                    for event in server.control.events))


def test_mutual_without_an_authority_is_not_opened(start_server, port, certificate):
    server = start_server(serving=False, ports=ports(port, f"certificate={certificate};tls-mutual=1"))
    assert server.wait() == ExitCode.PORT_IN_USE
    assert "trusted-ca=<file>" in server.output


def test_a_renewed_certificate_is_taken_over_and_a_broken_one_is_not(tmp_path):
    made = Certificates(tmp_path / "tls")
    (certificate, key), (later, later_key) = made.issue("localhost", days=6), made.issue("localhost", days=200)
    secured = Secured(Port(id="default", number=7000, secured=True,
                           transport={"certificate": str(certificate), "certificate-key": str(key)}))
    now = time.time()
    assert [event for event, _ in secured.look(now)] == [Event.TLS_EXPIRED]
    assert secured.look(now) == []
    certificate.write_bytes(later.read_bytes())
    assert [event for event, _ in secured.look(now)] == [Event.TLS_INVALID]
    key.write_bytes(later_key.read_bytes())
    assert [event for event, _ in secured.look(now)] == [Event.CONFIGURATION_CHANGED]
    assert secured.not_after == expires_at(later)
