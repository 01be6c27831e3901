"""What the rules of a pair at work look at: frozen values that a caller has read from the database."""

from dataclasses import dataclass
from datetime import datetime

from provisioning.errors import Link
from provisioning.states import ALIVE, ApplicationStatus, HostStatus, Mode, SyncLink

from . import ages, copies
from .text import so_far


def decided(reason: str, since: datetime | None, now: datetime, *, disputed: bool = False) -> str:
    """Why control decided as it did last, with the age of that: what it speaks of may be over since. "" for nothing."""
    if not reason or since is None or disputed:
        # That nothing is decided is no decision, and it counts now.
        return reason
    return f"Control's last decision, {so_far(now - since)} ago: {reason}"


@dataclass(frozen=True, kw_only=True)
class MemberFacts:
    """One server of a pair. ``status`` and ``mode`` are known now (rules.known), ``last_mode`` was known before; what
    follows is its last word, heard at ``heard_at``; ``common_seq`` is the last record that both members have,
    ``common_digest`` the running digest there, ``first_seq`` the first one that is kept (0: not said), ``copy`` names
    its store. ``served_until``: when it ceased to serve, None while it serves or never has."""

    id: int
    name: str
    status: str = ApplicationStatus.UNKNOWN
    mode: str = ""
    last_mode: str = ""
    reason: str = ""
    epoch: int = 0
    enabled: bool = True
    installed: bool = True
    host_name: str = ""
    host_status: str = HostStatus.UNKNOWN
    working_directory: str = ""
    link: str = ""
    link_reason: str = ""
    last_seq: int = 0
    common_seq: int = 0
    common_digest: str = ""
    first_seq: int = 0
    clients: int = 0
    pid: int = 0
    discarded: int = 0
    copy: str = ""
    heard_at: datetime | None = None
    served_until: datetime | None = None
    job: Link | None = None

    @property
    def link_to(self) -> Link:
        return Link("application", str(self.id), self.name)

    @property
    def runs(self) -> bool:
        return self.status in ALIVE

    @property
    def serves(self) -> bool:
        return self.status == ApplicationStatus.STARTED and self.mode == Mode.PRIMARY

    @property
    def is_at_rest(self) -> bool:
        """Nobody has started it, or somebody stopped it again: no process of it is known, and none failed."""
        return (not self.installed or self.status == ApplicationStatus.STOPPED
                or (self.status == ApplicationStatus.UNKNOWN and self.heard_at is None))

    @property
    def stands_by(self) -> bool:
        return self.status == ApplicationStatus.STARTED and self.mode == Mode.BACKUP


@dataclass(frozen=True, kw_only=True)
class PairFacts:
    """A primary with its Backup Server (None while it has none) and control's durable record of them. ``disputed``: an
    older record was put back, and a member contradicts it or might (``reason`` says so)."""

    primary: MemberFacts
    backup: MemberFacts | None = None
    epoch: int = 0
    active_id: int | None = None
    active_copy: str = ""
    in_sync: bool = False
    disputed: bool = False
    automatic_failover: bool = True
    paused_by: str = ""
    paused_reason: str = ""
    paused_at: datetime | None = None
    reason: str = ""
    since: datetime | None = None
    control_answers: bool = True
    now: datetime

    @property
    def members(self) -> tuple[MemberFacts, ...]:
        return (self.primary, self.backup) if self.backup else (self.primary,)

    @property
    def active(self) -> MemberFacts | None:
        """Who serves by control's record; None while nobody ever has."""
        return next((member for member in self.members if member.id == self.active_id), None)

    @property
    def standby(self) -> MemberFacts | None:
        """The member that would take over; of a pair that never served, the configured backup."""
        first = self.active or self.primary
        return next((member for member in self.members if member is not first), None)

    @property
    def outage_since(self) -> datetime | None:
        """When the last member that served ceased to; None while one serves, and when nobody knows."""
        if any(member.serves for member in self.members):
            return None
        return max((member.served_until for member in self.members if member.served_until), default=None)

    @property
    def store_was_replaced(self) -> bool:
        """The recorded active server runs with another store than the one that it served with (control's rule)."""
        active = self.active
        return (self.backup is not None and active is not None and active.runs and not active.serves
                and bool(self.active_copy and active.copy) and active.copy != self.active_copy)

    @property
    def lag(self) -> int | None:
        """How many records of the active member the other one does not have; None while nobody knows."""
        active, standby = self.active, self.standby
        if active is None or standby is None or not self.control_answers:
            return None
        if self.in_sync:
            return 0
        if not active.last_seq:
            return None
        return copies.lag(active.last_seq, standby.common_seq)

    def is_fresh(self, member: MemberFacts) -> bool:
        """True while what ``member`` said last is recent enough to count as proven."""
        return member.heard_at is not None and self.now - member.heard_at <= ages.SERVER

    @property
    def link(self) -> str:
        """The sync link as both ends see it (a value of SyncLink); "" while there is none or nobody knows."""
        if self.backup is None or not all(member.runs and self.is_fresh(member) for member in self.members):
            return ""
        seen = {member.link for member in self.members}
        for worst in (SyncLink.DOWN, SyncLink.CATCHING_UP):
            if worst in seen:
                return str(worst)
        if seen == {SyncLink.SYNCED}:
            return str(SyncLink.SYNCED if self.in_sync else SyncLink.CATCHING_UP)
        return ""

    @property
    def link_reason(self) -> str:
        return next((member.link_reason for member in self.members if member.link_reason), "")

    @property
    def digests_equal(self) -> bool | None:
        """Whether both copies are the same up to their last common record; None when they cannot be compared now."""
        return copies.equal(*self.members) if self.backup is not None and self.control_answers else None

    @property
    def standby_begins_later(self) -> bool:
        """Whether the standby is known to lack records that the active member still has, at the beginning."""
        active, standby = self.active, self.standby
        return (active is not None and standby is not None and not copies.begin_alike(active, standby)
                and standby.first_seq > active.first_seq)
