"""The standby and requests: what is recorded of it, its grant, stores, silence, stepping down, who may be promoted."""

from dataclasses import replace

import pytest

from control.decide import Tell, decide
from control.snapshot import BACKUP, PRIMARY, Request, Snapshot, State, state_of
from control.transitions import refusal

from .snapshots import (
    A_SERVES,
    ALONE,
    B_STANDS_BY,
    IN_SYNC,
    PAUSED,
    SINGLE,
    A,
    B,
    every_snapshot,
    ready,
    serving,
    standing_by,
)

SYNCED = {"wish": "synced", "wish_version": 5, "wish_copy": "b"}
LEAVES = {"wish": "alone", "wish_version": 4, "link_reason": "The link to B is down"}


def with_wish(record, **wish):
    return decide(Snapshot(record, (replace(A_SERVES, **wish), B_STANDS_BY)))


# --- what is recorded of the standby ----------------------------------------------------------------------


def test_a_standby_that_has_everything_is_recorded_with_its_store_and_the_active_server_is_told():
    decision = with_wish(ALONE, **SYNCED)
    assert decision.record == replace(IN_SYNC, version=6)
    assert decision.tells == (Tell("A", 3, 6, True, decision.sync_reason),)
    assert decision.sync_reason == "B has everything that A acknowledged: it is in sync."
    assert decision.grants == ()


@pytest.mark.parametrize("version", [4, 6])
def test_a_claim_that_rests_on_another_version_is_not_recorded(version):
    assert with_wish(ALONE, **(SYNCED | {"wish_version": version})).record is None


def test_a_claim_that_is_recorded_already_is_not_recorded_again():
    assert with_wish(IN_SYNC, **SYNCED).record is None


def test_a_claim_about_another_store_is_recorded_anew():
    assert with_wish(IN_SYNC, **(SYNCED | {"wish_copy": "new"})).record == replace(
        IN_SYNC, version=6, standby_copy="new")


def test_that_the_active_server_goes_on_alone_is_recorded_with_its_reason():
    decision = with_wish(IN_SYNC, **LEAVES)
    assert decision.record == replace(ALONE, version=6)
    assert [(tell.record_version, tell.in_sync) for tell in decision.tells] == [(6, False)]
    assert decision.sync_reason == "A goes on alone: The link to B is down."


def test_the_wish_to_go_on_alone_raises_the_version_above_a_claim_that_was_never_recorded():
    decision = with_wish(ALONE, **(LEAVES | {"wish_version": 5}))
    assert decision.record == replace(ALONE, version=6)
    assert decision.tells[0].record_version == 6


def test_the_wish_to_go_on_alone_is_not_recorded_twice():
    assert with_wish(ALONE, **LEAVES).record is None


def test_an_active_server_that_was_not_told_the_newest_version_hears_it_without_a_new_record():
    decision = with_wish(ALONE, told=4)
    assert (decision.record, decision.tells) == (None, (Tell("A", 3, 5, False, "The standby is not in sync."),))


def test_an_active_server_that_knows_everything_is_told_nothing():
    assert with_wish(IN_SYNC).tells == ()


def test_the_wish_of_a_server_that_does_not_serve_in_the_recorded_epoch_counts_for_nothing():
    members = (replace(A_SERVES, epoch=2, **LEAVES), B_STANDS_BY)
    assert not decide(Snapshot(IN_SYNC, members)).tells


def test_nobody_can_be_in_sync_with_a_single_server():
    assert decide(Snapshot(SINGLE, (serving(A, 4, 4, told=4, **(SYNCED | {"wish_version": 4})),))).record is None


def test_a_standby_that_begins_to_stand_by_while_a_wish_is_recorded_gets_both_in_one_record():
    decision = decide(Snapshot(IN_SYNC, (replace(A_SERVES, **LEAVES), ready(B, copy="b"))))
    assert decision.record == replace(ALONE, version=6)
    assert [(grant.name, grant.role, grant.epoch) for grant in decision.grants] == [("B", BACKUP, 3)]


# --- the standby's grant ------------------------------------------------------------------------------------


@pytest.mark.parametrize("standby", [
    B, replace(B, connected=True, state="initializing"), standing_by(B, 3, 5), ready(B, granted=(BACKUP, 3))],
    ids=["away", "starting", "stands by", "was granted"])
def test_a_standby_that_cannot_take_a_grant_or_knows_it_gets_none(standby):
    assert decide(Snapshot(ALONE, (A_SERVES, standby))).grants == ()


