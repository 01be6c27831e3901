"""Who serves: every row of the tables, and every reachable state of a small scope."""

from dataclasses import replace

import pytest

from control.decide import STANDBY_TABLE, GrantTo, decide
from control.snapshot import BACKUP, PRIMARY, Member, Record, Request, Snapshot, State, state_of
from control.transitions import TABLE

A = Member(name="A")
B = Member(name="B")


def ready(member: Member, **values) -> Member:
    return replace(member, connected=True, state="ready", **values)


def serving(member: Member, epoch: int, version: int, **values) -> Member:
    return replace(member, connected=True, state="started", role=PRIMARY, epoch=epoch, version=version, **values)


def standing_by(member: Member, epoch: int, version: int, **values) -> Member:
    return replace(member, connected=True, state="started", role=BACKUP, epoch=epoch, version=version, **values)


IN_SYNC = Record(version=5, epoch=3, active="A", standby_in_sync=True)
ALONE = replace(IN_SYNC, standby_in_sync=False)
SINGLE = Record(version=4, epoch=4, active="A")

SYNCED_COPY = replace(IN_SYNC, active_copy="a", standby_copy="b")
PAUSED = replace(SYNCED_COPY, automatic_failover=False)
SWITCH, PROMOTE_B, PROMOTE_A = Request("switchover", "B", "Ann"), Request("promote", "B", "Ann"), Request(
    "promote", "A", "Ann")
B_SYNCED = standing_by(B, 3, 5, copy="b", link="synced", present_s=9.0)
A_READY = ready(A, epoch=3, version=5, copy="a")
A_OTHER_STORE = ready(A, copy="other")
A_TROUBLED = serving(A, 3, 5, copy="a", trouble="disk full")

# One snapshot for each row of TABLE, in its order.
CASES = [
    Snapshot(SINGLE, (ready(A, epoch=9),)),
    Snapshot(Record(), (ready(A),)),
    Snapshot(Record(version=1, epoch=1), (A, ready(B)), request=PROMOTE_B),
    Snapshot(Record(), (A, ready(B))),
    Snapshot(SYNCED_COPY, (A_OTHER_STORE, B_SYNCED)),
    Snapshot(SYNCED_COPY, (A_READY, B_SYNCED), request=SWITCH),
    Snapshot(ALONE, (A_READY, standing_by(B, 3, 5)), request=PROMOTE_B),
    Snapshot(replace(ALONE, active_copy="a"), (A_OTHER_STORE, B), request=PROMOTE_A),
    Snapshot(replace(ALONE, active_copy="a"), (A_OTHER_STORE, B)),
    Snapshot(SINGLE, (ready(A, epoch=4, version=4),)),
    Snapshot(ALONE, (replace(A_READY, granted=(PRIMARY, 3)), standing_by(B, 3, 5)), request=PROMOTE_B),
    Snapshot(SINGLE, (ready(A, granted=(PRIMARY, 4)),)),
    Snapshot(SYNCED_COPY, (serving(A, 3, 5, copy="a"), B_SYNCED), request=SWITCH),
    Snapshot(SYNCED_COPY, (replace(A_TROUBLED, state="service_unavailable", trouble_s=2.0), B_SYNCED)),
    Snapshot(SYNCED_COPY, (replace(A_TROUBLED, state="service_unavailable", trouble_s=0.5), B_SYNCED)),
    Snapshot(SINGLE, (serving(A, 4, 4),)),
    Snapshot(SYNCED_COPY, (replace(A, process="ended"), B_SYNCED)),
    Snapshot(SYNCED_COPY, (replace(A_TROUBLED, state="service_unavailable", role=""), B_SYNCED)),
    Snapshot(SYNCED_COPY, (replace(A, away_s=2.0), B_SYNCED)),
    Snapshot(SYNCED_COPY, (replace(A, away_s=1.5), B_SYNCED)),
    Snapshot(PAUSED, (A, B_SYNCED), request=SWITCH),
    Snapshot(ALONE, (A, standing_by(B, 3, 5)), request=PROMOTE_B),
    Snapshot(PAUSED, (replace(A, process="ended"), B_SYNCED)),
    Snapshot(SYNCED_COPY, (A, replace(B_SYNCED, copy="other"))),
    Snapshot(ALONE, (replace(A, process="ended"), standing_by(B, 3, 5))),
    Snapshot(SINGLE, (A,)),
]


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


def test_every_row_has_a_case():
    assert len(CASES) == len(TABLE)


