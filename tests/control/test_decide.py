"""Who serves: every row of the tables, and every reachable state of a small scope."""

from dataclasses import replace

import pytest

from control.decide import STANDBY_TABLE, GrantTo, decide
from control.snapshot import BACKUP, PRIMARY, Record, Request, Snapshot, State, state_of
from control.transitions import TABLE, refusal

from .snapshots import (
    ALONE,
    B_STANDS_BY,
    IN_SYNC,
    PAUSED,
    SINGLE,
    A,
    B,
    carried_out,
    every_snapshot,
    ready,
    serving,
    standing_by,
)

SWITCH, PROMOTE_B, PROMOTE_A = Request("switchover", "B", "Ann"), Request("promote", "B", "Ann"), Request(
    "promote", "A", "Ann")
A_READY = ready(A, epoch=3, version=5, copy="a")
A_OTHER_STORE = ready(A, copy="other")
A_TROUBLED = serving(A, 3, 5, copy="a", trouble="disk full")

# One snapshot for each row of TABLE, in its order.
CASES = [
    Snapshot(SINGLE, (ready(A, epoch=9),)),
    Snapshot(IN_SYNC, (replace(A, process="ended"), B_STANDS_BY), trusted=False),
    Snapshot(IN_SYNC, (A_OTHER_STORE, B_STANDS_BY), trusted=False),
    Snapshot(Record(), (ready(A),)),
    Snapshot(Record(version=1, epoch=1), (A, ready(B)), request=PROMOTE_B),
    Snapshot(Record(), (A, ready(B))),
    Snapshot(IN_SYNC, (A_OTHER_STORE, B_STANDS_BY)),
    Snapshot(IN_SYNC, (A_READY, B_STANDS_BY), request=SWITCH),
    Snapshot(ALONE, (A_READY, standing_by(B, 3, 5)), request=PROMOTE_B),
    Snapshot(ALONE, (A_OTHER_STORE, B), request=PROMOTE_A),
    Snapshot(ALONE, (A_OTHER_STORE, B)),
    Snapshot(SINGLE, (ready(A, epoch=4, version=4),)),
    Snapshot(ALONE, (replace(A_READY, granted=(PRIMARY, 3)), standing_by(B, 3, 5)), request=PROMOTE_B),
    Snapshot(SINGLE, (ready(A, granted=(PRIMARY, 4)),)),
    Snapshot(IN_SYNC, (serving(A, 3, 5, copy="a"), B_STANDS_BY), request=SWITCH),
    Snapshot(IN_SYNC, (replace(A_TROUBLED, state="service_unavailable", trouble_s=2.0), B_STANDS_BY)),
    Snapshot(IN_SYNC, (replace(A_TROUBLED, state="service_unavailable", trouble_s=0.5), B_STANDS_BY)),
    Snapshot(SINGLE, (serving(A, 4, 4),)),
    Snapshot(IN_SYNC, (replace(A, process="ended"), B_STANDS_BY)),
    Snapshot(IN_SYNC, (replace(A_TROUBLED, state="service_unavailable", role=""), B_STANDS_BY)),
    Snapshot(IN_SYNC, (replace(A, silent_s=2.0), B_STANDS_BY)),
    Snapshot(IN_SYNC, (replace(A, silent_s=1.5), B_STANDS_BY)),
    Snapshot(PAUSED, (A, B_STANDS_BY), request=SWITCH),
    Snapshot(ALONE, (A, standing_by(B, 3, 5)), request=PROMOTE_B),
    Snapshot(PAUSED, (replace(A, process="ended"), B_STANDS_BY)),
    Snapshot(IN_SYNC, (A, replace(B_STANDS_BY, copy="other"))),
    Snapshot(ALONE, (replace(A, process="ended"), standing_by(B, 3, 5))),
    Snapshot(SINGLE, (A,)),
]


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
    assert "An older control database was put back" in decision.reason


def test_a_backup_alone_stands_by_in_a_first_epoch_and_never_serves():
    decision = decide(Snapshot(Record(), (A, ready(B))))
    assert decision.record == Record(version=1, epoch=1)
    assert [(g.name, g.role, g.epoch) for g in decision.grants] == [("B", BACKUP, 1)]


