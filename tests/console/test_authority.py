"""The console's own certificate authority, and the certificates that it makes and renews."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from console import checks
from protocol.tls import Identity, expires_at
from provisioning.core import tls
from provisioning.core.authority import Authority, CannotIssue
from provisioning.core.names import names_for

NOW = datetime(2026, 11, 24, tzinfo=UTC)
NAMES = ("192.0.2.1", "localhost", "pairwise.example")


@pytest.fixture
def authority(tmp_path) -> Authority:
    made = Authority(tmp_path / "tls")
    assert made.provide(NAMES, now=NOW)
    return made


def test_the_first_start_makes_keys_that_nobody_else_reads(authority):
    modes = {path.name: path.stat().st_mode & 0o777 for path in authority.directory.glob("*.*")}
    assert modes == {"ca.key": 0o600, "console.key": 0o600, "ca.pem": 0o644, "console.pem": 0o644}
    Identity(authority.console_certificate, authority.console_key)


def test_a_certificate_stays_until_two_months_before_its_end_and_is_renewed_then(authority):
    before = authority.console_certificate.read_bytes()
    assert not authority.provide(NAMES, now=NOW + timedelta(days=336))
    assert authority.console_certificate.read_bytes() == before
    assert authority.provide(NAMES, now=NOW + timedelta(days=338))
    assert authority.console_certificate.read_bytes() != before
    assert expires_at(authority.console_certificate) == (NOW + timedelta(days=338 + 397)).timestamp()


def test_the_authority_stays_when_certificates_are_renewed(authority):
    before = authority.certificate.read_bytes()
    authority.provide(NAMES, now=NOW + timedelta(days=1000))
    assert authority.certificate.read_bytes() == before


def test_a_certificate_that_a_clock_made_for_the_future_is_replaced_once_the_clock_is_right(authority):
    ca, key = authority.certificate.read_bytes(), authority.key.read_bytes()
    ahead = NOW + timedelta(days=340)
    assert authority.provide(NAMES, now=ahead)
    right = ahead - timedelta(days=20)
    assert authority.provide(NAMES, now=right)
    certificate = x509.load_pem_x509_certificate(authority.console_certificate.read_bytes())
    assert certificate.not_valid_before_utc == right - timedelta(days=1)
    Identity(authority.console_certificate, authority.console_key)
    assert (authority.certificate.read_bytes(), authority.key.read_bytes()) == (ca, key)
    assert not authority.provide(NAMES, now=right)


def test_a_clock_that_is_before_the_authority_replaces_nothing(authority):
    assert not authority.provide(NAMES, now=NOW - timedelta(days=1000))
    assert authority.provide((*NAMES, "console.example"), now=NOW - timedelta(days=1000))


async def test_an_authority_that_is_not_valid_yet_is_said_with_what_to_do(settings, tmp_path):
    made = Authority(tmp_path / "tls")
    made.provide(NAMES, now=datetime.now(UTC) + timedelta(days=20))
    settings.PAIRWISE_TLS_DIR, settings.TLS_IS_OWN = made.directory, True
    settings.PAIRWISE_TLS_CA, settings.PAIRWISE_TLS_CERTIFICATE = str(made.certificate), str(made.console_certificate)
    said = asyncio.get_running_loop().create_future()
    looking = asyncio.create_task(tls.look_after(Identity(made.console_certificate, made.console_key),
                                                 tell=said.set_result))
    async with asyncio.timeout(10):
        sentence = await said
    looking.cancel()
    assert "The authority of the console" in sentence
    assert "is not valid before" in sentence
    assert "Correct the clock" in sentence
    assert "every host has to join anew" in sentence
    settings.PAIRWISE_CONTROL_TLS = True
    assert [each.id for each in checks.certificates()] == ["pairwise.W007"]


async def test_a_certificate_that_cannot_be_renewed_is_said_once(authority, settings, monkeypatch, caplog):
    settings.PAIRWISE_TLS_CA = settings.PAIRWISE_TLS_CERTIFICATE = ""
    tried, often = [], asyncio.Event()
    loop = asyncio.get_running_loop()

    def provide():
        tried.append(1)
        if len(tried) == 4:
            loop.call_soon_threadsafe(often.set)
        raise CannotIssue("The disk is read-only.")

    monkeypatch.setattr(tls, "provide", provide)
    identity = Identity(authority.console_certificate, authority.console_key)
    looking = asyncio.create_task(tls.look_after(identity, every_s=0.0))
    async with asyncio.timeout(10):
        await often.wait()
    looking.cancel()
    assert caplog.text.count("The disk is read-only.") == 1


def test_another_name_needs_another_certificate_and_one_less_does_not(authority):
    assert authority.provide((*NAMES, "console.example"), now=NOW)
    assert not authority.provide(NAMES, now=NOW)


@pytest.mark.parametrize("damage", ["console.pem", "console.key"])
def test_a_lost_or_damaged_certificate_is_made_anew(authority, damage):
    (authority.directory / damage).write_text("damaged")
    assert authority.provide(NAMES, now=NOW)
    (authority.directory / damage).unlink()
    assert authority.provide(NAMES, now=NOW)
    Identity(authority.console_certificate, authority.console_key)


def test_a_certificate_of_another_authority_is_made_anew(authority, tmp_path):
    other = Authority(tmp_path / "other")
    other.provide(NAMES, now=NOW)
    for name in ("console.pem", "console.key"):
        (authority.directory / name).write_bytes((other.directory / name).read_bytes())
    assert authority.provide(NAMES, now=NOW)


@pytest.mark.parametrize("damage", ["ca.pem", "ca.key"])
def test_a_damaged_authority_is_never_replaced_silently(authority, damage):
    (authority.directory / damage).write_text("damaged")
    with pytest.raises(CannotIssue, match="restore the directory from a backup"):
        authority.provide((*NAMES, "console.example"), now=NOW)


def test_strict_verifiers_accept_what_it_makes(authority):
    certificate = x509.load_pem_x509_certificate(authority.console_certificate.read_bytes())
    root = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    verifier = x509.verification.PolicyBuilder().store(x509.verification.Store([root])).time(NOW)
    assert verifier.build_server_verifier(x509.DNSName("pairwise.example")).verify(certificate, [])


def test_names_that_a_certificate_can_have():
    assert names_for(given=["", "*", "[2001:db8::1]", ".example.com", "Console.Example", "a b", "x" * 64]) == (
        "*.example.com", "127.0.0.1", "2001:db8::1", "::1", "console.example", "example.com", "localhost")


def test_a_renewed_certificate_is_shown_without_a_restart(authority):
    identity = Identity(authority.console_certificate, authority.console_key)
    assert not identity.refresh()
    authority.provide(NAMES, now=NOW + timedelta(days=350))
    assert identity.refresh()
    assert _shown(identity.context, authority.certificate, "pairwise.example") == (
        x509.load_pem_x509_certificate(authority.console_certificate.read_bytes()).serial_number)


def _shown(listening: ssl.SSLContext, authority, name: str) -> int:
    """Serial number of the certificate that ``listening`` shows, by a handshake in memory."""
    dialling = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    dialling.check_hostname, dialling.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = listening.wrap_bio(to_server, to_client, server_side=True)
    client = dialling.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return x509.load_der_x509_certificate(client.getpeercert(binary_form=True)).serial_number


def test_the_certificate_is_for_every_name_that_hosts_may_dial(settings):
    settings.PAIRWISE_HOST, settings.PAIRWISE_CONTROL_HOST = "192.0.2.1", "192.0.2.2"
    settings.PAIRWISE_CONTROLS = (("control-a.example", 2020), ("control-b.example", 2020))
    settings.PAIRWISE_ADVERTISED_HOST, settings.PAIRWISE_CONSOLE_URL = "console.example", "https://proxy.example:8443"
    settings.ALLOWED_HOSTS, settings.PAIRWISE_TLS_NAMES = ["browser.example", "*"], ["more.example"]
    assert set(tls.names()) == {
        "192.0.2.1", "192.0.2.2", "control-a.example", "control-b.example", "console.example", "proxy.example",
        "browser.example", "more.example", "localhost", "127.0.0.1", "::1"}


def test_on_all_addresses_it_is_for_those_of_the_machine_too(settings):
    settings.PAIRWISE_HOST = "0.0.0.0"
    assert socket.gethostname().lower() in tls.names()
