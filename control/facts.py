"""What control keeps of the database and writes to it, as plain frozen values."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ApplicationFacts:
    """One server application. ``primary_id`` is the server that this one backs up, None for none; ``identity`` differs
    from that of every other application, also of one that had the same id; ``runnable`` is False of a type that
    Pairwise only keeps."""

    id: int
    name: str
    version: str
    enabled: bool
    installed: bool
    revision: int
    startup_timeout: int
    host_id: int | None
    host_name: str
    backup_id: int | None
    primary_id: int | None
    identity: str = ""
    runnable: bool = True


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """``managed`` is False once its agent was removed."""

    id: int
    name: str
    enabled: bool
    revision: int
    secret_revision: int = 1
    managed: bool = True


@dataclass(frozen=True, kw_only=True)
class ApplicationPeer:
    """What control needs of an application whose server just said hello."""

    facts: ApplicationFacts | None
    secret: str = field(repr=False)
    type: str
    configuration: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class HostPeer:
    facts: HostFacts
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class StatusRow:
    """A row of RuntimeStatus; ``announced`` are the fields whose change the pages are told of."""

    application_id: int
    status: str
    mode: str = ""
    reason: str = ""
    epoch: int = 0
    pid: int = 0
    by_hand: bool = False
    restarts: int = 0
    version: str = ""
    last_seq: int = 0
    digest: str = ""
    clients: int = 0
    ports: tuple[dict[str, Any], ...] = ()
    link: str = ""
    link_reason: str = ""
    common_seq: int = 0
    common_digest: str = ""
    discarded: int = 0
    copy: str = ""
    first_seq: int = 0
    first_digest: str = ""
    clock_offset_s: float | None = None
    acknowledged: int = 0
    delivered: int = 0
    latencies: tuple[int, ...] = ()
    waiting_bytes: int = 0
    disk_free: int = 0
    disk_total: int = 0
    account: str = ""
    started_at: datetime | None = None
    served_until: datetime | None = None
    changed_at: datetime | None = None
    connected: bool = False
    heard_at: datetime | None = field(default=None, compare=False)

    @property
    def announced(self) -> tuple[object, ...]:
        return (self.status, self.mode, self.reason, self.epoch, self.pid, self.by_hand, self.restarts, self.version,
                self.ports, self.link, self.link_reason, self.discarded, self.account, self.clock_offset_s)


COUNTERS = ("last_seq", "digest", "clients", "common_seq", "common_digest", "first_seq", "first_digest",
            "clock_offset_s", "acknowledged", "delivered", "latencies", "waiting_bytes", "disk_free",
            "disk_total")
"""Of a StatusRow: what moves while nothing else does."""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What a record of a pair and the copy that pages show of it have in common (record.columns.Decided)."""

    version: int = 0
    epoch: int = 0
    active_id: int | None = None
    standby_in_sync: bool = False
    active_copy: str = ""
    standby_copy: str = ""
    automatic_failover: bool = True
    paused_by: str = ""
    paused_reason: str = ""
    paused_at: datetime | None = None
    reason: str = ""
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PairCopy(Decided):
    """A row of PairState: what pages show of a record."""

    primary_id: int
    disputed: bool = False


@dataclass(frozen=True, kw_only=True)
class HostRow:
    """A row of HostRuntime."""

    host_id: int
    status: str
    reason: str = ""
    agent_version: str = ""
    agent_pid: int = 0
    worker_alive: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    changed_at: datetime | None = None
    connected: bool = False
    heard_at: datetime | None = field(default=None, compare=False)

    @property
    def announced(self) -> tuple[object, ...]:
        return self.status, self.reason, self.agent_version, self.agent_pid, self.worker_alive


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """A row of Event; ``once`` as of Event."""

    at: datetime
    text: str
    number: int = 0
    level: str = "standard"
    application_id: int | None = None
    application_name: str = ""
    host_id: int | None = None
    host_name: str = ""
    source: str = "control"
    once: str = ""
