"""Who serves: a pure function of one snapshot → a new durable record or None, grants and a reason sentence.

No clock and no I/O: how long something has lasted is part of the snapshot. The first row of TABLE that fits the
state decides about the active member, the first row of STANDBY_TABLE about the other one (design section 7).
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

PRIMARY, BACKUP = "primary", "backup"
SERVING_STATES = frozenset({"started", "service_unavailable", "suspending", "suspended", "stopping"})
"""States of a server (messages.SERVER_STATES) in which it still holds the role it was granted."""
GRANTABLE_STATES = frozenset({"ready", "started"})


@dataclass(frozen=True)
class Record:
    """The durable record of a pair or of a single server; ``active`` "" while nobody has ever served."""

    version: int = 0
    epoch: int = 0
    active: str = ""
    standby_in_sync: bool = False
    automatic_failover: bool = True


@dataclass(frozen=True, kw_only=True)
class Member:
    """One server as control sees it now.

    ``state`` is its last reported state ("" before the first report); ``role``, ``epoch``, ``version`` what it says
    that it holds; ``granted`` the last (role, epoch) sent on this connection; ``process`` what its agent attests:
    "running", "ended" or "unknown"; ``away_s`` seconds since control lost it (or since control started).
    """

    name: str
    connected: bool = False
    state: str = ""
    role: str = ""
    epoch: int = 0
    version: int = 0
    granted: tuple[str, int] | None = None
    process: str = "unknown"
    agent_connected: bool = False
    away_s: float = 0.0


@dataclass(frozen=True)
class Timing:
    """Seconds. ``detection_s``: an active server that is lost together with its agent is taken for gone."""

    detection_s: float = 2.0


@dataclass(frozen=True)
class Snapshot:
    """``members``: the configured primary first, then its backup if it has one."""

    record: Record
    members: tuple[Member, ...]
    timing: Timing = Timing()

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


@dataclass(frozen=True)
class GrantTo:
    name: str
    role: str
    epoch: int
    record_version: int
    reason: str


@dataclass(frozen=True)
class Decision:
    """``record`` must be on disk, conditional on the version it replaces, before ``grants`` leave.
    ``recheck_in_s``: when to look again though nothing was heard; None when only an event can change anything."""

    state: "State"
    record: Record | None
    grants: tuple[GrantTo, ...]
    reason: str
    recheck_in_s: float | None = None


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
    if _ahead(snapshot) is not None:
        return State.DISPUTED
    active, record = snapshot.active, snapshot.record
    if active is None:
        return State.NEW
    if not active.connected:
        return State.WAITING
    if active.role == PRIMARY and active.epoch == record.epoch and active.state in SERVING_STATES:
        return State.SERVING
    if active.granted == (PRIMARY, record.epoch):
        return State.GRANTED
    return State.READY if active.state in GRANTABLE_STATES else State.WAITING


# --- conditions --------------------------------------------------------------------------------------


def _ahead(snapshot: Snapshot) -> Member | None:
    """A member that has seen more than the record says: an older database was put back."""
    record = snapshot.record
    return next((member for member in snapshot.members
                 if member.connected and (member.epoch > record.epoch or member.version > record.version)), None)


def _always(_: Snapshot) -> bool:
    return True


def _candidate_is_ready(snapshot: Snapshot) -> bool:
    return snapshot.candidate.connected and snapshot.candidate.state in GRANTABLE_STATES


def _standby_may_take_over(snapshot: Snapshot) -> bool:
    standby = snapshot.standby
    return (standby is not None and snapshot.record.standby_in_sync and snapshot.record.automatic_failover
            and standby.connected and standby.state in GRANTABLE_STATES)


def _active_has_ended(snapshot: Snapshot) -> bool:
    active = snapshot.candidate
    return _standby_may_take_over(snapshot) and not active.connected and active.process == "ended"


def _active_is_lost(snapshot: Snapshot) -> bool:
    active = snapshot.candidate
    return (_standby_may_take_over(snapshot) and not active.connected and not active.agent_connected
            and active.away_s >= snapshot.timing.detection_s)


def _is_being_lost(snapshot: Snapshot) -> bool:
    return (_standby_may_take_over(snapshot) and not snapshot.candidate.connected
            and not snapshot.candidate.agent_connected)


def _standby_is_not_in_sync(snapshot: Snapshot) -> bool:
    return snapshot.standby is not None and not snapshot.record.standby_in_sync


# --- the table ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Transition:
    """``serve`` picks the member that is granted primary in a new epoch; None grants nobody. ``leads_to`` is the
    state once the decision is carried out and nothing else happened."""

    state: State
    when: Callable[[Snapshot], bool]
    leads_to: State
    reason: str
    serve: Callable[[Snapshot], Member | None] | None = None
    recheck: bool = False


def _candidate(snapshot: Snapshot) -> Member:
    return snapshot.candidate


def _standby(snapshot: Snapshot) -> Member | None:
    return snapshot.standby


TABLE: tuple[Transition, ...] = (
    Transition(State.DISPUTED, _always, State.DISPUTED,
               "{ahead} has seen record {seen_version} and epoch {seen_epoch}, the Configuration Database knows only "
               "record {version} and epoch {epoch}: an older database was put back. Nothing is decided until the "
               "newer one is restored."),
    Transition(State.NEW, _candidate_is_ready, State.GRANTED,
               "{active} is ready and nobody has served before: it is the configured primary.", serve=_candidate),
    Transition(State.NEW, _always, State.NEW,
               "Nobody has served yet: waits until {active}, the configured primary, is ready."),
    Transition(State.READY, _always, State.GRANTED,
               "{active} is ready and is the recorded active server.", serve=_candidate),
    Transition(State.GRANTED, _always, State.GRANTED,
               "{active} was granted epoch {epoch} and has not confirmed it yet."),
    Transition(State.SERVING, _always, State.SERVING, "{active} serves in epoch {epoch}."),
    Transition(State.WAITING, _active_has_ended, State.GRANTED,
               "{active} has ended, as its agent attests; {standby} is in sync and takes over.", serve=_standby),
    Transition(State.WAITING, _active_is_lost, State.GRANTED,
               "{active} and the agent of its host are both lost; {standby} is in sync and takes over.",
               serve=_standby),
    Transition(State.WAITING, _is_being_lost, State.WAITING,
               "{active} and the agent of its host are both lost: waits for the detection time.", recheck=True),
    Transition(State.WAITING, _standby_is_not_in_sync, State.WAITING,
               "Waits for {active}, the recorded active server: {standby} is not in sync and is never promoted."),
    Transition(State.WAITING, _always, State.WAITING, "Waits for {active}, the recorded active server."),
)


@dataclass(frozen=True)
class StandbyRule:
    """``grant`` is the role that the standby gets in the record's epoch, "" for none."""

    when: Callable[[Member, Record], bool]
    grant: str


