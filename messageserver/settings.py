"""The application's Configuration as one frozen object. Pure: no I/O, built once per Configuration."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from protocol import client_logins
from protocol.client_logins import CLIENTS, RIGHTS, ClientRights

from .options import OPTIONS, Option
from .stomp import Limits as FrameLimits

STOMP_WS = "stomp-ws"
"""Connection Protocol of ports for browsers."""
SUSPENDING_WAIT_DEFAULT_S, SUSPENDING_WAIT_MIN_S, SUSPENDING_WAIT_MAX_S = 10, 5, 600


_ORIGIN = r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"


class SettingsError(ValueError):
    """The Configuration cannot be served. The text is a sentence."""


@dataclass(frozen=True)
class Port:
    """One listening port of the application."""

    id: str
    number: int
    protocol: str = ""
    ha_sync: bool = False
    secured: bool = False
    transport: dict[str, str] = field(default_factory=dict)

    @property
    def takes_clients(self) -> bool:
        """Only these speak STOMP; a port for HA synchronisation is the peer's."""
        return not self.ha_sync and self.protocol in ("", "stomp", STOMP_WS)


@dataclass(frozen=True)
class Limits:
    """What one client may cost (bytes, counts, seconds)."""

    max_connections: int
    max_frame_bytes: int
    max_header_bytes: int
    max_headers: int
    max_backlog_bytes: int
    max_subscriptions: int
    max_unacknowledged: int
    max_positions: int
    stall_timeout: int
    connect_timeout: int

    @property
    def frame(self) -> FrameLimits:
        return FrameLimits(self.max_frame_bytes, self.max_header_bytes, self.max_headers)


@dataclass(frozen=True)
class Retention:
    """How much is kept: records, days, megabytes (0 = no limit), and the dedup window in records."""

    records: int
    days: int
    megabytes: int
    dedup_window: int


@dataclass(frozen=True)
class Redundancy:
    """How long a standby is waited for (seconds), and whether messages are acknowledged without one."""

    standby_timeout_s: int
    strict: bool


@dataclass(frozen=True)
class Peer:
    """The other member of the pair and its HA Sync port; ``addresses`` are tried in order, over TLS when
    ``secured``."""

    name: str
    addresses: tuple[str, ...]
    port: int
    secret: str = field(repr=False)
    secured: bool = False


@dataclass(frozen=True)
class Settings:
    """What the server does with its Configuration. ``clients`` is what is kept of the passcode of each login,
    ``rights`` what those may that may not everything. ``origins``: whose pages may connect by WebSocket beside those of
    the same host, ``*`` for all. ``log_to`` says where log records are published, as
    server_messages.Configuration has it. ``problems`` are sentences about values that were not usable."""

    name: str
    host: str
    ports: tuple[Port, ...]
    clients: dict[str, str] = field(repr=False)
    rights: dict[str, ClientRights]
    limits: Limits
    retention: Retention
    shared_queues: bool
    redundancy: Redundancy
    origins: tuple[str, ...]
    peer: Peer | None
    log: dict[str, str]
    log_to: dict[str, Any] = field(repr=False)
    suspending_wait_s: int
    problems: tuple[str, ...]

    def login(self, name: str) -> tuple[str | None, ClientRights | None]:
        """What is configured for the login ``name``; two times None for one of nobody."""
        return self.clients.get(name), self.rights.get(name)

    @property
    def sync_port(self) -> Port | None:
        return next((port for port in self.ports if port.ha_sync), None)


def from_application(application: dict[str, Any]) -> Settings:
    """Settings of an application as ``Configuration.application`` carries it. Raises SettingsError."""
    sections = _sections(application.get("options"))
    problems: list[str] = []
    values = {(o.section, o.key): _value(o, sections, problems) for o in OPTIONS}
    number = {key: int(value) for (section, key), value in values.items() if value.isdigit()}
    limits = Limits(**{name: number[name.replace("_", "-")] for name in Limits.__dataclass_fields__})
    retention = Retention(number["retention-records"], number["retention-days"], number["retention-mb"],
                          number["dedup-window"])
    clients = _clients(application.get("options"), problems)
    return Settings(
        name=str(application.get("name", "")),
        host=str((application.get("host") or {}).get("name", "")),
        ports=_ports(application.get("ports") or []),
        clients=clients,
        rights=_rights(application.get("options"), clients, problems),
        limits=limits,
        retention=retention,
        shared_queues=_one_of("messages", "queues", ("shared", "log"), values, problems) == "shared",
        redundancy=Redundancy(number["standby-timeout"], _flag("redundancy", "strict", values, problems)),
        origins=_origins(values["websocket", "origins"], problems),
        peer=_peer(application.get("peer")),
        log={key: value for (section, key), value in values.items() if section == "log"},
        log_to=application.get("log_to") or {},
        suspending_wait_s=_suspending_wait(application.get("annex"), problems),
        problems=tuple(problems),
    )


def _canonical(name: str) -> str:
    return client_logins.section_name(str(name))


def _entries(options: dict[str, Any] | None, name: str) -> Iterator[tuple[str, str]]:
    """All entries of the sections that are called ``name``, with keys as they are written."""
    for section, values in (options or {}).items():
        if _canonical(section) == name and isinstance(values, dict):
            yield from ((str(key), str(value)) for key, value in values.items())


def _clients(options: dict[str, Any] | None, problems: list[str]) -> dict[str, str]:
    clients = {}
    for login, kept in _entries(options, CLIENTS):
        if client_logins.is_reserved(login):
            problems.append(f"Login {login[:40]!r} of section {CLIENTS} is not used: {client_logins.RESERVED} begins "
                            "the names of the console's own logins. Give it another name.")
            continue
        clients[login] = kept
        if not client_logins.is_usable(kept):
            problems.append(f"Nobody can log in as {login[:40]!r}: its passcode in section {CLIENTS} begins with "
                            f"{client_logins.HASHED} and has no SALT$HEX behind it. Make a new one.")
    return clients