@pytest.mark.parametrize(("row", "snapshot"), list(zip(TABLE, CASES, strict=True)),
                         ids=[f"{row.state}-{number}" for number, row in enumerate(TABLE)])
def test_each_row_fits_its_case_and_leads_where_it_says(row, snapshot):
    assert state_of(snapshot) == row.state
    assert next(r for r in TABLE if r.state == row.state and r.when(snapshot)) is row
    assert state_of(carried_out(snapshot)) == row.leads_to


@pytest.mark.parametrize("snapshot", CASES, ids=[f"{row.state}-{number}" for number, row in enumerate(TABLE)])
def test_deciding_again_on_the_outcome_changes_nothing(snapshot):
    after = decide(carried_out(snapshot))
    assert (after.record, after.grants, after.tells, after.step_down) == (None, (), (), "")


def test_every_state_has_a_row_that_always_fits():
    for state in State:
        assert [row for row in TABLE if row.state == state][-1].when(Snapshot(Record(), (A,)))


def test_a_restarted_server_gets_a_new_epoch():
    decision = decide(Snapshot(SINGLE, (ready(A, role=PRIMARY, epoch=4, version=4),)))
    assert decision.record == Record(version=5, epoch=5, active="A")
    assert [(g.name, g.role, g.epoch, g.record_version) for g in decision.grants] == [("A", PRIMARY, 5, 5)]


def test_a_server_that_still_serves_in_the_recorded_epoch_is_resumed():
    decision = decide(Snapshot(SINGLE, (serving(A, 4, 4),)))
    assert (decision.record, decision.grants, decision.state) == (None, (), State.SERVING)


def test_an_active_server_that_still_acts_in_an_older_epoch_gets_a_new_one():
    assert decide(Snapshot(SINGLE, (serving(A, 3, 3),))).record.epoch == 5


@pytest.mark.parametrize("seen", [{"epoch": 5, "version": 4}, {"epoch": 4, "version": 5}])
def test_a_server_that_has_seen_more_than_the_record_is_decided_nothing_for(seen):
    decision = decide(Snapshot(SINGLE, (ready(A, **seen),)))
    assert (decision.record, decision.grants) == (None, ())
    assert "an older database was put back" in decision.reason


def test_a_backup_alone_stands_by_in_a_first_epoch_and_never_serves():
    decision = decide(Snapshot(Record(), (A, ready(B))))
    assert decision.record == Record(version=1, epoch=1)
    assert [(g.name, g.role, g.epoch) for g in decision.grants] == [("B", BACKUP, 1)]


def test_a_standby_learns_of_every_new_epoch():
    decision = decide(Snapshot(ALONE, (ready(A, epoch=3, version=5), standing_by(B, 3, 5))))
    assert decision.grants == (
        GrantTo("A", PRIMARY, 4, 6, "A is ready and is the recorded active server."),
        GrantTo("B", BACKUP, 4, 6, "B stands by for A in epoch 4."))


def test_a_server_that_served_as_another_pair_is_told_to_stand_by():
    decision = decide(Snapshot(ALONE, (serving(A, 3, 5), serving(B, 2, 1))))
    assert [(g.name, g.role, g.epoch) for g in decision.grants] == [("B", BACKUP, 3)]


def test_a_replaced_server_that_serves_nobody_any_more_is_told_to_stand_by():
    lost = replace(A_TROUBLED, state="service_unavailable", trouble="nobody confirms what is sent")
    decision = decide(Snapshot(Record(version=6, epoch=4, active="B"), (lost, serving(B, 4, 6, copy="b"))))
    assert [(grant.name, grant.role, grant.epoch) for grant in decision.grants] == [("A", BACKUP, 4)]


def test_a_standby_that_cannot_store_is_not_granted_again_what_it_holds():
    full = replace(B_SYNCED, state="service_unavailable", trouble="disk full")
    assert decide(Snapshot(SYNCED_COPY, (serving(A, 3, 5, copy="a"), full))).grants == ()


@pytest.mark.parametrize("record", [ALONE, replace(IN_SYNC, automatic_failover=False)])
@pytest.mark.parametrize("active", [replace(A, process="ended"), replace(A, away_s=100.0)])
def test_a_standby_out_of_sync_or_without_automatic_failover_is_never_promoted(record, active):
    decision = decide(Snapshot(record, (active, standing_by(B, 3, 5))))
    assert (decision.record, decision.grants) == (None, ())


def test_a_standby_in_sync_takes_over_and_is_alone_from_then_on():
    decision = decide(Snapshot(IN_SYNC, (replace(A, process="ended"), standing_by(B, 3, 5))))
    assert decision.record == Record(version=6, epoch=4, active="B", standby_in_sync=False)


