"""The application's Configuration as one frozen object. Pure: no I/O, built once per Configuration."""

import re
from dataclasses import dataclass, field
from typing import Any

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
    """What the server does with its Configuration. ``origins``: whose pages may connect by WebSocket beside those of
    the same host, ``*`` for all. ``log_to`` says where log records are published, as
    server_messages.Configuration has it. ``problems`` are sentences about values that were not usable."""

    name: str
    host: str
    ports: tuple[Port, ...]
    clients: dict[str, str] = field(repr=False)
    limits: Limits
    retention: Retention
    redundancy: Redundancy
    origins: tuple[str, ...]
    peer: Peer | None
    log: dict[str, str]
    log_to: dict[str, Any] = field(repr=False)
    suspending_wait_s: int
    problems: tuple[str, ...]

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
    clients = _find_section(application.get("options"), "clients")
    return Settings(
        name=str(application.get("name", "")),
        host=str((application.get("host") or {}).get("name", "")),
        ports=_ports(application.get("ports") or []),
        clients={str(login): str(passcode) for login, passcode in clients.items()},
        limits=limits,
        retention=retention,
        redundancy=Redundancy(number["standby-timeout"], _flag("redundancy", "strict", values, problems)),
        origins=_origins(values["websocket", "origins"], problems),
        peer=_peer(application.get("peer")),
        log={key: value for (section, key), value in values.items() if section == "log"},
        log_to=application.get("log_to") or {},
        suspending_wait_s=_suspending_wait(application.get("annex"), problems),
        problems=tuple(problems),
    )


def _canonical(name: str) -> str:
    return str(name).strip().lower().replace("_", "-")


def _find_section(options: dict[str, Any] | None, name: str) -> dict[str, Any]:
    for section, values in (options or {}).items():
        if _canonical(section) == name and isinstance(values, dict):
            return values
    return {}


def _sections(options: dict[str, Any] | None) -> dict[str, dict[str, str]]:
    return {
        _canonical(section): {_canonical(key): str(value).strip() for key, value in values.items()}
        for section, values in (options or {}).items()
        if isinstance(values, dict) and _canonical(section) != "clients"
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
