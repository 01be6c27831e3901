"""Fetches files from the console: signed by the host, resumed after a cut, checked by SHA-256."""

import contextlib
import fcntl
import hashlib
import http.client
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from protocol import auth, tls
from protocol.outside import read_json
from protocol.pauses import doubling

from ..config import AgentConfig
from ..trust import console_context
from .errors import JobFailed

ATTEMPTS = 6
FIRST_RETRY_S, LONGEST_RETRY_S = 0.25, 4.0
TIMEOUT_S = 15.0
CHUNK = 256 * 1024
KEPT_PACKAGES = 5
SECRET_LIMIT = SENTENCE_LIMIT = 4096
CERTIFICATE_LIMIT = 64 * 1024
LARGEST_PACKAGE = 4 * 1024**3
_HEX = set("0123456789abcdef")


class _Cut(Exception):
    """The transfer broke; another attempt may go on. The text says how."""


@dataclass(frozen=True)
class Package:
    """An Installation Package as the job names it; ``size`` in bytes."""

    path: str
    filename: str
    sha256: str
    size: int

    @classmethod
    def of(cls, fields: dict[str, Any]) -> "Package":
        """Raises JobFailed."""
        package = cls(str(fields["path"]), str(fields.get("filename", "the package")), str(fields["sha256"]).lower(),
                      int(fields["size"]))
        if len(package.sha256) != 64 or not set(package.sha256) <= _HEX or not 0 < package.size <= LARGEST_PACKAGE:
            raise JobFailed("The console named a package without a usable size and SHA-256.",
                            "Upload the package to the console again.")
        return package


def fetch_package(config: AgentConfig, package: Package, say: Callable[[str], None]) -> Path:
    """The package as a checked local file; kept for the next installation. Raises JobFailed."""
    whole = config.packages_dir / f"{package.sha256}.package"
    part = config.packages_dir / f"{package.sha256}.part"
    with open(config.packages_dir / f"{package.sha256}.lock", "w") as lock:
        # Two jobs of this host may want the same package; the second finds it done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if whole.exists() and whole.stat().st_size == package.size and _sha256(whole) == package.sha256:
            say(f"{package.filename} is on this host already.")
            os.utime(whole)
            return whole
        _download(config, package, part, say)
        found = _sha256(part)
        if found != package.sha256:
            part.unlink()
            raise JobFailed(f"{package.filename} is not what the console promised: expected SHA-256 {package.sha256}, "
                            f"found {found}. It was not unpacked.", "Upload the package to the console again.")
        os.replace(part, whole)
    _forget_old(config.packages_dir)
    say(f"{package.filename}: {package.size} bytes, SHA-256 is as expected.")
    return whole


def fetch_secret(config: AgentConfig, path: str) -> str:
    """The application's secret from the console. Raises JobFailed."""
    body = _small(config, path, SECRET_LIMIT)
    secret = body.decode("utf-8", "replace").strip()
    if not secret or len(body) > SECRET_LIMIT or "\n" in secret:
        raise JobFailed("The console answered with something that is no application secret.",
                        "Check that console_url in the agent's configuration is the console's address.")
    return secret


def fetch_certificate(config: AgentConfig, path: str) -> dict[str, str]:
    """{certificate, certificate_key, trusted_ca} as PEM, made by the console for this request. Raises JobFailed."""
    try:
        body = read_json(_small(config, path, CERTIFICATE_LIMIT))
        return {name: str(body[name]) for name in ("certificate", "certificate_key", "trusted_ca")}
    except (ValueError, KeyError, TypeError):
        raise JobFailed("The console answered with something that is no certificate.", "Update the console.") from None


def _small(config: AgentConfig, path: str, limit: int) -> bytes:
    """The body of a short answer; more than ``limit`` bytes are cut to one more. Raises JobFailed."""
    try:
        connection, response = _request(config, path, {})
        with contextlib.closing(connection):
            if response.status != 200:
                raise _refusal(config, path, response)
            return response.read(limit + 1)
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(config, error) from None


def _download(config: AgentConfig, package: Package, part: Path, say: Callable[[str], None]) -> None:
    for attempt, retry_s in zip(range(1, ATTEMPTS + 1), doubling(FIRST_RETRY_S, LONGEST_RETRY_S), strict=False):
        try:
            return _attempt(config, package, part, say)
        except (_Cut, OSError, http.client.HTTPException) as error:
            if isinstance(error, ssl.SSLCertVerificationError):
                raise _unreachable(config, error) from None
            if isinstance(error, OSError) and part.exists() and not _has_room(part, package):
                raise JobFailed(f"The disk of {config.packages_dir} is full.", "Make room, then install again.") \
                    from None
            if attempt == ATTEMPTS:
                raise _unreachable(config, error) from None
            have = part.stat().st_size if part.exists() else 0
            say(f"The download was cut at {have} of {package.size} bytes ({error}); it goes on in {retry_s:g} s.")
            time.sleep(retry_s)


