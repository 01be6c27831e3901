"""Who serves: a pure function of one snapshot → a new durable record or None, what to tell whom, a reason sentence.

No clock and no I/O: how long something has lasted is part of the snapshot. The first row of ``transitions.TABLE`` that
fits the state decides about the active member, the first row of ``STANDBY_TABLE`` about the other one; then the wish of
the active server about its standby is recorded (docs/pair.md).
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from .snapshot import (
    BACKUP,
    GRANTABLE_STATES,
    PRIMARY,
    Member,
    Record,
    Snapshot,
    State,
    ahead,
    forgetful,
    missing,
    state_of,
)
from .transitions import TABLE, Transition


@dataclass(frozen=True)
class GrantTo:
    name: str
    role: str
    epoch: int
    record_version: int
    reason: str


@dataclass(frozen=True)
class Tell:
    """The active server ``name`` of ``epoch`` hears that the record has ``record_version`` and what it says."""

    name: str
    epoch: int
    record_version: int
    in_sync: bool
    reason: str


@dataclass(frozen=True)
class Decision:
    """``record`` must be on disk, conditional on the version it replaces, before anything else of this leaves.

    ``tells`` and ``step_down`` (name of the active server, or "") go to servers. ``reason`` is about the roles,
    ``sync_reason`` about the standby, "" when nothing is recorded of it. ``recheck_in_s``: when to look again though
    nothing was heard; None when only an event can change anything.
    """

    state: State
    record: Record | None
    grants: tuple[GrantTo, ...]
    reason: str
    tells: tuple[Tell, ...] = ()
    step_down: str = ""
    sync_reason: str = ""
    recheck_in_s: float | None = None


def decide(snapshot: Snapshot, table: tuple[Transition, ...] = TABLE) -> Decision:
    """The decision for one snapshot. Pure; deciding again on the outcome changes nothing."""
    state = state_of(snapshot)
    row = next(row for row in table if row.state == state and row.when(snapshot))
    reason = row.reason.format(**names(snapshot))
    if state == State.DISPUTED:
        return Decision(state, None, (), reason)
    serving = row.serve(snapshot) if row.serve else None
    record, grants = None, []
    if serving is not None:
        record = _granted(snapshot.record, serving)
        grants.append(GrantTo(serving.name, PRIMARY, record.epoch, record.version, reason))
    record, standby_grants = _decide_standby(snapshot, record)
    grants += standby_grants
    tells: tuple[Tell, ...] = ()
    sync_reason = ""
    if serving is None and state == State.SERVING:
        record, tells, sync_reason = _decide_sync(snapshot, record)
    recheck = snapshot.detection_left_s if row.recheck else None
    return Decision(state, record, tuple(grants), reason, tells, _step_down(snapshot, row), sync_reason, recheck)


def _step_down(snapshot: Snapshot, row: Transition) -> str:
    active = snapshot.candidate
    return active.name if row.step_down and active.stepping_down != snapshot.record.epoch else ""


def _granted(record: Record, serving: Member) -> Record:
    # Whoever starts to serve is alone until it has proven that the other copy is equal.
    return dataclasses.replace(record, version=record.version + 1, epoch=record.epoch + 1, active=serving.name,
                               standby_in_sync=False, active_copy=serving.copy, standby_copy="")


# --- the other member --------------------------------------------------------------------------------


@dataclass(frozen=True)
class StandbyRule:
    """``grant`` is the role that the standby gets in the record's epoch, "" for none."""

    when: Callable[[Member, Record], bool]
    grant: str


TROUBLED = "service_unavailable"
"""Such a server takes the grant as soon as it can. One that was the active server until it lost everybody must be told:
what it waits for comes only in the epoch that it does not know of."""


def _standby_is_not_ready(standby: Member, _: Record) -> bool:
    return not standby.connected or standby.state not in GRANTABLE_STATES | {TROUBLED}


def _standby_knows(standby: Member, record: Record) -> bool:
    holds = standby.state in ("started", TROUBLED) and (standby.role, standby.epoch) == (BACKUP, record.epoch)
    return holds or standby.granted == (BACKUP, record.epoch)


STANDBY_TABLE: tuple[StandbyRule, ...] = (
    StandbyRule(_standby_is_not_ready, ""),
    StandbyRule(_standby_knows, ""),
    StandbyRule(lambda standby, record: True, BACKUP),
)


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


# --- what is recorded of the standby -----------------------------------------------------------------


def _decide_sync(snapshot: Snapshot, record: Record | None) -> tuple[Record | None, tuple[Tell, ...], str]:
    """Record what the serving server wishes, and tell it what the record says now.

    A wish rests on a version: "synced" counts only while the record has exactly that version, and after "alone" the
    version is above every one at which "synced" was wished. So no message that was late can undo a newer one.
    """
    active, now = snapshot.candidate, record or snapshot.record
    reason = ""
    if active.wish == "synced" and active.wish_version == now.version and snapshot.standby is not None and not (
            now.standby_in_sync and now.standby_copy == active.wish_copy):
        reason = f"{snapshot.standby.name} has everything that {active.name} acknowledged: it is in sync."
        record = now = dataclasses.replace(now, version=now.version + 1, standby_in_sync=True,
                                           standby_copy=active.wish_copy)
    elif active.wish == "alone" and (now.standby_in_sync or now.version <= active.wish_version):
        why = active.link_reason.rstrip(".") or "its standby does not confirm"
        reason = f"{active.name} goes on alone: {why}."
        record = now = dataclasses.replace(now, version=now.version + 1, standby_in_sync=False, standby_copy="")
    if active.told >= now.version:
        return record, (), reason
    what = "is in sync" if now.standby_in_sync else "is not in sync"
    tell = Tell(active.name, now.epoch, now.version, now.standby_in_sync, reason or f"The standby {what}.")
    return record, (tell,), reason


def names(snapshot: Snapshot) -> dict[str, str | int]:
    """What the reason sentences of the table may name."""
    other, request = ahead(snapshot), snapshot.request
    absent = [member.name for member in missing(snapshot)]
    return {
        "active": snapshot.candidate.name, "standby": snapshot.standby.name if snapshot.standby else "",
        "epoch": snapshot.record.epoch, "version": snapshot.record.version,
        "ahead": other.name if other else "", "seen_epoch": other.epoch if other else 0,
        "seen_version": other.version if other else 0, "by": request.by if request else "",
        "trouble": snapshot.candidate.trouble or "it cannot serve",
        "missing": " and ".join(absent), "are": "are" if len(absent) > 1 else "is",
        "forgetful": " and ".join(member.name for member in forgetful(snapshot)),
    }