def test_a_standby_learns_of_every_new_epoch():
    decision = decide(Snapshot(ALONE, (ready(A, epoch=3, version=5, copy="a"), standing_by(B, 3, 5))))
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
    full = replace(B_STANDS_BY, state="service_unavailable", trouble="disk full")
    assert decide(Snapshot(IN_SYNC, (serving(A, 3, 5, copy="a"), full))).grants == ()


@pytest.mark.parametrize("record", [ALONE, PAUSED])
@pytest.mark.parametrize("active", [replace(A, process="ended"), replace(A, silent_s=100.0)])
def test_a_standby_out_of_sync_or_without_automatic_failover_is_never_promoted(record, active):
    decision = decide(Snapshot(record, (active, B_STANDS_BY)))
    assert (decision.record, decision.grants) == (None, ())


def test_a_standby_in_sync_takes_over_and_is_alone_from_then_on():
    decision = decide(Snapshot(IN_SYNC, (replace(A, process="ended"), B_STANDS_BY)))
    assert decision.record == Record(version=6, epoch=4, active="B", standby_in_sync=False, active_copy="b")


def test_an_active_server_that_is_connected_is_not_replaced_whatever_its_agent_said_of_an_earlier_process():
    active = replace(A, connected=True, state="initializing", process="ended")
    assert decide(Snapshot(IN_SYNC, (active, B_STANDS_BY))).record is None


def test_a_lost_active_server_is_left_the_detection_time():
    decision = decide(Snapshot(IN_SYNC, (replace(A, silent_s=0.5), B_STANDS_BY)))
    assert (decision.record, decision.recheck_in_s) == (None, pytest.approx(1.5))


def test_a_lost_connection_alone_replaces_nobody_while_the_agent_is_there():
    away = replace(A, silent_s=60.0, agent_connected=True, process="running")
    decision = decide(Snapshot(IN_SYNC, (away, B_STANDS_BY)))
    assert (decision.record, decision.recheck_in_s) == (None, None)


def test_standby_rules_end_with_one_that_always_fits():
    assert STANDBY_TABLE[-1].when(B, Record())


# --- every mix of what can be ------------------------------------------------------------------------------

ANN = tuple(Request(verb, target, "Ann") for verb in ("switchover", "promote") for target in "AB")
EVERY = tuple(every_snapshot((None, *ANN)))


def test_the_mixes_show_every_state():
    assert {state_of(snapshot) for snapshot in EVERY} == set(State) - {State.GRANTED}


def test_a_decision_grants_one_primary_at_most_and_only_in_a_newer_record():
    for snapshot in EVERY:
        decision = decide(snapshot)
        primaries = [grant for grant in decision.grants if grant.role == PRIMARY]
        assert len(primaries) <= 1
        for grant in primaries:
            assert (grant.name, grant.epoch) == (decision.record.active, decision.record.epoch)
            assert grant.epoch > snapshot.record.epoch
            assert not decision.record.standby_in_sync
        if decision.record:
            assert decision.record.version > snapshot.record.version


def test_only_a_standby_in_sync_with_the_recorded_store_takes_over_unless_somebody_accepts_the_loss():
    for snapshot in EVERY:
        decision, record = decide(snapshot), snapshot.record
        if not decision.record or not record.active or decision.record.active == record.active:
            continue
        accepted = snapshot.request is not None and snapshot.request.verb == "promote"
        assert accepted or (record.standby_in_sync and snapshot.standby.copy == record.standby_copy), snapshot


def test_nothing_is_decided_for_a_pair_with_a_server_that_is_ahead():
    for snapshot in EVERY:
        if state_of(snapshot) == State.DISPUTED:
            decision = decide(snapshot)
            assert (decision.record, decision.grants, decision.tells, decision.step_down) == (None, (), (), "")


def test_deciding_again_changes_nothing_in_any_mix():
    for snapshot in every_snapshot():
        after = decide(carried_out(snapshot))
        assert (after.record, after.grants, after.tells, after.step_down) == (None, (), (), ""), snapshot


def test_a_request_that_is_not_refused_is_carried_out_or_was_not_needed():
    for snapshot in EVERY:
        if snapshot.request is None or refusal(snapshot, snapshot.request):
            continue
        decision = decide(snapshot)
        assert decision.step_down or (decision.record and decision.record.epoch > snapshot.record.epoch), snapshot