def test_an_active_server_that_is_connected_is_not_replaced_whatever_its_agent_said_of_an_earlier_process():
    active = replace(A, connected=True, state="initializing", process="ended")
    assert decide(Snapshot(IN_SYNC, (active, standing_by(B, 3, 5)))).record is None


def test_a_lost_active_server_is_left_the_detection_time():
    decision = decide(Snapshot(IN_SYNC, (replace(A, away_s=0.5), standing_by(B, 3, 5, present_s=9.0))))
    assert (decision.record, decision.recheck_in_s) == (None, pytest.approx(1.5))


def test_a_lost_connection_alone_replaces_nobody_while_the_agent_is_there():
    away = replace(A, away_s=60.0, agent_connected=True, process="running")
    decision = decide(Snapshot(IN_SYNC, (away, standing_by(B, 3, 5))))
    assert (decision.record, decision.recheck_in_s) == (None, None)


def test_standby_rules_end_with_one_that_always_fits():
    assert STANDBY_TABLE[-1].when(B, Record())


# --- every reachable state of a small scope ------------------------------------------------------------


def events(snapshot: Snapshot):
    """What can happen next to a pair or a single server: a start, a kill, a report, the sync mark."""
    for index, member in enumerate(snapshot.members):
        def with_member(changed, index=index):
            members = list(snapshot.members)
            members[index] = changed
            return replace(snapshot, members=tuple(members))

        if not member.connected:
            yield with_member(replace(member, connected=True, state="ready", role="", granted=None, process="running",
                                      away_s=0.0))
            yield with_member(replace(member, away_s=5.0))
        else:
            yield with_member(Member(name=member.name, epoch=member.epoch, version=member.version, process="ended"))
            yield with_member(Member(name=member.name, epoch=member.epoch, version=member.version))
            if member.granted:
                role, epoch = member.granted
                yield with_member(replace(member, state="started", role=role, epoch=epoch,
                                          version=snapshot.record.version))
    active, standby = snapshot.active, snapshot.standby
    if (active and standby and state_of(snapshot) == State.SERVING and standby.state == "started"
            and standby.epoch == snapshot.record.epoch and not snapshot.record.standby_in_sync):
        yield replace(snapshot, record=replace(snapshot.record, standby_in_sync=True))


def explore(start: Snapshot, epochs: int) -> dict[Snapshot, list[Snapshot]]:
    """{snapshot: next snapshots} of everything that can be reached below ``epochs`` epochs."""
    graph: dict[Snapshot, list[Snapshot]] = {}
    todo = [start]
    while todo:
        snapshot = todo.pop()
        if snapshot in graph or snapshot.record.epoch > epochs:
            continue
        following = [*events(snapshot)]
        decision = decide(snapshot)
        if decision.record or decision.grants:
            check(snapshot, decision)
            following.append(carried_out(snapshot))
        graph[snapshot] = following
        todo += following
    return graph


def check(snapshot: Snapshot, decision):
    primaries = [grant for grant in decision.grants if grant.role == PRIMARY]
    assert len(primaries) <= 1
    for grant in primaries:
        assert grant.epoch == decision.record.epoch > snapshot.record.epoch
        assert grant.name == decision.record.active
        if snapshot.record.active and grant.name != snapshot.record.active:
            assert snapshot.record.standby_in_sync, "promoted though it was not in sync"
    if decision.record:
        assert decision.record.version > snapshot.record.version


@pytest.mark.parametrize("members", [(A,), (A, B)], ids=["single", "pair"])
def test_from_every_reachable_state_there_is_a_way_to_serving(members):
    graph = explore(Snapshot(Record(), members), epochs=4)
    assert {state_of(snapshot) for snapshot in graph} >= {State.NEW, State.READY, State.GRANTED, State.SERVING,
                                                          State.WAITING}
    before: dict[Snapshot, list[Snapshot]] = {}
    for snapshot, following in graph.items():
        for after in following:
            before.setdefault(after, []).append(snapshot)
    good = [s for s in graph if state_of(s) == State.SERVING]
    reached = set(good)
    while good:
        for earlier in before.get(good.pop(), ()):
            if earlier not in reached:
                reached.add(earlier)
                good.append(earlier)
    # States at the edge of the scope may need an epoch beyond it.
    stuck = [s for s in graph if s not in reached and s.record.epoch < 4]
    assert stuck == []
    assert len(graph) > 20