def test_a_new_standby_is_granted_while_the_active_server_serves():
    decision = decide(Snapshot(ALONE, (A_SERVES, ready(B))))
    assert decision.record is None
    assert [(grant.role, grant.epoch, grant.record_version) for grant in decision.grants] == [(BACKUP, 3, 5)]
    assert decision.grants[0].reason == "B stands by for A in epoch 3."


# --- stores ---------------------------------------------------------------------------------------------------


def test_a_standby_with_another_store_than_the_recorded_one_is_not_promoted():
    decision = decide(Snapshot(IN_SYNC, (replace(A, process="ended"), replace(B_STANDS_BY, copy="new"))))
    assert decision.record is None
    assert "B came back with another store" in decision.reason


def test_an_active_server_that_lost_its_store_does_not_serve_while_the_standby_lacks_messages():
    decision = decide(Snapshot(ALONE, (ready(A, copy="new"), B_STANDS_BY)))
    assert decision.record is None
    assert "Put its data directory back" in decision.reason


def test_an_active_server_that_lost_its_store_is_replaced_by_the_standby_in_sync():
    decision = decide(Snapshot(IN_SYNC, (ready(A, copy="new"), B_STANDS_BY)))
    assert (decision.record.active, decision.record.active_copy) == ("B", "b")


def test_a_single_server_starts_with_the_store_it_has():
    record = replace(SINGLE, active_copy="former")
    assert decide(Snapshot(record, (ready(A, copy="new"),))).record.active_copy == "new"


# --- silence --------------------------------------------------------------------------------------------------

SILENT = replace(A, silent_s=9.0, agent_connected=True, process="running")


@pytest.mark.parametrize(("active", "link", "replaced"), [
    (SILENT, "synced", False),
    (SILENT, "down", True),
    (replace(SILENT, agent_connected=False), "synced", True),
    (replace(SILENT, process="absent"), "synced", True),
    (replace(SILENT, process="absent", silent_s=1.0), "synced", False)],
    ids=["only control", "standby too", "agent too", "agent does not know it", "not for long enough"])
def test_silence_counts_only_with_a_second_sign_and_after_the_detection_time(active, link, replaced):
    decision = decide(Snapshot(IN_SYNC, (active, replace(B_STANDS_BY, link=link))))
    assert bool(decision.record) == replaced


def test_silence_proves_nothing_while_control_only_observes():
    members = (replace(SILENT, agent_connected=False), B_STANDS_BY)
    decision = decide(Snapshot(IN_SYNC, members, observing=True))
    assert (decision.record, decision.recheck_in_s) == (None, 0.0)


def test_an_attested_end_counts_at_once_even_while_control_only_observes():
    decision = decide(Snapshot(IN_SYNC, (replace(A, process="ended"), B_STANDS_BY), observing=True))
    assert decision.record.active == "B"


def test_a_standby_that_has_just_come_waits_for_the_detection_time_as_well():
    members = (replace(SILENT, agent_connected=False), replace(B_STANDS_BY, present_s=0.5))
    decision = decide(Snapshot(IN_SYNC, members))
    assert (decision.record, decision.recheck_in_s) == (None, pytest.approx(1.5))


@pytest.mark.parametrize(("last_heard_s", "replaced"), [(9.0, False), (8.5, False), (8.1, False), (8.0, True)])
def test_a_control_that_is_cut_off_itself_replaces_nobody_whoever_was_heard_last(last_heard_s, replaced):
    members = (replace(SILENT, agent_connected=False), replace(B_STANDS_BY, silent_s=last_heard_s))
    decision = decide(Snapshot(IN_SYNC, members))
    assert (bool(decision.record), decision.recheck_in_s) == (replaced, None if replaced else 0.0)


def test_silence_that_came_over_all_at_once_changes_no_roles():
    silent = [replace(snapshot, members=tuple(replace(member, silent_s=9.0) for member in snapshot.members))
              for snapshot in every_snapshot()]
    waits = [snapshot for snapshot in silent if state_of(snapshot) == State.WAITING and not (
        snapshot.candidate.connected or snapshot.candidate.process == "ended")]
    assert len(waits) > 100
    assert [snapshot for snapshot in waits if _epoch_after(snapshot) != snapshot.record.epoch] == []


def _epoch_after(snapshot: Snapshot) -> int:
    return (decide(snapshot).record or snapshot.record).epoch


# --- stepping down --------------------------------------------------------------------------------------------

SWITCH_TO_B = Request("switchover", "B", "Ann")
STEPPING = replace(A_SERVES, stepping_down=3)


def test_a_switchover_asks_the_active_server_to_step_down_once():
    assert decide(Snapshot(IN_SYNC, (A_SERVES, B_STANDS_BY), request=SWITCH_TO_B)).step_down == "A"
    assert decide(Snapshot(IN_SYNC, (STEPPING, B_STANDS_BY), request=SWITCH_TO_B)).step_down == ""


