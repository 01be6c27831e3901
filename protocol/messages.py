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

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar

PROTOCOL_VERSION = 1


class MessageError(ValueError):
    """A line that is no message: unknown type, missing or unknown field, wrong type of a value."""


_REGISTRY: dict[str, type["Message"]] = {}


@dataclass(frozen=True, kw_only=True)
class Message:
    """Base of all messages; ``type`` names it on the wire."""

    type: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.type = _snake(cls.__name__)
        _REGISTRY[cls.type] = cls

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.type, **{f.name: getattr(self, f.name) for f in dataclasses.fields(self)}}


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


_CHECKS = {"str": str, "int": int, "float": (int, float), "bool": bool, "dict": dict, "list": list}


def from_dict(body: Any) -> Message:
    """The message that ``body`` spells. Unknown fields are ignored, so an older peer can read a newer one.

    Raises MessageError.
    """
    if not isinstance(body, dict):
        raise MessageError("a message is a JSON object")
    name = body.get("type")
    cls = _REGISTRY.get(name) if isinstance(name, str) else None
    if cls is None:
        raise MessageError(f"unknown message type {str(name)[:40]!r}")
    values = {}
    for f in dataclasses.fields(cls):
        if f.name not in body:
            if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
                raise MessageError(f"{cls.type}: field {f.name} is missing")
            continue
        value = body[f.name]
        expected = _CHECKS[f.type.__name__ if isinstance(f.type, type) else str(f.type)]
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            raise MessageError(f"{cls.type}: field {f.name} is not {f.type}")
        values[f.name] = value
    return cls(**values)


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
    """The dialled side declines and closes. ``event`` is the event number (domain.md 3.5), 0 for none."""

    reason: str
    event: int = 0


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
    peer {name, addresses [text], port, secret} of the other member's HA Sync port; {} for a single server.
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
class Recorded(Message):
    """The pair's durable record now has ``record_version`` and says whether the standby is in sync.

    Sent to the active server of ``epoch`` whenever its wish (Report.standby) was decided. Design section 7: it may
    acknowledge alone only on ``in_sync`` false with a version above every one at which it asked for true.
    """

    epoch: int
    record_version: int
    in_sync: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class StepDown(Message):
    """Planned switchover: finish what was accepted, close the clients, never acknowledge in ``epoch`` again.

    The server answers with a Report whose ``role`` is "" for that epoch.
    """

    epoch: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Probe(Message):
    """Prove now whether a write would be acknowledged."""

    id: int


@dataclass(frozen=True, kw_only=True)
class Probed(Message):
    """``accepts``: a durable write went all the way an acknowledgement goes; else ``reason`` says why not."""

    id: int
    accepts: bool
    reason: str = ""
    took_ms: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Report(Message):
    """A server's state. ``state`` is one of SERVER_STATES; sent on each change and about once a second.

    ``digest`` is the running digest (hex) at ``last_seq``; ``clients`` counts connected STOMP clients;
    ``ports`` lists [{id, port, listening (bool)}].

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
    for; ``restart_in_s`` > 0 while a restart waits; ``by_hand`` marks a process that the agent only watches.
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


PROCESS_STATES = ("starting", "running", "stopping", "backoff", "exited", "gave_up")


@dataclass(frozen=True, kw_only=True)
class Supervised(Message):
    """What the agent needs of every application of its host (list of dicts): name, enabled,
    working_directory, command_line, command_line_arguments, startup_timeout, shutdown_timeout (s),
    auto_restart, log_on_as, suspending_wait_timeout (s). Sent after Welcome and after each change."""

    applications: list


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


@dataclass(frozen=True, kw_only=True)
class PairRequest(Message):
    """``verb`` of PAIR_VERBS for the pair of ``application`` (name of the primary). ``by`` names who asks,
    ``reason`` what they typed; ``target`` is the member that switchover and promote are about, "" for the standby."""

    verb: str
    application: str
    target: str = ""
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class PairAnswer(Message):
    """``ok`` with ``facts``, or not ok with ``reason`` (a sentence) and ``advice``. It comes when the verb is done."""

    ok: bool
    reason: str = ""
    advice: str = ""
    facts: dict = field(default_factory=dict)


PAIR_VERBS = ("switchover", "pause", "resume", "promote", "probe")
"""switchover: planned, only onto a standby in sync; pause, resume: automatic failover; promote: make the standby the
active server although it is not in sync (data loss accepted); probe: prove both roles.

facts of switchover and promote: active, epoch, took_ms; of probe: members [{name, connected, role, epoch, accepts,
reason, took_ms}]."""


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
