"""Members, records and snapshots that the tests of decisions begin from: A is the configured primary, B its backup."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from control.decide import decide
from control.snapshot import BACKUP, PRIMARY, Member, Record, Request, Snapshot

A = Member(name="A")
B = Member(name="B")


def ready(member: Member, **values) -> Member:
    return replace(member, connected=True, state="ready", **values)


def serving(member: Member, epoch: int, version: int, **values) -> Member:
    return replace(member, connected=True, state="started", role=PRIMARY, epoch=epoch, version=version, **values)


def standing_by(member: Member, epoch: int, version: int, **values) -> Member:
    return replace(member, connected=True, state="started", role=BACKUP, epoch=epoch, version=version, **values)


IN_SYNC = Record(version=5, epoch=3, active="A", standby_in_sync=True, active_copy="a", standby_copy="b")
ALONE = replace(IN_SYNC, standby_in_sync=False, standby_copy="")
PAUSED = replace(IN_SYNC, automatic_failover=False)
SINGLE = Record(version=4, epoch=4, active="A")

A_SERVES = serving(A, 3, 5, copy="a", told=5)
B_STANDS_BY = standing_by(B, 3, 5, copy="b", link="synced", present_s=9.0)


def carried_out(snapshot: Snapshot) -> Snapshot:
    """What control sees next when it wrote and sent its decision and nothing else happened."""
    decision = decide(snapshot)
    granted = {grant.name: (grant.role, grant.epoch) for grant in decision.grants}
    told = {each.name: each.record_version for each in (*decision.grants, *decision.tells)}
    members = tuple(
        replace(member, granted=granted.get(member.name, member.granted), told=told.get(member.name, member.told),
                stepping_down=snapshot.record.epoch if decision.step_down == member.name else member.stepping_down)
        for member in snapshot.members)
    return replace(snapshot, record=decision.record or snapshot.record, members=members)


def every_snapshot(requests: tuple[Request | None, ...] = (None,)) -> Iterator[Snapshot]:
    """Every mix of what records, members and requests can be, likely or not."""
    records = (Record(), Record(version=1, epoch=1), IN_SYNC, ALONE, PAUSED, replace(IN_SYNC, active="B"))
    others = {"silent": {"silent_s": 9.0}, "ended": {"process": "ended"}, "agent there": {"agent_connected": True},
              "starting": {"connected": True, "state": "initializing"}, "ready": {"connected": True, "state": "ready"}}
    for record, first, second, copy, request in product(
            records, (*others, "serves", "troubled", "stands by"), (*others, "stands by", "ahead"), "ab", requests):
        roles = {
            "serves": {"role": PRIMARY, "epoch": record.epoch, "state": "started"},
            "troubled": {"role": PRIMARY, "epoch": record.epoch, "state": "service_unavailable", "trouble_s": 9.0},
            "stands by": {"role": BACKUP, "epoch": record.epoch, "state": "started"},
            "ahead": {"epoch": record.epoch + 1, "state": "ready"}}
        members = [replace(member, copy=own, present_s=9.0, **(others[what] if what in others else {
            "connected": True, **roles[what]})) for member, what, own in ((A, first, copy), (B, second, "b"))]
        yield Snapshot(record, tuple(members), request=request)
