"""What the rules of the audit look at: frozen values of one pair, read at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from provisioning.audit.found import Found
from provisioning.drafts import ApplicationDraft
from provisioning.errors import Link
from provisioning.rules import ages
from provisioning.rules.certificates import Certificate
from provisioning.rules.failover import CONDITION
from provisioning.rules.failover_facts import Condition, FailoverFacts
from provisioning.rules.failover_facts import MemberFacts as FailoverMember
from provisioning.rules.fields import normal_directory
from provisioning.rules.known import age_s
from provisioning.rules.known_options import KnownOptions
from provisioning.rules.synchronizing import DIFFERS, Comparison, Row, Side, alike, compare
from provisioning.states import ApplicationStatus, HostStatus


@dataclass(frozen=True)
class PortUse:
    """Who has a port number on a host: an application, the agent (LCA) or the console itself (``application_id``
    None)."""

    application_id: int | None
    name: str
    port_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A Host with its agent's last word. ``uses``: {port number: its users}; ``directories``: {normal Working
    Directory: applications there}, both of everything on this host. ``clock_offset_s``: seconds that its clock is
    ahead, None while not known; ``accounts``: what the agent says of each Log On As (ok, missing, not permitted);
    ``comes_back_by``: what starts it after a restart of the machine (systemd, cron, nothing; "" for the console
    itself); ``looks``: it can collect facts."""

    id: int
    name: str
    ip_address: str
    os_type: str
    lca_port: int
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

    def answers(self, now: datetime) -> bool:
        """True while its agent is connected and speaks."""
        return (self.status == HostStatus.RUNNING and self.heard_at is not None
                and now - self.heard_at <= ages.AUDITED)


@dataclass(frozen=True, kw_only=True)
class Live:
    """A server's last word (models.RuntimeStatus). ``ports``: {ID: number} that it holds."""

    status: str
    mode: str = ""
    reason: str = ""
    heard_at: datetime | None = None
    pid: int = 0
    by_hand: bool = False
    account: str = ""
    version: str = ""
    link: str = ""
    link_reason: str = ""
    last_seq: int = 0
    common_seq: int = 0
    common_digest: str = ""
    first_seq: int = 0
    discarded: int = 0
    ports: Mapping[str, int] = field(default_factory=dict)
    certificates: tuple[Certificate, ...] = ()
    started_at: datetime | None = None


class Hints:
    """What a template says of options that a server would ignore; asked once for each, however many servers have it."""

    def __init__(self, known: KnownOptions):
        self._known, self._found = known, {}

    def of(self, section: str, key: str) -> str:
        """A sentence for an option that the server ignores, "" for one that it reads."""
        found = self._found.get((section, key))
        if found is None:
            found = self._found[section, key] = self._known.hint(section, key)
        return found


@dataclass(frozen=True, kw_only=True)
class Member:
    """One server as it is configured (``draft``; secret values are fingerprints, never plain), as it runs (``live``,
    None when nothing was ever heard of it) and as a job found it on its host (``found``, None when none ever looked).
    ``longest_start_s``: the longest of its recent starts; ``flaps``: how often control told lately that its
    role changes too often."""

    id: int
    draft: ApplicationDraft
    type: str
    version: str
    template: str = ""
    hints: Hints | None = None
    installed: bool = True
    connections: tuple[str, ...] = ()
    host: Machine | None = None
    live: Live | None = None
    found: Found | None = None
    longest_start_s: float | None = None
    flaps: int = 0
    own_backup: Link | None = None
    primaries: tuple[Link, ...] = ()
    waits: tuple[str, ...] = ()
    """Labels of what was changed and counts from its next start only."""

    @property
    def name(self) -> str:
        return self.draft.name

    @property
    def link(self) -> Link:
        return Link("application", str(self.id), self.name)

    @property
    def directory(self) -> str:
        """Working Directory in one spelling, "" for the placeholder."""
        return normal_directory(self.draft.working_directory, self.host.os_type if self.host else "Linux")

    def option(self, section: str, key: str) -> str | None:
        """Value of an option whatever its case and whether it is spelt with ``-`` or ``_``; None when not set."""
        def plain(text):
            return text.casefold().replace("_", "-")

        return next((value for name, keys in (self.draft.options or {}).items() if name.casefold() == section.casefold()
                     for each, value in keys.items() if plain(each) == plain(key)), None)


