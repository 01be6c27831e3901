"""What the rules of a pair at work look at: frozen values that a caller has read from the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from provisioning.core import ages, copies
from provisioning.core.text import so_far
from provisioning.states import SyncLink

from .members import Member
from .proofs import Proof


def decided(reason: str, since: datetime | None, now: datetime, *, disputed: bool = False) -> str:
    """Why control decided as it did last, with the age of that: what it speaks of may be over since. "" for nothing."""
    if not reason or since is None or disputed:
        # That nothing is decided is no decision, and it counts now.
        return reason
    return f"Control's last decision, {so_far(now - since)} ago: {reason}"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What came of asking just now. ``control``: "" when it answered, else the sentence that says why not, None when
    nobody asked it; ``proofs``: {name: a member's answer to its probe}, ``no_probe``: why it did not probe.
    ``database``: why the Configuration Database takes no write, ``record_trouble``: why control cannot write its
    record, "" when they do."""

    control: str | None = None
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    no_probe: str = ""
    database: str = ""
    record_trouble: str = ""


NOBODY_ASKED = Asked()


@dataclass(frozen=True, kw_only=True)
class PairFacts:
    """A primary with its Backup Server (None while it has none) and control's durable record of them, of which there is
    none yet while ``version`` is 0. ``disputed``: an older record was put back, and a member contradicts it or might
    (``reason`` says so)."""

    primary: Member
    backup: Member | None = None
    version: int = 0
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
    asked: Asked = NOBODY_ASKED

    @property
    def members(self) -> tuple[Member, ...]:
        return (self.primary, self.backup) if self.backup else (self.primary,)

    @property
    def both(self) -> tuple[Member, Member]:
        """Primary and Backup Server; who asks has seen that there is one."""
        if self.backup is None:
            raise ValueError(f"{self.primary.name} has no Backup Server")
        return self.primary, self.backup

    @property
    def by_role(self) -> tuple[Member, Member]:
        """Who serves by control's record (the primary of a pair that never served) and who would take over; who asks
        has seen that there is a Backup Server."""
        primary, backup = self.both
        return (backup, primary) if backup.id == self.active_id else (primary, backup)

    @property
    def active(self) -> Member | None:
        """Who serves by control's record; None while nobody ever has."""
        return next((member for member in self.members if member.id == self.active_id), None)

    @property
    def standby(self) -> Member | None:
        """The member that would take over; of a pair that never served, the configured backup."""
        first = self.active or self.primary
        return next((member for member in self.members if member is not first), None)

    @property
    def record_reason(self) -> str:
        """Why control decided as it did last, as a sentence."""
        return decided(self.reason, self.since, self.now, disputed=self.disputed)

    @property
    def outage_since(self) -> datetime | None:
        """When the last member that served ceased to; None while one serves, and when nobody knows."""
        if any(member.serves for member in self.members):
            return None
        return max((member.live.served_until for member in self.members if member.live.served_until), default=None)

    @property
    def store_was_replaced(self) -> bool:
        """The recorded active server runs with another store than the one that it served with (control's rule)."""
        active = self.active
        return (self.backup is not None and active is not None and active.runs and not active.serves
                and bool(self.active_copy and active.live.copy) and active.live.copy != self.active_copy)

    @property
    def lag(self) -> int | None:
        """How many records of the active member the other one does not have; None while nobody knows."""
        active, standby = self.active, self.standby
        if active is None or standby is None or not self.control_answers:
            return None
        if self.in_sync:
            return 0
        if not active.live.last_seq:
            return None
        return copies.lag(active.live.last_seq, standby.live.common_seq)

    def is_fresh(self, member: Member) -> bool:
        """True while what ``member`` said last is recent enough to count as proven."""
        return member.live.heard_at is not None and self.now - member.live.heard_at <= ages.SERVER

    @property
    def link(self) -> str:
        """The sync link as both ends see it (a value of SyncLink); "" while there is none or nobody knows."""
        if self.backup is None or not all(member.runs and self.is_fresh(member) for member in self.members):
            return ""
        seen = {member.live.link for member in self.members}
        for worst in (SyncLink.DOWN, SyncLink.CATCHING_UP):
            if worst in seen:
                return str(worst)
        if seen == {SyncLink.SYNCED}:
            return str(SyncLink.SYNCED if self.in_sync else SyncLink.CATCHING_UP)
        return ""

    @property
    def link_reason(self) -> str:
        return next((member.live.link_reason for member in self.members if member.live.link_reason), "")

    @property
    def digests_equal(self) -> bool | None:
        """Whether both copies are the same up to their last common record; None when they cannot be compared now."""
        return copies.equal(self.primary.live, self.backup.live) if self.backup and self.control_answers else None

    @property
    def standby_begins_later(self) -> bool:
        """Whether the standby is known to lack records that the active member still has, at the beginning."""
        active, standby = self.active, self.standby
        return (active is not None and standby is not None and not copies.begin_alike(active.live, standby.live)
                and standby.live.first_seq > active.live.first_seq)
