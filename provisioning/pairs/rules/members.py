"""One server of a pair as every rule looks at it: how it is configured, on which Host, what it said last. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from provisioning.certificates.rules import Certificate
from provisioning.core import ages
from provisioning.core.known import Word
from provisioning.core.os_accounts import wrong_account
from provisioning.drafts import ApplicationDraft
from provisioning.errors import Link
from provisioning.models.applications import PLACEHOLDERS, os_account
from provisioning.states import ALIVE, ApplicationStatus, ApplicationType, HostStatus, Mode


@dataclass(frozen=True)
class PortUse:
    """Who has a port number on a host: an application, the agent (LCA) or the console itself (``application_id``
    None)."""

    application_id: int | None
    name: str
    port_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A Host with its agent's last word, which may not count any more. ``clock_offset_s``: seconds that its clock is
    ahead, None while not known; ``accounts``: what the agent says of each Log On As (ok, missing, not permitted,
    console); ``comes_back_by``: what starts it after a restart of the machine (systemd, cron, nothing; "" for the
    console itself); ``looks``: it can collect facts. ``uses``: {port number: its users}; ``directories``: {normal
    Working Directory: applications there}, both of everything on this host, and only in an audit. A list of pairs
    reads ``name`` and ``status`` alone."""

    id: int
    name: str
    ip_address: str = ""
    os_type: str = "Linux"
    lca_port: int = 0
    enabled: bool = True
    looks: bool = True
    status: str = HostStatus.UNKNOWN
    reason: str = ""
    heard_at: datetime | None = None
    agent_version: str = ""
    agent_build: str = ""
    account: str = ""
    accounts: Mapping[str, str] | None = None
    comes_back_by: str = ""
    clock_offset_s: float | None = None
    disk_free_bytes: int | None = None
    uses: Mapping[int, Sequence[PortUse]] = field(default_factory=dict)
    directories: Mapping[str, Sequence[PortUse]] = field(default_factory=dict)

    @property
    def is_connected(self) -> bool:
        return self.status == HostStatus.RUNNING

    def answers(self, now: datetime) -> bool:
        """True while its agent is connected and speaks."""
        return self.is_connected and self.heard_at is not None and now - self.heard_at <= ages.AUDITED


@dataclass(frozen=True, kw_only=True)
class Live:
    """A server's last word, heard at ``heard_at`` (models.RuntimeStatus); as below of one that nobody ever heard of.

    ``common_seq`` is the last record that both members have, ``common_digest`` the running digest there, ``first_seq``
    the first one that is kept (0: not said), ``copy`` names its store. ``served_until``: when it ceased to serve, None
    while it serves or never has. ``ports``: {ID: number} that it holds.
    """

    status: str = ApplicationStatus.UNKNOWN
    mode: str = ""
    reason: str = ""
    heard_at: datetime | None = None
    epoch: int = 0
    pid: int = 0
    by_hand: bool = False
    account: str = ""
    version: str = ""
    clients: int = 0
    link: str = ""
    link_reason: str = ""
    last_seq: int = 0
    common_seq: int = 0
    common_digest: str = ""
    first_seq: int = 0
    discarded: int = 0
    copy: str = ""
    started_at: datetime | None = None
    served_until: datetime | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    certificates: tuple[Certificate, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether a process of it ran then."""
        return self.status in ALIVE


NOTHING_HEARD = Live()
NOT_KNOWN = Word(status=ApplicationStatus.UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class Member:
    """One server as it is configured (``draft``; rows that nobody asked for are None in it), as it said last (``live``)
    and what of that is known now (``word``). ``connections``: its connections as texts, in order; ``own_backup``: the
    Backup Server that it names; ``job``: what works on it now."""

    id: int
    draft: ApplicationDraft
    type: str = ApplicationType.MESSAGE_SERVER
    version: str = ""
    template: str = ""
    connections: tuple[str, ...] = ()
    changed_at: datetime | None = None
    own_backup: Link | None = None
    host: Machine | None = None
    live: Live = NOTHING_HEARD
    word: Word = NOT_KNOWN
    job: Link | None = None

    @property
    def name(self) -> str:
        return self.draft.name

    @property
    def link(self) -> Link:
        return Link("application", str(self.id), self.name)

    @property
    def type_label(self) -> str:
        return str(ApplicationType(self.type).label) if self.type in ApplicationType.values else self.type

    @property
    def working_directory(self) -> str:
        return self.draft.working_directory

    @property
    def installed(self) -> bool:
        return self.draft.working_directory not in PLACEHOLDERS and self.draft.command_line not in PLACEHOLDERS

    @property
    def host_name(self) -> str:
        """"" without a Host."""
        return self.host.name if self.host else ""

    @property
    def ports(self) -> dict[str, int]:
        """{ID: number} as configured."""
        return {port.port_id: port.port for port in self.draft.ports or ()}

    @property
    def running_version(self) -> str:
        """What runs; of what never said its version, that of the object."""
        return self.live.version or self.version

    @property
    def wrong_account(self) -> str:
        """A sentence when it runs as another account than it should, "" when not or while it is not known."""
        return wrong_account(name=self.name, wanted=os_account(self.draft.log_on_as), running=self.live.account,
                             agents=self.host.account if self.host else "")

    # --- what is known now

    @property
    def status(self) -> str:
        return self.word.status

    @property
    def mode(self) -> str:
        return self.word.mode

    @property
    def reason(self) -> str:
        return self.word.reason

    @property
    def runs(self) -> bool:
        return self.status in ALIVE

    @property
    def serves(self) -> bool:
        return self.status == ApplicationStatus.STARTED and self.mode == Mode.PRIMARY

    @property
    def stands_by(self) -> bool:
        return self.status == ApplicationStatus.STARTED and self.mode == Mode.BACKUP

    @property
    def is_at_rest(self) -> bool:
        """Nobody has started it, or somebody stopped it again: no process of it is known, and none failed."""
        return (not self.installed or self.status == ApplicationStatus.STOPPED
                or (self.status == ApplicationStatus.UNKNOWN and self.live.heard_at is None))
