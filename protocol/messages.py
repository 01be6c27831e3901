"""Every message of the control protocol and of the agent's own port, as frozen dataclasses.

Who says what to whom:

========================  =======================================================================
server → control          Hello(kind="application"), Report, Event, Probed, Heartbeat
control → server          Challenge, Welcome, Refused, Configuration, Grant, Recorded, StepDown, Probe, Heartbeat
agent → control           Hello(kind="host"), Processes, ProcessChanged, Heartbeat
control → agent           Challenge, Welcome, Refused, Supervised, ApplicationStatus, Watch, Heartbeat
console → control         Hello(kind="console"), Ping, Changed, PairRequest
control → console         Challenge, Welcome, Refused, Pong, PairAnswer
standby → active          Hello(kind="standby"), then the frames of messageserver.syncwire
worker → agent (loopback) Hello(kind="worker"), Request
agent → worker            Challenge, Welcome, Refused, Response
========================  =======================================================================
"""

from dataclasses import dataclass, field

from .message import Message, MessageError, from_dict  # noqa: F401 - this module is the catalogue of all messages
from .pair_messages import (  # noqa: F401 - so is it of these
    PAIR_VERBS,
    PairAnswer,
    PairRequest,
    Probe,
    Probed,
    Recorded,
    StepDown,
)

PROTOCOL_VERSION = 1


# --- opening a connection ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Challenge(Message):
    """First line of the side that was dialled."""

    nonce: str
    protocol: int = PROTOCOL_VERSION


@dataclass(frozen=True, kw_only=True)
class Hello(Message):
    """Who dials. ``purpose`` of an application: "serve" takes the object, "check" only reads it.

    ``pid`` and ``started`` (psutil/`/proc` start time, in clock ticks since boot) name the process;
    ``epoch``, ``record_version`` and ``role`` are what a server that was granted one before still holds
    (0 and "" for none); ``copy`` names the store it opened (a store made anew has another name).
    """

    kind: str
    name: str
    nonce: str
    proof: str
    purpose: str = "serve"
    version: str = ""
    host: str = ""
    pid: int = 0
    started: int = 0
    epoch: int = 0
    record_version: int = 0
    role: str = ""
    copy: str = ""


@dataclass(frozen=True, kw_only=True)
class Welcome(Message):
    """The dialled side accepts; ``proof`` shows that it knows the secret too."""

    proof: str
    heartbeat_s: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Refused(Message):
    """The dialled side declines and closes. ``event`` is the event number (domain.md 3.5), 0 for none. ``controls``, of
    a control that does not lead, is as in Configuration."""

    reason: str
    event: int = 0
    controls: list = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Heartbeat(Message):
    """Nothing new, still here. Sent by both sides whenever ``heartbeat_s`` passed without another line."""


# --- server ⇄ control ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Configuration(Message):
    """An application's configuration; sent after Welcome and again after each change.

    ``application``: name, type, version, enabled, host {name, ip_address}, working_directory,
    ports [{id, port, protocol, ha_sync, listening_mode, transport_parameters}],
    options {section: {key: value}}, annex {section: {key: value}}, startup_timeout, shutdown_timeout (s),
    backup (name or ""), primary (name of the server that this one backs up, or ""),
    peer {name, addresses [text], port, secret, secured (bool)} of the other member's HA Sync port; {} for a single
    server, controls [{host, port}] of all controls of the console; [] when there is one only.
    """

    application: dict


@dataclass(frozen=True, kw_only=True)
class Grant(Message):
    """Control's word on who serves: ``role`` "primary" or "backup" in ``epoch``.

    The server writes the epoch to disk before it acts on it, then answers with a Report.
    ``record_version`` is the version of the pair's durable record that the grant comes from.
    """

    role: str
    epoch: int
    record_version: int
    reason: str


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
    ``discarded`` counts the records of a divergent tail that this member has put aside since it was started.
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
    ports: list = field(default_factory=list)
    copy: str = ""
    link: str = ""
    link_reason: str = ""
    standby: str = ""
    standby_version: int = 0
    standby_copy: str = ""
    common_seq: int = 0
    common_digest: str = ""
    discarded: int = 0


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
    """One log event of level Standard or above, for the timeline. ``at`` is Unix time in seconds."""

    number: int
    level: str
    text: str
    at: float


# --- agent ⇄ control -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Processes(Message):
    """All processes the agent supervises, sent after Welcome: ``processes`` is a list of the fields of
    ProcessChanged as dicts. ``host`` facts: cpu_percent, memory_percent, disk_free_bytes, agent_version,
    worker (bool: the host worker runs)."""

    processes: list
    host: dict = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ProcessChanged(Message):
    """One process changed. ``state`` is one of PROCESS_STATES.

    ``exit_code`` is -1 while unknown or when a ``signal`` ended it; ``planned`` tells a stop that was asked
    for; ``restart_in_s`` > 0 while a restart waits; ``by_hand`` marks a process that the agent only watches;
    ``account`` is the OS account that it runs as, "" while it does not run.
    """

    application: str
    state: str
    pid: int = 0
    started: int = 0
    exit_code: int = -1
    signal: int = 0
    planned: bool = False
    restart_in_s: float = 0.0
    restarts: int = 0
    by_hand: bool = False
    reason: str = ""
    account: str = ""


PROCESS_STATES = ("starting", "running", "stopping", "backoff", "exited", "gave_up")


@dataclass(frozen=True, kw_only=True)
class Supervised(Message):
    """What the agent needs of every application of its host (list of dicts): name, enabled,
    working_directory, command_line, command_line_arguments, startup_timeout, shutdown_timeout (s),
    auto_restart, log_on_as, suspending_wait_timeout (s). Sent after Welcome and after each change. ``controls`` is as
    in Configuration."""

    applications: list
    controls: list = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ApplicationStatus(Message):
    """Control's word on one application of the agent's host: status word, mode, reason, epoch, pid."""

    application: str
    status: str
    mode: str = ""
    reason: str = ""
    epoch: int = 0
    pid: int = 0


@dataclass(frozen=True, kw_only=True)
class Watch(Message):
    """Watch a process that the agent did not start (started by hand) and report its exit."""

    application: str
    pid: int
    started: int


# --- console ⇄ control ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Ping(Message):
    """Is control alive?"""


@dataclass(frozen=True, kw_only=True)
class Pong(Message):
    """It is. ``facts``: since (Unix time), applications (connected), hosts (connected)."""

    facts: dict = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Changed(Message):
    """These applications (names) or hosts changed in the database: read them again."""

    applications: list = field(default_factory=list)
    hosts: list = field(default_factory=list)


# --- worker ⇄ agent (LCA port, loopback) -----------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Request(Message):
    """``verb`` of LCA_VERBS with its ``arguments``; answered by the Response with the same ``id``."""

    id: int
    verb: str
    arguments: dict = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Response(Message):
    """``ok`` with a ``result``, or not ok with ``reason`` (a sentence) and ``advice`` (what to do)."""

    id: int
    ok: bool
    result: dict = field(default_factory=dict)
    reason: str = ""
    advice: str = ""


LCA_VERBS = ("ping", "list", "start", "wait_started", "stop", "wait_stopped", "cancel_start")
