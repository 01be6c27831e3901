"""Every message of the control protocol and of the agent's own port, as frozen dataclasses.

Who says what to whom:

========================  =======================================================================
server → control          Hello(kind="application"), Report, Progress, Event, Probed, Heartbeat
control → server          Challenge, Welcome, Refused, Configuration, Grant, Recorded, StepDown, Probe, Heartbeat
agent → control           Hello(kind="host"), Processes, HostFacts, ProcessChanged, LogRead, Heartbeat
control → agent           Challenge, Welcome, Refused, Supervised, ApplicationStatus, Watch, Generation, ReadLog,
                          Heartbeat
console → control         Hello(kind="console"), Ping, Changed, PairRequest, ReadLog
control → console         Challenge, Welcome, Refused, Pong, PairAnswer, LogRead
standby → active          Hello(kind="standby"), then the frames of messageserver.syncwire
worker → agent (loopback) Hello(kind="worker"), Request
agent → worker            Challenge, Welcome, Refused, Response
========================  =======================================================================
"""

from dataclasses import dataclass, field
from typing import Any

from .log_messages import LogRead, ReadLog  # noqa: F401
from .message import Message, MessageError, from_dict  # noqa: F401 - this module is the catalogue of all messages
from .opening_messages import (  # noqa: F401 - so is it of these
    PROTOCOL_VERSION,
    Challenge,
    Heartbeat,
    Hello,
    Refused,
    Welcome,
)
from .pair_messages import (  # noqa: F401
    PAIR_VERBS,
    PairAnswer,
    PairRequest,
    Probe,
    Probed,
    Recorded,
    StepDown,
)
from .server_messages import (  # noqa: F401
    LINKS,
    SERVER_STATES,
    STANDBY_WISHES,
    Configuration,
    Event,
    Grant,
    Progress,
    Report,
)

# --- agent ⇄ control -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Processes(Message):
    """All processes the agent supervises, sent after Welcome: ``processes`` is a list of the fields of
    ProcessChanged as dicts. ``host`` facts: cpu_percent, memory_percent, disk_free_bytes, agent_version,
    worker (bool: the host worker runs), looks (true: it knows the job collect_facts) and reports
    (``jobs.SIGNATURES`` of its agent); for a minute lca_refused {number, text}: whom the LCA Port refused; at last ends
    (true): the agent ends as asked, and its servers with it."""

    processes: list[dict[str, Any]]
    host: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class HostFacts(Message):
    """The facts of the host alone, as in Processes. Only to a control whose Welcome says how often."""

    host: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ProcessChanged(Message):
    """One process changed. ``state`` is one of PROCESS_STATES.

    ``exit_code`` is -1 while unknown or when a ``signal`` ended it; ``planned`` tells a stop that was asked
    for; ``restart_in_s`` > 0 while a restart waits; ``by_hand`` marks a process that the agent only watches;
    ``account`` is the OS account that it runs as, "" while it does not run; ``hanging``: it runs and shows no sign of
    life.
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
    hanging: bool = False


PROCESS_STATES = ("starting", "running", "stopping", "backoff", "exited", "gave_up")


@dataclass(frozen=True, kw_only=True)
class Supervised(Message):
    """What the agent needs of every application of its host (list of dicts): name, type, enabled,
    working_directory, command_line, command_line_arguments, startup_timeout, shutdown_timeout (s),
    auto_restart, log_on_as, suspending_wait_timeout (s), heartbeat_period (s, 0: no signs of life are expected),
    hangup_restart, log_files (what its options in [log] name: paths, relative ones below its Working Directory). Sent
    after Welcome and after each change. ``controls`` is as in Configuration, ``log_to``, too: for the agent's own log
    records."""

    applications: list[dict[str, Any]]
    controls: list[dict[str, Any]] = field(default_factory=list)
    log_to: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ApplicationStatus(Message):
    """Control's word on one application of the agent's host: status word, mode, reason, epoch, pid. ``disputed``:
    nothing is decided about its pair until somebody says which server goes on; ``reason`` tells why."""

    application: str
    status: str
    mode: str = ""
    reason: str = ""
    epoch: int = 0
    pid: int = 0
    disputed: bool = False


@dataclass(frozen=True, kw_only=True)
class Watch(Message):
    """Watch a process that the agent did not start (started by hand) and report its exit."""

    application: str
    pid: int
    started: int


@dataclass(frozen=True, kw_only=True)
class Generation(Message):
    """How far the history of control's database has come; the agent keeps ``token`` on disk and says it in its next
    Hello, so that an older copy of that database is recognised. Only to agents that speak 1 or more."""

    token: str


# --- console ⇄ control ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Ping(Message):
    """Is control alive?"""


@dataclass(frozen=True, kw_only=True)
class Pong(Message):
    """It is. ``facts``: since (Unix time), applications (connected), hosts (connected)."""

    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Changed(Message):
    """These applications (names) or hosts changed in the database: read them again."""

    applications: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)


# --- worker ⇄ agent (LCA port, loopback) -----------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Request(Message):
    """``verb`` of LCA_VERBS with its ``arguments``; answered by the Response with the same ``id``."""

    id: int
    verb: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Response(Message):
    """``ok`` with a ``result``, or not ok with ``reason`` (a sentence) and ``advice`` (what to do)."""

    id: int
    ok: bool
    result: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    advice: str = ""


LCA_VERBS = ("ping", "list", "start", "wait_started", "stop", "wait_stopped", "cancel_start")
