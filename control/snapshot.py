"""What a decision depends on: the durable record, both members as control sees them, timeouts, what people asked for.

Everything is frozen; durations are seconds and part of the values, so a decision needs no clock.
"""

from dataclasses import dataclass
from enum import StrEnum

PRIMARY, BACKUP = "primary", "backup"
SERVING_STATES = frozenset({"started", "service_unavailable", "suspending", "suspended", "stopping"})
"""States of a server (messages.SERVER_STATES) in which it still holds the role it was granted."""
GRANTABLE_STATES = frozenset({"ready", "started"})
HEARTBEAT_S = 0.5
"""Servers and agents say something at least so often."""


@dataclass(frozen=True)
class Record:
    """The durable record of a pair or of a single server; ``active`` "" while nobody has ever served.

    ``active_copy`` and ``standby_copy`` name the stores that it is about ("" while not known). ``generation``: of
    control's database, in which it was last written."""

    version: int = 0
    epoch: int = 0
    active: str = ""
    standby_in_sync: bool = False
    automatic_failover: bool = True
    active_copy: str = ""
    standby_copy: str = ""
    generation: int = 0


@dataclass(frozen=True, kw_only=True)
class Member:
    """One server as control sees it now.

    ``state`` is its last reported state ("" before the first report); ``role``, ``epoch``, ``version`` what it says
    that it holds; ``copy`` its store; ``link`` the sync link as it sees it (messages.LINKS) and ``link_reason`` why it
    is not synced; ``trouble`` why it cannot serve and ``trouble_s`` for how long; ``wish``, ``wish_version`` and
    ``wish_copy`` what it wants recorded of its standby.

    ``granted`` is the last (role, epoch) sent on this connection, ``told`` the last version it was told or granted,
    ``stepping_down`` the epoch in which it was asked to step down; ``process`` what its agent attests: "running",
    "ended", "absent" (its list does not name it) or "unknown"; ``silent_s`` seconds since it was last heard, signs of
    life included, or since control started; ``present_s`` seconds since it connected.
    """

    name: str
    connected: bool = False
    state: str = ""
    role: str = ""
    epoch: int = 0
    version: int = 0
    copy: str = ""
    link: str = ""
    link_reason: str = ""
    trouble: str = ""
    trouble_s: float = 0.0
    wish: str = ""
    wish_version: int = 0
    wish_copy: str = ""
    granted: tuple[str, int] | None = None
    told: int = 0
    stepping_down: int = 0
    process: str = "unknown"
    agent_connected: bool = False
    silent_s: float = 0.0
    present_s: float = 0.0


@dataclass(frozen=True)
class Timing:
    """Seconds. ``detection_s``: an active server that is silent, and for whose loss something else speaks, is taken
    for gone; one that cannot serve is replaced."""

    detection_s: float = 2.0


@dataclass(frozen=True)
class Request:
    """What a person asked for: ``verb`` "switchover" or "promote", onto ``target``."""

    verb: str
    target: str
    by: str = ""


@dataclass(frozen=True)
class Snapshot:
    """``members``: the configured primary first, then its backup if it has one. ``observing``: control has just started
    or was itself held up, so silence proves nothing. ``trusted``: False when an older copy of control's database was
    put back since the record was last written, and no member has vouched for it."""

    record: Record
    members: tuple[Member, ...]
    timing: Timing = Timing()
    request: Request | None = None
    observing: bool = False
    trusted: bool = True

    @property
    def active(self) -> Member | None:
        return next((member for member in self.members if member.name == self.record.active), None)

    @property
    def candidate(self) -> Member:
        """Who serves, or would: the recorded active member, else the configured primary."""
        return self.active or self.members[0]

    @property
    def standby(self) -> Member | None:
        return next((member for member in self.members if member is not self.candidate), None)

    @property
    def detection_left_s(self) -> float:
        """Seconds until the active member's silence, or its trouble, has lasted for the detection time."""
        return max(0.0, self.timing.detection_s - self.lasting_s)

    @property
    def lasting_s(self) -> float:
        active, standby = self.candidate, self.standby
        if active.connected:
            return active.trouble_s
        # Who has just come itself cannot judge how long the other one has been away.
        return min(active.silent_s, standby.present_s) if standby else active.silent_s

    @property
    def is_witnessed(self) -> bool:
        """Whether the standby was heard clearly after the active member's last word. Those who are cut off together, as
        all are from a control that is cut off itself, were last heard within one heartbeat of each other."""
        standby = self.standby
        return standby is not None and self.candidate.silent_s - standby.silent_s >= 2 * HEARTBEAT_S


class State(StrEnum):
    """What a pair (or a single server) is in."""

    NEW = "new"
    READY = "ready"
    GRANTED = "granted"
    SERVING = "serving"
    WAITING = "waiting"
    DISPUTED = "disputed"


def state_of(snapshot: Snapshot) -> State:
    """The state that a snapshot shows. Total: every snapshot has exactly one."""
    if ahead(snapshot) is not None or in_doubt(snapshot):
        return State.DISPUTED
    active, record = snapshot.active, snapshot.record
    if active is None:
        return State.NEW
    if not active.connected:
        return State.WAITING
    if active.role == PRIMARY and active.epoch == record.epoch and active.state in SERVING_STATES:
        return State.SERVING
    if active.granted == (PRIMARY, record.epoch) and active.stepping_down != record.epoch:
        return State.GRANTED
    return State.READY if active.state in GRANTABLE_STATES else State.WAITING


def ahead(snapshot: Snapshot) -> Member | None:
    """A member that has seen more than the record says: an older database was put back."""
    record = snapshot.record
    return next((member for member in snapshot.members
                 if member.connected and (member.epoch > record.epoch or member.version > record.version)), None)


def vouched(snapshot: Snapshot) -> bool:
    """Every member is there with the store that the record names, and none has seen more than the record says: nothing
    that was acted upon is missing in it, for whoever was granted a role, or went on alone, had that on its own disk
    first."""
    return not missing(snapshot) and not forgetful(snapshot) and ahead(snapshot) is None


def missing(snapshot: Snapshot) -> list[Member]:
    """Members of which control does not know now what they have seen, and in which store."""
    return [member for member in snapshot.members if not (member.connected and member.state)]


def forgetful(snapshot: Snapshot) -> list[Member]:
    """Members that are there with another store than the record names: what they had seen went with the former one."""
    record = snapshot.record
    named = {member.name: record.active_copy if member.name == record.active else record.standby_copy
             for member in snapshot.members}
    return [member for member in snapshot.members if member.state and named[member.name] not in ("", member.copy)]


def in_doubt(snapshot: Snapshot) -> bool:
    """Somebody who is away might contradict the record."""
    return not snapshot.trusted and not vouched(snapshot)
