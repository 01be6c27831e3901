"""What is measured, read at one moment, as plain values."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Server:
    """A Message Server. ``status`` is None where nobody knows it now, ``heard_at`` where it was never heard of;
    ``pair`` is the name of its pair's primary, its own for a single one; ``latencies`` as of server_messages.Report;
    ``disk_total`` is 0 where it does not say how full its disk is."""

    id: int
    name: str
    type: str
    host: str
    pair: str
    status: str | None
    restarts: int
    clients: int
    last_seq: int
    common_seq: int
    discarded: int
    acknowledged: int
    delivered: int
    waiting_bytes: int
    disk_free: int
    disk_total: int
    latencies: tuple[int, ...]
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class Pair:
    """``active_id`` and ``standby_id``: of servers; None for nobody."""

    primary_id: int
    name: str
    active_id: int | None
    standby_id: int
    in_sync: bool
    epoch: int
    automatic_failover: bool
    disputed: bool


@dataclass(frozen=True, slots=True)
class Machine:
    """A host; ``is_up`` is None where nobody knows it now."""

    name: str
    is_up: bool | None
    worker: bool
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class Count:
    """So many ``rows`` of ``what`` (a key of ``rules.COUNTED``) that share the values of its labels."""

    what: str
    labels: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Passed:
    """The last failover drill of a pair that passed. ``outage_s``: its longest outage, None where it measured none."""

    pair: str
    at: datetime
    outage_s: float | None


@dataclass(frozen=True, slots=True)
class Took:
    """So many ``rows`` of finished jobs of a kind that took so many whole ``seconds``, rounded up."""

    kind: str
    seconds: int
    rows: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """``ends`` in Unix time."""

    what: str
    ends: float


@dataclass(frozen=True)
class Measured:
    """``control_answers``: what it says of servers and hosts is of now; ``beats``: last signs of life of the console's
    parts; ``left_out``: servers that are more than may be told one by one; ``unsent``: jobs that no broker took;
    ``ending``: waivers that end within a week; ``term``: of the control that wrote last; ``leader``: where it
    answers."""

    now: datetime
    control_answers: bool
    servers: tuple[Server, ...]
    pairs: tuple[Pair, ...]
    hosts: tuple[Machine, ...]
    counts: tuple[Count, ...]
    beats: dict[str, datetime]
    left_out: int = 0
    drills: tuple[Passed, ...] = ()
    jobs: tuple[Took, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    unsent: int = 0
    ending: int = 0
    term: int = 0
    leader: str = ""
