"""A pair whose processes die, hang or cannot come back (docs/failover.md names the scenarios by S-number)."""

import time

import pytest

from .books import complaints
from .ledger import now
from .pairs import LOGIN, PASSCODE, measured, tell, under_load
from .readback import read_back
from .stomp_client import UserOfBoth

QUICK_S = 2.0
"""A death that the agent attests: the standby serves within half a second; a busy machine may take longer."""
SILENT_S = 8.0
"""Silence has to last for the detection time first."""


def test_s01_a_killed_primary_is_replaced_by_its_standby_and_comes_back_as_backup(pair):
    first, second = pair.members
    epoch = pair.facts()["epoch"]
    with under_load(pair) as ledger:
        fault = ledger.fault(first.kill)
        pair.wait("takeover", active=second.name)
        measured("S1", fault, below_s=QUICK_S)
    assert pair.active is second
    assert pair.facts()["epoch"] > epoch
    assert first.facts()["mode"] == "Backup"
    pair.wait_told(first.name, "agent attests", "takes over")


@pytest.mark.long
def test_s01_a_killed_primary_without_a_standby_is_restarted_in_place_in_a_new_epoch(pair):
    first, second = pair.members
    second.stop()
    pair.wait("alone", in_sync=False)
    epoch = pair.facts()["epoch"]
    with pair.ledger() as ledger:
        fault = ledger.fault(first.kill)
        tell("S1, no standby", fault.outage())
        assert pair.facts()["epoch"] > epoch
        assert pair.active is first
        second.start()
        pair.wait_whole()
        ledger.check()


@pytest.mark.long
def test_s01_a_users_client_with_both_addresses_goes_on_after_a_kill(pair):
    first, second = pair.members
    with UserOfBoth(pair.addresses, LOGIN, PASSCODE, name="s01user") as user:
        for _ in range(20):
            user.publish()
        fault = now()
        first.kill()
        for _ in range(20):
            user.publish()
        tell("S1, stomp.py", user.acks.outage(fault))
        assert user.reconnects >= 1
        pair.wait_whole(by=second)
        messages = read_back(pair.addresses, LOGIN, PASSCODE, "s01user")
    assert complaints([user.book], messages) == []
    assert len(messages) == 40


@pytest.mark.long
def test_s02_without_auto_restart_the_standby_serves_and_the_killed_one_stays_stopped(pair):
    first, second = pair.members
    pair.change(auto_restart=False)
    try:
        with pair.ledger() as ledger:
            ledger.wait_acknowledged(50)
            fault = ledger.fault(first.kill)
            tell("S2", fault.outage())
            first.wait("Stopped")
            assert pair.active is second
            assert not pair.facts()["in_sync"]
            first.start()
            pair.wait_whole()
            ledger.check()
    finally:
        pair.change(auto_restart=True)


@pytest.mark.long
def test_s03_a_primary_that_cannot_be_started_again_is_replaced(pair):
    first, second = pair.members
    with under_load(pair) as ledger:
        first.spoil()
        fault = ledger.fault(first.kill)
        pair.wait("takeover", active=second.name)
        tell("S3", fault.outage())
        ledger.wait_acknowledged(50)
        assert first.facts()["status"] != "Started"
        first.repair()
        first.stop()
        first.start()


def test_s06_a_killed_standby_costs_a_moment_and_nothing_else(pair):
    first, second = pair.members
    epoch = pair.facts()["epoch"]
    with under_load(pair) as ledger:
        fault = ledger.fault(second.kill)
        measured("S6", fault, below_s=QUICK_S)
    assert pair.active is first
    assert pair.facts()["epoch"] == epoch


@pytest.mark.long
def test_s06_a_standby_that_is_away_is_recorded_as_not_in_sync_before_anything_is_acknowledged_alone(pair):
    _, second = pair.members
    with under_load(pair) as ledger:
        second.stop()
        ledger.wait_acknowledged(50)
        assert not pair.facts()["in_sync"]
        second.start()


@pytest.mark.long
def test_s07_a_switchover_to_a_standby_that_is_away_or_catching_up_is_refused(pair):
    first, second = pair.members
    with under_load(pair) as ledger:
        second.freeze()
        pair.wait("alone", in_sync=False)
        ledger.wait_acknowledged(50)
        answer = pair.ask("switchover")
        assert not answer["ok"]
        assert second.name in answer["reason"]
        assert pair.active is first
        second.thaw()


@pytest.mark.long
def test_s20_a_primary_that_froze_for_8_s_acknowledges_nothing_when_it_thaws(pair):
    first, second = pair.members
    with under_load(pair) as ledger:
        fault = ledger.fault(first.freeze)
        pair.wait("takeover", active=second.name)
        measured("S20", fault, below_s=SILENT_S)
        time.sleep(max(0.0, fault.since + 8 - now()))
        first.thaw()
    assert pair.active is second


@pytest.mark.long
def test_s20_a_client_that_stays_with_the_frozen_primary_hears_no_receipt_after_the_thaw(pair):
    first, second = pair.members
    with pair.ledger() as ledger:
        ledger.wait_acknowledged(50)
        first.freeze()
        # Only the frozen one is known to these publishers: whatever they hear comes from it.
        with pair.ledger_of(first) as loyal:
            pair.wait("takeover", active=second.name)
            first.thaw()
            loyal.stays_silent(3)
        pair.wait_whole()
        ledger.check()


