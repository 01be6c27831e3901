"""TLS on Pairwise's own connections: contexts for both sides, and what went wrong as a sentence."""

import ssl
from collections.abc import Sequence
from pathlib import Path

from . import validity

LEAST = ssl.TLSVersion.TLSv1_2
_EXPIRED, _NOT_YET = {10, 12}, {9, 11}
_OTHER_NAME = {62, 64}
_UNKNOWN_ISSUER = {2, 18, 19, 20, 21}
"""Codes of X509_verify_cert that have a sentence of their own."""
_NO_TLS = frozenset(("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "RECORD_LAYER_FAILURE",
                     "PACKET_LENGTH_TOO_LONG"))
"""What OpenSSL says of other protocols; CONNECT of STOMP it takes for a request to a proxy."""


class TlsError(Exception):
    """A file for TLS cannot be used. The text is a clause that names it and says why."""


def client_context(authority: str | Path, certificate: str | Path = "", key: str | Path = "") -> ssl.SSLContext:
    """Trusts the certificates of ``authority`` and nobody else, and checks the name that was dialled; shows
    ``certificate`` to a listener that wants one. Raises TlsError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = LEAST
    _trust(context, authority)
    if certificate:
        _show(context, certificate, key)
    return context


class Identity:
    """A listener's certificate: ``context`` shows it, ``refresh`` takes it from its files again.

    ``authority`` with ``mutual``: only peers with a certificate of that authority get in. Raises TlsError.
    """

    def __init__(self, certificate: str | Path, key: str | Path = "", *, authority: str | Path = "",
                 mutual: bool = False):
        self._files = (certificate, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = LEAST
        self._seen = _stamps(self._files)
        _show(self.context, certificate, key)
        if authority:
            _trust(self.context, authority)
            if mutual:
                self.context.verify_mode = ssl.CERT_REQUIRED

    def refresh(self) -> bool:
        """Show a certificate that was renewed in place; True when there was one. Raises TlsError, and goes on with the
        former one."""
        now = _stamps(self._files)
        if now == self._seen:
            return False
        # First into one that nobody uses: a key that does not fit would leave the context without any.
        _show(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), *self._files)
        _show(self.context, *self._files)
        self._seen = now
        return True


def _show(context: ssl.SSLContext, certificate: str | Path, key: str | Path) -> None:
    try:
        context.load_cert_chain(certificate, key or None, password=_no_password)
    except (OSError, ValueError) as error:
        raise TlsError(f"{certificate}{f' with {key}' if key else ''}: {_reason(error)}") from error


def _trust(context: ssl.SSLContext, authority: str | Path) -> None:
    try:
        context.load_verify_locations(authority)
    except (OSError, ValueError) as error:
        raise TlsError(f"{authority}: {_reason(error)}") from error


def _no_password() -> str:
    # Without it OpenSSL asks on the terminal, and a server waits for ever.
    raise ValueError("the key is encrypted, and nobody could type its password")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        if error.reason == "KEY_VALUES_MISMATCH":
            return "certificate and key do not belong together"
        return f"it holds no usable certificate or key ({error.reason or error})"
    return getattr(error, "strerror", None) or str(error)


def _stamps(files: Sequence[str | Path]) -> tuple[tuple[int, int, int] | None, ...]:
    found = []
    for name in files:
        try:
            facts = Path(name).stat() if name else None
        except OSError:
            facts = None
        found.append((facts.st_mtime_ns, facts.st_ino, facts.st_size) if facts else None)
    return tuple(found)


def why_refused(error: ssl.SSLError, host: str) -> str:
    """What a listener says of a handshake that failed with one who dialled from ``host``: a clause."""
    if error.reason in _NO_TLS:
        return "it does not speak TLS: let it connect with TLS, or to a port that is not secured"
    return why_untrusted(error, host)


def why_untrusted(error: ssl.SSLError, host: str) -> str:
    """What a dialler says of a handshake with ``host`` that failed: a clause that says what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        code = error.verify_code
        if code in _EXPIRED:
            return "its certificate has expired: renew it, and compare the clocks of both machines"
        if code in _NOT_YET:
            return "its certificate is not valid yet: compare the clocks of both machines"
        if code in _OTHER_NAME:
            return f"its certificate is not for {host}: dial a name that is in it, or have one made that names {host}"
        if code in _UNKNOWN_ISSUER:
            return "its certificate is not from the authority that is trusted here: another machine answers in its " \
                   "place, or the authority was changed and has to be given to this machine again"
        return f"its certificate is not accepted: {error.verify_message}"
    reason = error.reason or ""
    if reason in _NO_TLS:
        return "it does not speak TLS: secure that port, or let this side connect without TLS"
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
        return "it wants a certificate from this side (mutual TLS), and none was shown"
    if "ALERT" in reason and ("CA" in reason or "CERTIFICATE" in reason):
        return f"it does not accept the certificate of this side ({reason.lower().replace('_', ' ')})"
    return f"TLS could not be agreed on ({(reason or str(error)).lower().replace('_', ' ')})"


def valid_from(*files: str | Path) -> float | None:
    """Unix time from which on all certificates in these PEM files are valid; None when nothing can be read."""
    return max((since for since, _ in _validity(files)), default=None)


def expires_at(*files: str | Path) -> float | None:
    """Unix time at which the first certificate in these PEM files expires; None when nothing can be read."""
    return min((until for _, until in _validity(files)), default=None)


def _validity(files: Sequence[str | Path]) -> list[tuple[float, float]]:
    """Of every certificate that can be read."""
    found = []
    for name in files:
        try:
            found += validity.of_pem(Path(name).read_text(errors="replace"))
        except (OSError, ValueError):
            continue
    return found
