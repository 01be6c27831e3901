"""What a target may say."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from provisioning.models.applications import MASK
from provisioning.notifications.rules.addresses import NOTHING, Allowed
from provisioning.shipping.rules.addresses import WAYS, path_of, place_of, why_not
from provisioning.shipping.rules.drafts import TargetDraft
from provisioning.shipping.rules.refusals import refusals
from tests.certificates import Certificates

LOOPBACK = Allowed(loopback=True)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """(authority, certificate, key) as PEM."""
    made = Certificates(tmp_path_factory.mktemp("authority"))
    certificate, key = made.issue("console")
    return made.authority.read_text(), certificate.read_text(), key.read_text()


def said(allowed=NOTHING, kept=(), **fields):
    draft = TargetDraft(**{"name": "siem", "address": "syslog+tls://192.0.2.1:6514", **fields})
    return [(each.field, each.message) for each in refusals(draft, {"taken"}, allowed=allowed, kept=kept)]


@pytest.mark.parametrize("address", [
    "syslog+tls://siem.example.com:6514", "syslog+tls://siem.example.com", "syslog+tcp://[2001:db8::1]:514",
    "syslog+udp://10.0.0.1", "syslog+unix:///dev/log", "file:///var/log/audit.json", "file:///var/log/my%20audit.log",
    "https://siem.example.com:8088/services/collector/event"])
def test_an_address_may_be(address):
    assert why_not(address, NOTHING) == ""


@pytest.mark.parametrize(("address", "because"), [
    ("siem.example.com", "begins with none of"), ("ftp://siem.example.com", "begins with none of"),
    ("syslog://siem:514", "begins with none of"), ("syslog+tls://", "names no host"),
    ("syslog+tls://siem:0", "names no host"), ("syslog+tls://siem:99999", "cannot be read"),
    ("syslog+tls://siem:514/x", "more than a host"), ("syslog+tcp://u:p@siem", "more than a host"),
    ("syslog+tcp://si em", "character"), ("syslog+tcp://si_em$", "names no host"),
    ("syslog+tcp://169.254.169.254:80", "cannot be asked"), ("syslog+tcp://[fd00:ec2::254]", "cannot be asked"),
    ("syslog+udp://127.0.0.1", "syslog+unix:///dev/log"), ("syslog+tls://localhost:6514", "cannot be asked"),
    ("syslog+tcp://[::ffff:127.0.0.1]:514", "cannot be asked"), ("syslog+tcp://0.0.0.0:514", "cannot be asked"),
    ("syslog+unix://dev/log", "three slashes"), (f"syslog+unix:///{'a' * 107}", "107"),
    ("file://audit.json", "three slashes"), ("file:///var/../etc/audit.json", "whole path"),
    ("file:///etc/passwd", "ends with none"), ("file:///var/log/a%0A.json", "whole path"),
    ("http://siem.example.com/", "http://"), ("https://127.0.0.1/", "cannot be asked"),
    ("https://user:pw@siem.example.com/", "password")])
def test_an_address_may_not_be(address, because):
    assert because in why_not(address, NOTHING)


def test_this_machine_may_be_asked_where_somebody_allowed_it():
    for address in ("syslog+tcp://127.0.0.1:514", "syslog+tls://localhost", "http://127.0.0.1:8088/"):
        assert why_not(address, LOOPBACK) == ""


def test_ports_and_paths_are_read_from_addresses():
    places = [place_of(each) for each in ("syslog+tls://siem", "syslog+tcp://siem", "syslog+udp://[::1]:99")]
    assert [(each.host, each.port) for each in places] == [("siem", 6514), ("siem", 514), ("::1", 99)]
    assert path_of("file:///var/log/my%20audit.log") == "/var/log/my audit.log"


def test_every_way_has_an_example_that_is_allowed():
    assert [each.example for each in WAYS.values() if why_not(each.example, LOOPBACK)] == []


def test_certificates_and_keys_are_looked_at(shown):
    authority, certificate, key = shown
    assert said(ca=authority, certificate=certificate, key=key) == []
    assert said(ca="nonsense")[0][0] == "ca"
    assert said(certificate=certificate) == [("key", "Client Key is missing: the receiver is shown both or none.")]
    assert said(certificate=authority, key=key)[0] == (
        "key", "Client Key is not the key of the Client Certificate. Copy both from the same place.")


def test_a_key_is_one_without_a_passphrase(shown):
    key = ec.generate_private_key(ec.SECP256R1())
    pem = {how: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode() for how in (
        NoEncryption(), BestAvailableEncryption(b"pass"))}
    found = [said(certificate=shown[1], key=text)[0][1] for text in pem.values()]
    assert "not the key" in found[0]
    assert "encrypted" in found[1]
    assert "no private key" in said(certificate=shown[1], key="nonsense")[0][1]


def test_what_does_not_count_with_an_address_is_refused(shown):
    found = said(address="syslog+tcp://192.0.2.1", ca=shown[0], token="s3cret")
    assert [field for field, _ in found] == ["ca", "token"]
    assert said(address="https://192.0.2.1/", format="cef")[0][0] == "format"


def test_a_secret_that_is_kept_needs_no_other_one_and_one_that_is_not_does():
    hec = "https://192.0.2.1/"
    assert said(address=hec, token=MASK, kept={"token"}) == []
    assert said(address=hec, token=MASK)[0][0] == "token"
    assert said(address=hec, token="two words")[0][0] == "token"


def test_names_are_taken_once():
    assert said(name="taken")[0] == ("name", "A target named taken exists already.")
    assert said(name="")[0][0] == "name"
    assert said(address=" ")[0] == ("address", "Address is required.")
    assert said(format="leef")[0][0] == "format"