def _attempt(config: AgentConfig, package: Package, part: Path, say: Callable[[str], None]) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have > package.size:
        part.unlink()
        have = 0
    if have == package.size:
        return
    connection, response = _request(config, package.path, {"Range": f"bytes={have}-"} if have else {})
    try:
        if response.status == 416:
            part.unlink(missing_ok=True)
            raise _Cut("the console could not resume")
        if response.status >= 500:
            raise _Cut(f"the console answered {response.status}")
        if response.status not in (200, 206):
            raise _refusal(config, package.path, response)
        resumed = response.status == 206 and have > 0
        say(f"Fetching {package.filename} from {config.console_url}" + (f", from byte {have} on." if resumed else "."))
        _store(response, part, resumed, package)
    finally:
        connection.close()


def _store(response: http.client.HTTPResponse, part: Path, resumed: bool, package: Package) -> None:
    with open(part, "ab" if resumed else "wb") as file:
        while chunk := response.read(CHUNK):
            file.write(chunk)
            if file.tell() > package.size:
                break
        size = file.tell()
    if size > package.size:
        part.unlink()
        raise JobFailed(f"{package.filename} is larger than the console promised: expected {package.size} bytes.",
                        "Upload the package to the console again.")
    if size < package.size:
        raise _Cut("the console closed the connection")


def _request(config: AgentConfig, path: str, headers: dict[str, str]
             ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """(connection, response) of a GET signed by this host. Raises JobFailed or OSError."""
    base = urlsplit(config.console_url)
    if not path.startswith("/") or any(ord(character) <= 32 or ord(character) >= 127 for character in path):
        raise JobFailed("The console named a path that is none.", "Update the console.")
    signed = auth.request_headers(config.secret, host=config.host, method="GET", path=path, at=time.time())
    connection = _connection(config, base)
    try:
        connection.request("GET", base.path + path, headers={**signed, **headers})
        return connection, connection.getresponse()
    except BaseException:
        connection.close()
        raise


def _connection(config: AgentConfig, base: SplitResult) -> http.client.HTTPConnection:
    name = base.hostname or ""  # the configuration takes no address without one
    if base.scheme != "https":
        return http.client.HTTPConnection(name, base.port, timeout=TIMEOUT_S)
    try:
        context = console_context(config)
    except tls.TlsError as error:
        raise JobFailed(f"What the console's certificate is checked by cannot be used: {error}.",
                        "Make a new line on the host's page and paste it on this host.") from None
    return http.client.HTTPSConnection(name, base.port, timeout=TIMEOUT_S, context=context)


def _refusal(config: AgentConfig, path: str, response: http.client.HTTPResponse) -> JobFailed:
    if response.status in (401, 403):
        return JobFailed(f"The console at {config.console_url} refused this host's request (HTTP {response.status})"
                         f"{_why(response)}", "Correct what it says, then run the job again.")
    if response.status == 404:
        return JobFailed(f"The console at {config.console_url} does not have {path}.",
                         "Upload the package to the console again, then install again.")
    return JobFailed(f"The console at {config.console_url} answered HTTP {response.status} for {path}.",
                     "Check that console_url in the agent's configuration is the console's address.")


def _why(response: http.client.HTTPResponse) -> str:
    """What the console says of a refusal, as the end of a sentence."""
    try:
        text = response.read(SENTENCE_LIMIT).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException):
        text = ""
    return f": {text}" if text and response.headers.get_content_type() == "text/plain" else "."


def _unreachable(config: AgentConfig, error: Exception) -> JobFailed:
    if isinstance(error, ssl.SSLError):
        why = tls.why_untrusted(error, urlsplit(config.console_url).hostname or "")
        return JobFailed(f"The console at {config.console_url} is not trusted by this host: {why}.",
                         "Correct that, or make a new line on the host's page and paste it on this host.")
    return JobFailed(f"The console at {config.console_url} cannot be reached from this host: {error}.",
                     "Check that the console runs, and the network between this host and the console.")


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _has_room(part: Path, package: Package) -> bool:
    disk = os.statvfs(part.parent)
    return disk.f_bavail * disk.f_frsize > package.size - part.stat().st_size


def _forget_old(directory: Path) -> None:
    packages = sorted(directory.glob("*.package"), key=lambda path: path.stat().st_mtime)
    for path in packages[:-KEPT_PACKAGES]:
        path.unlink(missing_ok=True)
    parts = sorted(directory.glob("*.part"), key=lambda path: path.stat().st_mtime)
    for path in parts[:-KEPT_PACKAGES]:
        path.unlink(missing_ok=True)