@dataclass(frozen=True, kw_only=True)
class Client:
    """An application with a connection to a member: ``to`` names the member. ``network``: a log output of it goes to
    the network; None for one whose options do not say."""

    id: int
    name: str
    to: str
    port_id: str
    protocol: str = ""
    timeout_local: int = 0
    timeout_remote: int = 0
    network: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """The pair's durable record (models.PairState)."""

    version: int = 0
    active_id: int | None = None
    in_sync: bool = False
    disputed: bool = False
    reason: str = ""
    automatic_failover: bool = True
    paused_by: str = ""
    paused_reason: str = ""


@dataclass(frozen=True, kw_only=True)
class AuditFacts:
    """One pair, or a single Message Server (``backup`` None). ``servers``: (host, port) of every Configuration Server;
    ``agent_build``: of the agent that the console hands out;
    ``control_answers``: whether control was heard of just now; ``drill``: the sentence of a last drill that failed,
    "" else."""

    now: datetime
    primary: Member
    backup: Member | None = None
    record: Record | None = None
    exceptions: Mapping[str, str] = field(default_factory=dict)
    clients: tuple[Client, ...] = ()
    servers: tuple[tuple[str, int], ...] = ()
    agent_build: str = ""
    control_answers: bool = True
    drill: str = ""

    @property
    def members(self) -> tuple[Member, ...]:
        return (self.primary, self.backup) if self.backup else (self.primary,)

    @property
    def on_one_host(self) -> bool:
        """True when both members have the same Host."""
        return bool(self.backup and self.primary.host and self.backup.host
                    and self.primary.host.id == self.backup.host.id)

    @cached_property
    def comparison(self) -> Comparison | None:
        """What Synchronize would do, None for a single server."""
        if self.backup is None:
            return None
        return compare(_side(self.primary), _side(self.backup), exceptions=self.exceptions)

    @cached_property
    def differences(self) -> tuple[Row, ...]:
        """Rows of the comparison that differ and that nobody declared to be intended."""
        if self.backup is None or alike(_side(self.primary), _side(self.backup)):
            return ()
        return tuple(row for row in self.comparison.rows if row.state == DIFFERS)

    @cached_property
    def failover(self) -> FailoverFacts:
        """The same facts of a pair as "would failover work now?" looks at them."""
        record, primary, backup = self.record or Record(), self.primary, self.backup
        active = {primary.id: primary.name, backup.id: backup.name}.get(record.active_id, "")
        return FailoverFacts(
            primary=self._for_failover(primary), backup=self._for_failover(backup), active=active,
            redundancy_type=primary.draft.redundancy_type, in_sync=record.in_sync, record_reason=record.reason,
            disputed=record.disputed,
            automatic_failover=record.automatic_failover, paused_by=record.paused_by,
            paused_reason=record.paused_reason)

    def _for_failover(self, member: Member) -> FailoverMember:
        live = member.live or Live(status=ApplicationStatus.UNKNOWN)
        heard = age_s(live.heard_at, self.now)
        return FailoverMember(name=member.name, status=live.status, mode=live.mode, heard_s=heard, link=live.link,
                              link_reason=live.link_reason, common_seq=live.common_seq,
                              common_digest=live.common_digest, first_seq=live.first_seq)

    def condition(self, code: str) -> Condition:
        """One condition of "would failover work now?" about the pair."""
        return CONDITION[code](self.failover)

    def found_at(self, member: Member) -> Found | None:
        """What a job found on the member's host, None when that is not known any more."""
        found = member.found
        if found is None or self.now - found.at > ages.FOUND or member.host is None or found.host_id != member.host.id:
            return None
        return found if member.host.answers(self.now) else None


def _side(member: Member) -> Side:
    return Side(id=member.id, name=member.name, draft=member.draft, host=member.host.name if member.host else "",
                template=member.template, version=member.version, connections=member.connections)