@pytest.mark.long
def test_s32_a_stuck_standby_is_dropped_by_the_record_and_not_promoted(pair):
    first, second = pair.members
    with under_load(pair) as ledger:
        fault = ledger.fault(second.freeze)
        pair.wait("alone", in_sync=False)
        measured("S32", fault, below_s=SILENT_S)
        assert pair.active is first
        first.kill()
        second.thaw()
        first.wait("Started", mode="Primary")
        assert pair.active is first


@pytest.mark.long
def test_s28_a_slow_standby_slows_senders_down_and_stays_in_sync(pair):
    _, second = pair.members
    with under_load(pair, rate=4000, window=200) as ledger:
        slow_until = now() + 4
        before = ledger.acknowledged
        while now() < slow_until:
            second.freeze()
            time.sleep(0.15)
            second.thaw()
            time.sleep(0.05)
        assert ledger.acknowledged - before > 100
        assert pair.facts()["in_sync"]


@pytest.mark.long
def test_s24_failover_again_and_again_in_both_directions(pair):
    with under_load(pair) as ledger:
        outages = []
        for _ in range(3):
            active = pair.wait_whole()
            fault = ledger.fault(active.kill)
            pair.wait("takeover", active=pair.other(active).name)
            outages.append(fault.outage())
        tell("S24, longest of 3", max(outages))
        assert max(outages) < QUICK_S
    assert pair.active is pair.members[1]


@pytest.mark.long
def test_s25_two_switchovers_in_a_row_cost_a_reconnect_each(pair):
    first, second = pair.members
    manage = pair.site.pairwise.manage
    with under_load(pair) as ledger:
        for target in (second, first):
            fault = ledger.fault(lambda: manage("switchover", first.name, "--wait", "--reason", "S25"))
            tell("S25", fault.outage())
            assert pair.active is target
            assert fault.outage() < QUICK_S


@pytest.mark.long
def test_s27_a_switchover_to_a_standby_that_just_froze_ends_one_way_or_the_other(pair):
    first, second = pair.members
    with under_load(pair) as ledger:
        second.freeze()
        asked, answers = now(), []
        fault = ledger.fault(lambda: answers.append(pair.ask("switchover")))
        assert now() - asked < 16
        answer = answers[0]
        if not answer["ok"]:
            tell("S27, refused", fault.outage())
        second.thaw()
        tell("S27", fault.outage())
        if not answer["ok"]:
            assert pair.active is first


@pytest.mark.parametrize("primary_first", [True, False])
@pytest.mark.long
def test_s23_both_killed_and_started_again_in_either_order(pair, primary_first):
    first, second = pair.members
    pair.change(auto_restart=False)
    try:
        with under_load(pair) as ledger:
            fault = ledger.fault(second.kill, first.kill)
            for member in pair.members:
                member.wait("Stopped")
            for member in (first, second) if primary_first else (second, first):
                member.start()
            tell(f"S23, {'primary' if primary_first else 'backup'} first", fault.outage())
    finally:
        pair.change(auto_restart=True)


@pytest.mark.long
def test_s29_the_order_of_many_publishers_survives_a_kill_and_a_switchover(pair):
    first, second = pair.members
    with under_load(pair, publishers=8, rate=4000, window=100) as ledger:
        first.kill()
        ledger.wait_acknowledged(500)
        pair.wait_whole(by=second)
        pair.switch_over()
        ledger.wait_acknowledged(500)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "load"), [
    ("large messages", {"size": 900_000, "window": 4, "rate": 40, "silence_s": 3}),
    ("transactions", {"batch": 10, "window": 100, "rate": 2000}),
])
def test_s30_large_messages_and_transactions_in_flight_at_a_kill_count_once(pair, kind, load):
    first, second = pair.members
    with under_load(pair, **load) as ledger:
        fault = ledger.fault(first.kill)
        tell(f"S30, {kind}", fault.outage())
    assert pair.active is second


@pytest.mark.long
def test_s37_a_primary_that_hangs_again_and_again_around_the_detection_time_loses_nothing(pair):
    first, _ = pair.members
    with under_load(pair) as ledger:
        for frozen_s in (1.7, 2.0, 2.3):
            fault = ledger.fault(first.freeze)
            time.sleep(frozen_s)
            first.thaw()
            tell(f"S37, {frozen_s:g} s", fault.outage())


@pytest.mark.long
def test_s46_each_process_of_the_hosts_and_the_console_killed_once_leaves_the_roles_alone(pair):
    first, second = pair.members
    epoch = pair.facts()["epoch"]
    console = pair.site.pairwise
    with under_load(pair) as ledger:
        kills = [member.host.kill_agent for member in (first, second)]
        kills += [lambda name=name: console.kill_child(name) for name in ("web", "console-worker", "agent", "control")]
        outages = [ledger.fault(kill).outage() for kill in kills]
        for member in (first, second):
            pair.site.wait_host(member.host.name)
        tell("S46, longest", max(outages))
        assert max(outages) < QUICK_S
    assert (pair.active, pair.facts()["epoch"]) == (first, epoch)