def _standby_is_not_ready(standby: Member, _: Record) -> bool:
    return not standby.connected or standby.state not in GRANTABLE_STATES


def _standby_knows(standby: Member, record: Record) -> bool:
    holds = standby.state == "started" and (standby.role, standby.epoch) == (BACKUP, record.epoch)
    return holds or standby.granted == (BACKUP, record.epoch)


STANDBY_TABLE: tuple[StandbyRule, ...] = (
    StandbyRule(_standby_is_not_ready, ""),
    StandbyRule(_standby_knows, ""),
    StandbyRule(lambda standby, record: True, BACKUP),
)


def decide(snapshot: Snapshot) -> Decision:
    """The decision for one snapshot. Pure; deciding again on the outcome changes nothing."""
    state = state_of(snapshot)
    row = next(row for row in TABLE if row.state == state and row.when(snapshot))
    reason = row.reason.format(**_names(snapshot))
    if state == State.DISPUTED:
        return Decision(state, None, (), reason)
    serving = row.serve(snapshot) if row.serve else None
    record, grants = None, []
    if serving is not None:
        record = dataclasses.replace(
            snapshot.record, version=snapshot.record.version + 1, epoch=snapshot.record.epoch + 1, active=serving.name,
            # Whoever starts to serve is alone until it has proven that the other copy is equal.
            standby_in_sync=False)
        grants.append(GrantTo(serving.name, PRIMARY, record.epoch, record.version, reason))
    record, standby_grants = _decide_standby(snapshot, record)
    active = snapshot.candidate
    recheck = max(0.0, snapshot.timing.detection_s - active.away_s) if row.recheck else None
    return Decision(state, record, (*grants, *standby_grants), reason, recheck)


def _decide_standby(snapshot: Snapshot, record: Record | None) -> tuple[Record | None, list[GrantTo]]:
    now = record or snapshot.record
    after = dataclasses.replace(snapshot, record=now)
    standby = after.standby
    if standby is None:
        return record, []
    rule = next(rule for rule in STANDBY_TABLE if rule.when(standby, now))
    if not rule.grant:
        return record, []
    if now.epoch == 0:
        # A role is held in an epoch, and epoch 0 is the one in which nothing was ever granted.
        record = now = dataclasses.replace(now, version=now.version + 1, epoch=1)
    reason = f"{standby.name} stands by for {after.candidate.name} in epoch {now.epoch}."
    return record, [GrantTo(standby.name, rule.grant, now.epoch, now.version, reason)]


def _names(snapshot: Snapshot) -> dict:
    ahead = _ahead(snapshot)
    return {
        "active": snapshot.candidate.name, "standby": snapshot.standby.name if snapshot.standby else "",
        "epoch": snapshot.record.epoch, "version": snapshot.record.version,
        "ahead": ahead.name if ahead else "", "seen_epoch": ahead.epoch if ahead else 0,
        "seen_version": ahead.version if ahead else 0,
    }