def _rights(options: dict[str, Any] | None, clients: dict[str, str], problems: list[str]) -> dict[str, ClientRights]:
    """What is said twice or cannot be read allows nothing: never more than was meant."""
    rights: dict[str, ClientRights] = {}
    for login, text in _entries(options, RIGHTS):
        try:
            if login in rights:
                raise ValueError("It is there twice. Keep one.")
            rights[login] = client_logins.read_rights(text)
        except ValueError as wrong:
            rights[login] = ClientRights()
            problems.append(f"The login {login[:40]!r} may nothing: its entry in section {RIGHTS} cannot be read. "
                            f"{wrong}")
        if login not in clients:
            problems.append(f"Section {RIGHTS} has an entry for {login[:40]!r}, which is no login of section "
                            f"{CLIENTS} (upper and lower case differ). Correct its name, or remove it.")
    return {login: each for login, each in rights.items() if login in clients}


def _sections(options: dict[str, Any] | None) -> dict[str, dict[str, str]]:
    return {
        _canonical(section): {_canonical(key): str(value).strip() for key, value in values.items()}
        for section, values in (options or {}).items()
        if isinstance(values, dict) and _canonical(section) not in (CLIENTS, RIGHTS)
    }


def _value(option: Option, sections: dict[str, dict[str, str]], problems: list[str]) -> str:
    text = sections.get(option.section.lower(), {}).get(option.key, option.default)
    if option.low is None or option.high is None:
        return text
    if not text:
        return option.default
    if text.isascii() and text.isdigit() and option.low <= int(text) <= option.high:
        return text
    problems.append(f"Option {option.section}/{option.key} = {text[:40]!r} is not a number from {option.low} to "
                    f"{option.high}; {option.default} is used.")
    return option.default


def _flag(section: str, key: str, values: dict[tuple[str, str], str], problems: list[str]) -> bool:
    text = values[section, key].lower()
    if text not in ("true", "false", "yes", "no", "1", "0", ""):
        problems.append(f"Option {section}/{key} = {text[:40]!r} is neither true nor false; false is used.")
    return text in ("true", "yes", "1")


def _one_of(section: str, key: str, words: tuple[str, ...], values: dict[tuple[str, str], str],
            problems: list[str]) -> str:
    """Its value; the first of ``words`` for one that is none of them."""
    text = values[section, key].lower()
    if text in words:
        return text
    if text:
        problems.append(f"Option {section}/{key} = {text[:40]!r} is none of {', '.join(words)}; {words[0]} is used.")
    return words[0]


def _origins(text: str, problems: list[str]) -> tuple[str, ...]:
    given = [part.strip().rstrip("/").lower() for part in text.split(",") if part.strip()]
    wrong = [part for part in given if part not in ("*", "null") and not re.fullmatch(_ORIGIN, part)]
    problems += [f"Option websocket/origins has {part[:80]!r}, which is no origin and is left out: write scheme and "
                 "host, for example https://logs.example.com." for part in wrong]
    return tuple(part for part in given if part not in wrong)


def _peer(given: dict[str, Any] | None) -> Peer | None:
    if not given:
        return None
    return Peer(str(given["name"]), tuple(map(str, given["addresses"])), int(given["port"]), str(given["secret"]),
                bool(given.get("secured")))


def _suspending_wait(annex: dict[str, Any] | None, problems: list[str]) -> int:
    text = _sections(annex).get("sml", {}).get("suspending-wait-timeout", str(SUSPENDING_WAIT_DEFAULT_S))
    if text.isascii() and text.isdigit() and SUSPENDING_WAIT_MIN_S <= int(text) <= SUSPENDING_WAIT_MAX_S:
        return int(text)
    problems.append(f"Annex sml/suspending-wait-timeout = {text[:40]!r} is not a number of seconds from "
                    f"{SUSPENDING_WAIT_MIN_S} to {SUSPENDING_WAIT_MAX_S}; {SUSPENDING_WAIT_DEFAULT_S} is used.")
    return SUSPENDING_WAIT_DEFAULT_S


def _ports(given: list[dict[str, Any]]) -> tuple[Port, ...]:
    ports = []
    for item in given:
        number = str(item.get("port", "")).strip()
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= 65535):
            raise SettingsError(f"Listening port {item.get('id', '')!r} has the port number {number[:20]!r}: it must "
                                "be from 1 to 65535. Correct it in Server Info > Listening Ports.")
        transport = parse_transport(str(item.get("transport_parameters") or ""))
        mode = str(item.get("listening_mode") or "").strip().lower()
        ports.append(Port(
            id=str(item.get("id", "")),
            number=int(number),
            protocol=str(item.get("protocol") or "").strip().lower(),
            ha_sync=bool(item.get("ha_sync")),
            secured=is_secured(mode, transport),
            transport=transport,
        ))
    if not any(port.takes_clients for port in ports):
        raise SettingsError("The application has no listening port for clients. Add one in Server Info > Listening "
                            "Ports (Connection Protocol stomp, HA Sync off).")
    return tuple(ports)


def is_secured(listening_mode: str, transport: dict[str, str]) -> bool:
    return listening_mode == "secured" or transport.get("tls") == "1"


def parse_transport(text: str) -> dict[str, str]:
    """Transport Parameters ("tls=1;certificate=...") as a dictionary; keys in lower case."""
    pairs = (item.partition("=") for item in text.split(";") if "=" in item)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}
