"""The console's own certificate authority: makes it once, and the certificate of web and control from it.

``<data directory>/tls``: ca.pem, ca.key (mode 0600), console.pem, console.key (mode 0600).
"""

import contextlib
import fcntl
import ipaddress
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from protocol.files import write_atomically

from .names import is_address

AUTHORITY_LASTS = timedelta(days=3652)
CERTIFICATE_LASTS = timedelta(days=397)
RENEW_BEFORE = timedelta(days=60)
CLOCK_SLACK = timedelta(days=1)
"""Certificates are valid from this long ago: clocks of hosts differ, and this one may be ahead."""


class CannotIssue(Exception):
    """The text is a sentence that says what to do."""


class Authority:
    """The authority in ``directory``."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.certificate, self.key = directory / "ca.pem", directory / "ca.key"
        self.console_certificate, self.console_key = directory / "console.pem", directory / "console.key"

    def provide(self, names: Sequence[str], *, now: datetime | None = None) -> bool:
        """Have an authority and a certificate for ``names`` that is valid and does not expire soon; True when one was
        made. The authority stays: hosts trust it.

        Raises CannotIssue."""
        now = now or datetime.now(UTC)
        try:
            with self._alone():
                if not self.certificate.exists():
                    self._make(now)
                elif self._is_good(names, now):
                    return False
                self._issue_console(names, now)
                return True
        except (OSError, ValueError) as error:
            raise CannotIssue(f"The certificates in {self.directory} cannot be used or made ({error}): restore the "
                              "directory from a backup, or move it away and start again; every host has to join anew "
                              "then.") from error

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self.directory.mkdir(parents=True, exist_ok=True)
        # Servers that run under accounts of their own read the authority's certificate.
        self.directory.chmod(0o755)
        with open(self.directory / "lock", "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make(self, now: datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Pairwise"),
                          x509.NameAttribute(NameOID.COMMON_NAME, f"Pairwise console {now:%Y-%m-%d %H:%M:%S}")])
        built = _builder(name, name, key.public_key(), now, AUTHORITY_LASTS)
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        built = built.add_extension(_usage(signs_certificates=True), critical=True)
        built = built.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        # Others read certificates, nobody reads keys.
        write_atomically(self.key, _key_text(key), mode=0o600)
        write_atomically(self.certificate, _text(built.sign(key, hashes.SHA256())), mode=0o644)

    def _load(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = serialization.load_pem_private_key(self.key.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{self.key} holds a key of another kind than this console makes")
        return x509.load_pem_x509_certificate(self.certificate.read_bytes()), key

    def _is_good(self, names: Sequence[str], now: datetime) -> bool:
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        try:
            certificate = x509.load_pem_x509_certificate(self.console_certificate.read_bytes())
            key = serialization.load_pem_private_key(self.console_key.read_bytes(), password=None)
            certificate.verify_directly_issued_by(authority)
            named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (OSError, ValueError, InvalidSignature, x509.ExtensionNotFound):
            return False
        fits = key.public_key() == certificate.public_key() and set(map(_general_name, names)) <= set(named)
        if authority.not_valid_before_utc > now:
            # Nothing that is made now would be accepted, nor does such a clock tell what has expired.
            return fits
        return (fits and certificate.not_valid_before_utc <= now
                and certificate.not_valid_after_utc - now > RENEW_BEFORE)

    def _issue_console(self, names: Sequence[str], now: datetime) -> None:
        certificate, key = self.issue("Pairwise console", names, now=now)
        # The key first: a certificate without its key is made anew, a new key with the former certificate too.
        write_atomically(self.console_key, key, mode=0o600)
        write_atomically(self.console_certificate, certificate, mode=0o644)

    def issue(self, subject: str, names: Sequence[str], *, now: datetime | None = None) -> tuple[bytes, bytes]:
        """(certificate, key) as PEM for a server that is reached by ``names`` and itself connects to others.

        Raises OSError, ValueError."""
        now = now or datetime.now(UTC)
        authority, authority_key = self._load()
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject[:64])])
        lasts = min(CERTIFICATE_LASTS, authority.not_valid_after_utc - now)
        built = _builder(name, authority.subject, key.public_key(), now, lasts)
        built = built.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        built = built.add_extension(_usage(signs_certificates=False), critical=True)
        built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH,
                                                           ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        built = built.add_extension(x509.SubjectAlternativeName(list(map(_general_name, names))), critical=False)
        built = built.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        built = built.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
                                    critical=False)
        return _text(built.sign(authority_key, hashes.SHA256())), _key_text(key)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime,
             lasts: timedelta) -> x509.CertificateBuilder:
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SLACK).not_valid_after(now + lasts))


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=signs_certificates, crl_sign=signs_certificates, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False)


def _general_name(name: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(name)) if is_address(name) else x509.DNSName(name)


def _text(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_text(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())
