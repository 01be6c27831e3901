"""Secured listening ports."""

import contextlib
import datetime
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from messageserver.exits import ExitCode

from .stomp_client import WAIT_S, Client

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
    start_server(ports=ports(port, f"tls=1;certificate={certificate}"))
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


@pytest.mark.parametrize("parameters", ["tls=1", "tls=1;certificate=/does/not/exist"])
def test_a_secured_port_without_a_usable_certificate_is_not_opened_plain(start_server, port, parameters):
    server = start_server(serving=False, ports=ports(port, parameters))
    assert server.wait() == ExitCode.PORT_IN_USE
    assert "00-08101" in server.output
    assert "certificate" in server.output
