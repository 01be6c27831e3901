"""What a server and control say to each other, beside what is about its pair (messages.py has the table of who says
what). A server loads these and no others: it starts the sooner."""

from dataclasses import dataclass, field
from typing import Any

from .message import Message

LATENCIES_MS = (1, 2, 5, 10, 25, 50, 100, 250, 1000, 5000)
"""Bounds by which a server counts how long acknowledgements took; what took longer is counted last."""


@dataclass(frozen=True, kw_only=True)
class Configuration(Message):
    """An application's configuration; sent after Welcome and again after each change.

    ``application``: name, type, version, enabled, host {name, ip_address}, working_directory,
    ports [{id, port, protocol, ha_sync, listening_mode, transport_parameters}],
    options {section: {key: value}}, annex {section: {key: value}}, startup_timeout, shutdown_timeout (s),
    backup (name or ""), primary (name of the server that this one backs up, or ""),
    peer {name, addresses [text], port, secret, secured (bool)} of the other member's HA Sync port; {} for a single
    server, controls [{host, port}] of all controls of the console; [] when there is one only;
    log_to {name, login, members [{name, addresses [text], port, secured (bool), passcode}]} of the pair that takes its
    log records, {} for none.
    """

    application: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Grant(Message):
    """Control's word on who serves: ``role`` "primary" or "backup" in ``epoch``.

    The server writes the epoch to disk before it acts on it, then answers with a Report.
    ``record_version`` is the version of the pair's durable record that the grant comes from, ``generation`` a token of
    control's history that the server keeps on disk with it and says in its next Hello.
    """

    role: str
    epoch: int
    record_version: int
    reason: str
    generation: str = ""


@dataclass(frozen=True, kw_only=True)
class Report(Message):
    """A server's state. ``state`` is one of SERVER_STATES; sent on each change and about once a second.

    ``digest`` is the running digest (hex) at ``last_seq``; ``clients`` counts connected STOMP clients;
    ``ports`` lists [{id, port, listening (bool)}], of secured ones with not_after: when the first of its certificates
    expires (Unix time, None when that is not known).

    Of a pair: ``copy`` names the store; ``link`` is one of LINKS as this member sees the sync link, ``link_reason``
    why it is not "synced"; ``standby`` is what the active server wants recorded (one of STANDBY_WISHES),
    ``standby_version`` the version of the record that "synced" rests on, ``standby_copy`` the store it is about;
    ``common_seq`` and ``common_digest`` are the last record that both members have, with the digest there;
    ``discarded`` counts the records of divergent tails that this member has put aside, while their files are there.

    Not in the first release: ``first_seq`` is the first record that is kept (0: not said), ``first_digest`` the running
    digest (hex) before it; ``clock`` is Unix time as the server's machine shows it (0: not said); ``trouble_s`` is for
    how many seconds it has not been able to serve. Since the start of its process it ``acknowledged`` and ``delivered``
    so many messages; ``latencies`` are counts of the acknowledged ones, between the bounds LATENCIES_MS ([]: not said);
    ``waiting_bytes`` were accepted and are not acknowledged yet; of the disk that its messages are on ``disk_free`` of
    ``disk_total`` bytes are free (0: not said).
    """

    state: str
    role: str = ""
    epoch: int = 0
    record_version: int = 0
    reason: str = ""
    event: int = 0
    last_seq: int = 0
    digest: str = ""
    clients: int = 0
    ports: list[dict[str, Any]] = field(default_factory=list)
    copy: str = ""
    link: str = ""
    link_reason: str = ""
    standby: str = ""
    standby_version: int = 0
    standby_copy: str = ""
    common_seq: int = 0
    common_digest: str = ""
    discarded: int = 0
    first_seq: int = 0
    first_digest: str = ""
    clock: float = 0.0
    trouble_s: float = 0.0
    acknowledged: int = 0
    delivered: int = 0
    latencies: list[int] = field(default_factory=list)
    waiting_bytes: int = 0
    disk_free: int = 0
    disk_total: int = 0


@dataclass(frozen=True, kw_only=True)
class Progress(Message):
    """The fields of the last Report of this connection that are counters, as they are now. Only to a control whose
    Welcome says how often."""

    last_seq: int = 0
    digest: str = ""
    clients: int = 0
    common_seq: int = 0
    common_digest: str = ""
    first_seq: int = 0
    first_digest: str = ""
    clock: float = 0.0
    acknowledged: int = 0
    delivered: int = 0
    latencies: list[int] = field(default_factory=list)
    waiting_bytes: int = 0
    disk_free: int = 0
    disk_total: int = 0


LINKS = ("", "down", "catching_up", "synced")
"""The sync link: "" for a single server or one without a role."""
STANDBY_WISHES = ("", "synced", "alone")
"""What an active server wants recorded of its standby: nothing new, that it is in sync, that it is not."""
SERVER_STATES = ("initializing", "ready", "started", "service_unavailable", "suspending", "suspended", "stopping")
"""initializing: opening its store and binding ports; ready: waits for a grant; started: acts in its role;
service_unavailable: alive but cannot serve (reason says why); suspending/suspended: graceful stop;
stopping: clean end under way."""


@dataclass(frozen=True, kw_only=True)
class Event(Message):
    """One log event of level Standard or above, for the timeline. ``at`` is Unix time in seconds; ``once`` is the
    ``dedup-id`` with which the server publishes it by itself, "" where it does not."""

    number: int
    level: str
    text: str
    at: float
    once: str = ""
