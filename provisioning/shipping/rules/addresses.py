"""Ways out of the console, by the beginning of a target's address: what each of them needs, and which addresses it may
have. Pure."""

import os.path
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from provisioning.notifications.rules.addresses import Allowed, literal, plain_address, why_not_ask, why_not_post

TLS_PORT, PLAIN_PORT = 6514, 514
LONGEST_SOCKET_PATH = 107
"""Bytes of the path of a socket, as Linux has it."""
ENDINGS = (".json", ".jsonl", ".ndjson", ".log")
_PORTS = {"syslog+tls": TLS_PORT, "syslog+tcp": PLAIN_PORT, "syslog+udp": PLAIN_PORT}
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\.?")


@dataclass(frozen=True)
class Way:
    """``takes``: fields of a target that count beside its address. ``secured``: by TLS, so a CA can be named.
    ``check``: a clause that goes on after "Address", "" where the address can be used."""

    label: str
    example: str
    check: Callable[[SplitResult, Allowed], str]
    takes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Place:
    """Of a network."""

    host: str
    port: int


def scheme_of(address: str) -> str:
    return address.partition("://")[0].lower()


def way_of(address: str) -> Way | None:
    return WAYS.get(scheme_of(address))


def place_of(address: str) -> Place:
    """Of an address of syslog over a network, which ``why_not`` finds nothing wrong with."""
    parts = urlsplit(address)
    return Place(parts.hostname or "", parts.port or _PORTS[parts.scheme])


def path_of(address: str) -> str:
    """Of an address of a file or a socket."""
    return unquote(urlsplit(address).path)


def why_not(address: str, allowed: Allowed) -> str:
    """A clause that goes on after "Address", "" where entries may be sent there."""
    way = way_of(address)
    if way is None:
        return f"begins with none of {', '.join(f'{each}://' for each in WAYS)}. Write it as {_EXAMPLE}."
    if not address.isascii() or any(sign <= " " or sign in "\x7f\\" for sign in address):
        return f"holds a character that no address has. Write it as {way.example}, and such a character as %20."
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return f"cannot be read. Write it as {way.example}."
    return way.check(parts, allowed)


def _network(parts: SplitResult, allowed: Allowed) -> str:
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        return f"has more than a host and a port. Write it as {WAYS[parts.scheme].example}."
    host = parts.hostname or ""
    found = literal(host)
    if (found is None and not _HOST.fullmatch(host)) or parts.port == 0:
        return f"names no host or port. Write it as {WAYS[parts.scheme].example}."
    if found is None and (host == "localhost" or host.endswith(".localhost")):
        found = literal("127.0.0.1")
    if found is not None and (why := why_not_ask(found, allowed)):
        own = plain_address(found).is_loopback
        return f"cannot be asked: {why}{_OR_SOCKET if own else ''}"
    return ""


_OR_SOCKET = " A collector on this machine can also be reached by its socket: syslog+unix:///dev/log."


def _socket(parts: SplitResult, allowed: Allowed) -> str:
    path = unquote(parts.path)
    if parts.netloc or parts.query or parts.fragment or not _is_plain(path):
        return f"names no whole path of a socket. Write it as {WAYS[parts.scheme].example}, with three slashes."
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        return f"is the path of a socket, of which at most {LONGEST_SOCKET_PATH} characters fit."
    return ""


def _file(parts: SplitResult, allowed: Allowed) -> str:
    path = unquote(parts.path)
    if parts.netloc or parts.query or parts.fragment or not _is_plain(path):
        return f"names no whole path of a file. Write it as {WAYS[parts.scheme].example}, with three slashes."
    if not path.endswith(ENDINGS):
        return f"names a file that ends with none of {', '.join(ENDINGS)}: nothing else is written to."
    return ""


def _is_plain(path: str) -> bool:
    return path.startswith("/") and os.path.normpath(path) == path and not path.endswith("/") and path.isprintable()


def _https(parts: SplitResult, allowed: Allowed) -> str:
    return why_not_post(parts.geturl(), allowed)


_TLS = frozenset({"ca", "certificate", "key"})
_EXAMPLE = "syslog+tls://collector.example.com:6514"
WAYS: dict[str, Way] = {
    "syslog+tls": Way("Syslog over TLS", _EXAMPLE, _network, _TLS | {"format"}),
    "syslog+tcp": Way("Syslog over TCP", "syslog+tcp://collector.example.com:514", _network, frozenset({"format"})),
    "syslog+udp": Way("Syslog over UDP", "syslog+udp://collector.example.com:514", _network, frozenset({"format"})),
    "syslog+unix": Way("Syslog, this machine", "syslog+unix:///dev/log", _socket, frozenset({"format"})),
    "file": Way("File of JSON lines", "file:///var/log/pairwise/audit.json", _file),
    "https": Way("HTTPS", "https://splunk.example.com:8088/services/collector/event", _https, _TLS | {"token"}),
    "http": Way("HTTP", "http://127.0.0.1:8088/services/collector/event", _https, frozenset({"token"})),
}
"""{scheme of an address: its way}."""
SECURED = frozenset({"syslog+tls", "https"})
CONFIRMED = frozenset(WAYS) - {"syslog+udp"}
"""Those by which it is known that what was sent was read."""
