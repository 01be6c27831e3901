"""What control knows right now of every application and host. Lives in the event loop, nowhere else."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from protocol.log_messages import LogRead
from protocol.message import Message
from protocol.messages import ProcessChanged
from protocol.opening_messages import Hello
from protocol.pair_messages import Probed
from protocol.server_messages import Report
from provisioning.states import RUNS

from .facts import ApplicationFacts, HostFacts, StatusRow
from .peers import Peer
from .questions import Questions
from .status import ENDED, RUNNING, Verdict

LOGS_AT_ONCE = 2
"""So many answers with lines of logs may be under way from one agent: they share its connection with its reports."""


@dataclass(eq=False)
class ServerConnection:
    """The registered connection of one application's server. ``granted`` and ``told`` are what it was sent on this
    connection (``decide.Member``), ``trouble_since`` (monotonic) since when it reports that it cannot serve,
    ``clock_offset_s`` by how many seconds its clock is ahead of control's, ``foreign`` that it answered what it was not
    asked."""

    peer: Peer
    hello: Hello
    at: float
    address: str = ""
    report: Report | None = None
    granted: tuple[str, int] | None = None
    told: int = 0
    stepping_down: int = 0
    trouble_since: float | None = None
    clock_offset_s: float | None = None
    configuration: dict[str, Any] | None = None
    watched: bool = False
    questions: Questions[Probed] = field(default_factory=Questions)
    foreign: bool = False

    @property
    def process(self) -> tuple[int, int]:
        return self.hello.pid, self.hello.started


@dataclass(eq=False)
class LiveApplication:
    """``connection`` None while no server is registered; ``lost_at`` (monotonic) since when, None if there was none;
    ``dispute``: why nothing is decided about the pair of which this is the primary, "" when it is not disputed;
    ``silent_since`` (monotonic) when the lost server was last heard; ``last_report`` and ``last_hello`` are of the
    registered or last registered server; ``heard_at``: when one was heard of that is not connected any more;
    ``unseen``: since it was lost its agent sent a list without it; ``address`` is where it connected from."""

    facts: ApplicationFacts
    connection: ServerConnection | None = None
    last_hello: Hello | None = None
    last_report: Report | None = None
    lost_at: float | None = None
    silent_since: float | None = None
    unseen: bool = False
    address: str = ""
    process: ProcessChanged | None = None
    process_at: float = 0.0
    ended_at: float | None = None
    verdict: Verdict = field(default_factory=Verdict)
    row: StatusRow | None = None
    heard_at: datetime | None = None
    role_reason: str = ""
    dispute: str = ""
    recheck: asyncio.TimerHandle | None = None

    @property
    def pair_id(self) -> int:
        """Id of the application whose PairState row governs this one."""
        return self.facts.primary_id or self.facts.id

    @property
    def is_only_kept(self) -> bool:
        """Pairwise starts no server of it, and nobody has named one that runs: whether one does is not known."""
        return (not self.facts.runnable and self.process is None and self.last_hello is None
                and (self.row is None or self.row.status not in RUNS))

    def process_state(self, listed: bool) -> str:
        """What the agent attests of the process, as ``snapshot.Member`` spells it. ``listed``: its agent is connected
        and has sent its whole list."""
        if self.process is None:
            return "absent" if listed else "unknown"
        return "ended" if self.process.state in ENDED else "running" if self.process.state in RUNNING else "unknown"


@dataclass(eq=False)
class LiveHost:
    """``listed``: the agent sent its whole list since it connected. ``proven``: the secret by which it connected.
    ``foreign``: names of applications of other hosts that it spoke of. ``lca_refused``: the number of its last word of
    whom its LCA Port refused. ``log_questions``: what its agent was asked to read, ``log_turns`` how many more at the
    same time."""

    facts: HostFacts
    peer: Peer | None = None
    proven: str = field(default="", repr=False)
    hello: Hello | None = None
    address: str = ""
    listed: bool = False
    reason: str = ""
    agent_facts: dict[str, Any] = field(default_factory=dict)
    heard_at: datetime | None = None
    changed_at: datetime | None = None
    status: str = ""
    foreign: set[str] = field(default_factory=set)
    lca_refused: object = 0
    log_questions: Questions[LogRead] = field(default_factory=Questions)
    log_turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LOGS_AT_ONCE))

    def post(self, message: Message) -> None:
        if self.peer is not None:
            self.peer.post(message)


class World:
    """All live applications and hosts, by id and by name."""

    def __init__(self) -> None:
        self.applications: dict[int, LiveApplication] = {}
        self.hosts: dict[int, LiveHost] = {}
        self._by_name: dict[str, LiveApplication] = {}
        self._hosts_by_name: dict[str, LiveHost] = {}
        self._of_host: defaultdict[int, dict[int, LiveApplication]] = defaultdict(dict)

    def application(self, name: str) -> LiveApplication | None:
        return self._by_name.get(name)

    def host(self, name: str) -> LiveHost | None:
        return self._hosts_by_name.get(name)

    def put_application(self, facts: ApplicationFacts) -> LiveApplication:
        """Keep ``facts``: of a new application, or the newer facts of a known one."""
        live = self.applications.get(facts.id)
        if live is None:
            live = self.applications[facts.id] = LiveApplication(facts)
        else:
            self._unlist(live)
        live.facts = facts
        self._by_name[facts.name] = live
        if facts.host_id is not None:
            self._of_host[facts.host_id][facts.id] = live
        return live

    def _unlist(self, live: LiveApplication) -> None:
        if self._by_name.get(live.facts.name) is live:
            del self._by_name[live.facts.name]
        if live.facts.host_id is not None:
            self._of_host[live.facts.host_id].pop(live.facts.id, None)

    def drop_application(self, application_id: int) -> LiveApplication | None:
        live = self.applications.pop(application_id, None)
        if live is not None:
            self._unlist(live)
        return live

    def put_host(self, facts: HostFacts) -> LiveHost:
        live = self.hosts.get(facts.id)
        if live is None:
            live = self.hosts[facts.id] = LiveHost(facts)
        elif live.facts.name != facts.name and self._hosts_by_name.get(live.facts.name) is live:
            del self._hosts_by_name[live.facts.name]
        live.facts = facts
        self._hosts_by_name[facts.name] = live
        return live

    def drop_host(self, host_id: int) -> LiveHost | None:
        live = self.hosts.pop(host_id, None)
        if live is not None and self._hosts_by_name.get(live.facts.name) is live:
            del self._hosts_by_name[live.facts.name]
        return live

    def of_host(self, host_id: int) -> list[LiveApplication]:
        return list(self._of_host[host_id].values()) if host_id in self._of_host else []

    def host_of(self, live: LiveApplication) -> LiveHost | None:
        return self.hosts.get(live.facts.host_id) if live.facts.host_id else None

    def members(self, pair_id: int) -> list[LiveApplication]:
        """The pair's configured primary and, when it has one, its backup."""
        primary = self.applications.get(pair_id)
        if primary is None:
            return []
        backup = self.applications.get(primary.facts.backup_id) if primary.facts.backup_id else None
        return [primary, backup] if backup else [primary]

    def connected(self) -> tuple[int, int]:
        """How many servers and agents are connected."""
        return (sum(live.connection is not None for live in self.applications.values()),
                sum(host.peer is not None for host in self.hosts.values()))
