"""The times of a certificate, read without a library for certificates."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from protocol import validity
from protocol.tls import expires_at

KEY = ec.generate_private_key(ec.SECP256R1())


def made(before: datetime, after: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    return (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(before).not_valid_after(after)
            .sign(KEY, hashes.SHA256()))


@pytest.mark.parametrize(("before", "after"), [
    (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2027, 2, 3, 4, 5, 6, tzinfo=UTC)),
    (datetime(1999, 12, 31, tzinfo=UTC), datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
    (datetime(2049, 12, 31, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)),
])
def test_the_times_are_those_of_the_certificate(before, after):
    data = made(before, after).public_bytes(serialization.Encoding.DER)
    assert validity.of_der(data) == (before.timestamp(), after.timestamp())


def test_every_certificate_that_is_cut_off_is_refused():
    data = made(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)).public_bytes(
        serialization.Encoding.DER)
    for size in range(len(data)):
        with pytest.raises(ValueError, match="certificate"):
            validity.of_der(data[:size])


def test_pem_that_is_none_is_refused():
    assert validity.of_pem("no certificate here") == []
    for inside in ("%%%", base64.b64encode(b"\x30\x03\x02\x01\x01").decode(), base64.b64encode(b"x" * 100).decode()):
        with pytest.raises(ValueError, match="it is no"):
            validity.of_pem(f"-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n")


def test_the_first_certificate_of_a_chain_to_expire_counts(tmp_path):
    now, chain, other = datetime(2026, 1, 1, tzinfo=UTC), tmp_path / "chain.pem", tmp_path / "other.pem"
    chain.write_bytes(b"".join(made(now, now + timedelta(days=days)).public_bytes(serialization.Encoding.PEM)
                               for days in (90, 30, 60)))
    other.write_text("nothing")
    assert expires_at(chain) == (now + timedelta(days=30)).timestamp()
    assert expires_at(other, chain, tmp_path / "missing.pem") == expires_at(chain)
    assert expires_at(other) is None