def test_a_server_that_has_stepped_down_is_followed_by_the_standby():
    members = (replace(STEPPING, role="", granted=(PRIMARY, 3)), B_STANDS_BY)
    assert state_of(Snapshot(IN_SYNC, members)) == State.READY
    assert decide(Snapshot(IN_SYNC, members, request=SWITCH_TO_B)).record.active == "B"


def test_a_server_that_has_stepped_down_for_a_request_that_was_given_up_serves_again():
    decision = decide(Snapshot(IN_SYNC, (replace(STEPPING, role="", granted=(PRIMARY, 3)), B_STANDS_BY)))
    assert (decision.record.active, decision.record.epoch) == ("A", 4)


def test_a_server_that_steps_down_while_its_standby_is_lost_serves_again():
    members = (replace(STEPPING, role=""), B_STANDS_BY)
    assert decide(Snapshot(ALONE, members, request=SWITCH_TO_B)).record.active == "A"


def test_a_server_in_trouble_is_asked_to_step_down_after_the_detection_time():
    troubled = replace(A_SERVES, state="service_unavailable", trouble="disk full")
    early = decide(Snapshot(IN_SYNC, (replace(troubled, trouble_s=0.5), B_STANDS_BY)))
    assert (early.step_down, early.recheck_in_s) == ("", pytest.approx(1.5))
    assert decide(Snapshot(IN_SYNC, (replace(troubled, trouble_s=2.0), B_STANDS_BY))).step_down == "A"
    assert decide(Snapshot(ALONE, (replace(troubled, trouble_s=2.0), B_STANDS_BY))).step_down == ""


# --- requests -------------------------------------------------------------------------------------------------

PROMOTE_A, PROMOTE_B = Request("promote", "A", "Ann"), Request("promote", "B", "Ann")


@pytest.mark.parametrize(("snapshot", "request_", "says"), [
    (Snapshot(SINGLE, (serving(A, 4, 4),)), SWITCH_TO_B, "has no Backup Server"),
    (Snapshot(IN_SYNC, (A_SERVES, B_STANDS_BY)), Request("switchover", "C"), "C is not a member of this pair"),
    (Snapshot(IN_SYNC, (A_SERVES, B)), SWITCH_TO_B, "B is not ready to serve"),
    (Snapshot(IN_SYNC, (A_SERVES, B_STANDS_BY)), Request("switchover", "A"), "A is the active server already"),
    (Snapshot(ALONE, (A_SERVES, B_STANDS_BY)), SWITCH_TO_B, "B is not in sync with A"),
    (Snapshot(IN_SYNC, (A_SERVES, replace(B_STANDS_BY, copy="new"))), SWITCH_TO_B, "B has another store"),
    (Snapshot(IN_SYNC, (A_SERVES, replace(B_STANDS_BY, epoch=9))), SWITCH_TO_B, "An older control database"),
    (Snapshot(ALONE, (A_SERVES, B_STANDS_BY)), PROMOTE_B, "A serves. Use Switch Over"),
    (Snapshot(ALONE, (A, B)), PROMOTE_B, "B is not ready to serve"),
    (Snapshot(ALONE, (A, replace(B_STANDS_BY, epoch=9))), PROMOTE_B, "An older control database"),
    (Snapshot(ALONE, (ready(A, copy="a"), B_STANDS_BY)), PROMOTE_A, "A is the active server already")])
def test_a_request_that_cannot_be_carried_out_is_refused_with_what_to_do(snapshot, request_, says):
    assert says in refusal(snapshot, request_)


@pytest.mark.parametrize(("snapshot", "request_"), [
    (Snapshot(IN_SYNC, (A_SERVES, B_STANDS_BY)), SWITCH_TO_B),
    (Snapshot(PAUSED, (A_SERVES, B_STANDS_BY)), SWITCH_TO_B),
    (Snapshot(IN_SYNC, (A, B_STANDS_BY)), SWITCH_TO_B),
    (Snapshot(ALONE, (A, B_STANDS_BY)), PROMOTE_B),
    (Snapshot(ALONE, (ready(A, copy="new"), B)), PROMOTE_A)])
def test_a_request_that_can_be_carried_out_is_not_refused(snapshot, request_):
    assert refusal(snapshot, request_) == ""


def test_who_accepts_a_loss_is_named_in_the_reason():
    decision = decide(Snapshot(ALONE, (A, B_STANDS_BY), request=PROMOTE_B))
    assert decision.reason == "Ann accepted that messages may be lost: B takes over although it is not in sync."
    assert (decision.record.active, decision.record.active_copy) == ("B", "b")
