"""A pair whose machines are in bad company: disks that hang or fail, clocks that are wrong (docs/failover.md)."""

import re
from pathlib import Path

import pytest

from protocol.events import Own
from tests.messageserver.pair_of_servers import lose_beginning

from .harness import PATIENCE, wait_for
from .machine import DAY_S
from .pairs import Pair, measured, tell, under_load

NOTICED_S = 6.0
"""Silence of a disk has to last for the detection time; a busy machine may take longer."""
WELL_AGAIN_S = 10.0
QUICK_S = 2.0
HOUR_S = 3600


@pytest.fixture(scope="module")
def module_pair(site):
    made = Pair(site, "machine", options={"messages": {"retention-days": "1"}})
    yield made
    made.stop()


# --- disks ---------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("states", [{"syncs": "hangs"}, {"syncs": "fails"}, {"writes": "hangs"}, {"writes": "fails"}],
                         ids=lambda states: " ".join(f"{what} {how}" for what, how in states.items()).replace(" ", "-"))
def test_s47_a_primary_whose_disk_is_unwell_hands_over_and_takes_part_again_by_itself(pair, states):
    first, second = pair.members
    with under_load(pair) as ledger:
        fault = ledger.fault(lambda: first.disk(**states))
        measured(f"S47, {states}", fault, below_s=NOTICED_S)
        assert pair.wait("takeover", active=second.name)
        assert "disk" in first.wait("Service Unavailable")["reason"].lower()
        ledger.wait_acknowledged(50)
        first.host.machine.mend()
        pair.wait_whole(WELL_AGAIN_S)


@pytest.mark.long
def test_s47_a_standby_whose_disk_hangs_is_left_behind_and_catches_up(pair):
    first, second = pair.members
    with under_load(pair) as ledger:
        fault = ledger.fault(lambda: second.disk(syncs="hangs"))
        measured("S47, standby", fault, below_s=NOTICED_S)
        pair.wait("alone", in_sync=False)
        assert pair.active is first
        second.host.machine.mend()
        pair.wait_whole(WELL_AGAIN_S)


@pytest.mark.long
def test_s48_read_errors_and_then_write_errors_end_nothing_for_good(pair):
    first, _ = pair.members
    with under_load(pair) as ledger:
        first.disk(reads="fails")
        ledger.wait_acknowledged(200)
        first.disk(writes="fails")
        pair.wait("takeover", active=pair.members[1].name)
        first.host.machine.mend()
        pair.wait_whole(WELL_AGAIN_S)


@pytest.mark.long
def test_s48_a_primary_that_is_alone_serves_again_once_its_disk_is_well(pair):
    first, second = pair.members
    second.stop()
    pair.wait("alone", in_sync=False)
    with pair.ledger() as ledger:
        first.disk(writes="fails")
        ledger.wait_silence()
        fault = ledger.fault(first.host.machine.mend)
        fault.outage(WELL_AGAIN_S)
        second.start()
        pair.wait_whole()
        ledger.check()


@pytest.mark.long
def test_a_standby_whose_log_begins_later_than_it_should_fetches_what_is_missing_before_it_is_in_sync(pair):
    first, second = pair.members
    begins = first.facts()["first_seq"]
    with under_load(pair) as ledger:
        ledger.wait_acknowledged(200)
        second.stop()
        pair.wait("alone", in_sync=False)
        lose_beginning(Path(second.facts()["working_directory"]), begins + 149)
        second.start()
        pair.wait_whole()
        *in_sync, gap = pair.told(Own.GAP, Own.IN_SYNC)[:3]
        assert gap == (f"This copy begins with record {begins + 150}, the active server's with {begins}: everything is "
                       "fetched anew.")
        assert in_sync == 2 * [f"{second.name} has everything that {first.name} acknowledged: it is in sync."]
        pair.wait_equal_copies()
        assert second.facts()["first_seq"] == first.facts()["first_seq"]
        # What is read back at the end is the copy that it fetched.
        pair.switch_over()
        ledger.wait_acknowledged(50)


# --- clocks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [40, -400])
def test_s49_a_clock_that_jumps_removes_nothing_and_is_told(pair, days):
    first, _ = pair.members
    with under_load(pair) as ledger:
        first.host.machine.clock(days * DAY_S)
        pair.wait_told("clock", "jumped", "ahead" if days > 0 else "back")
        ledger.wait_acknowledged(200)
        first.host.machine.clock(0)
        ledger.wait_acknowledged(200)
        pair.wait_clocks_right()


@pytest.mark.long
def test_s49_a_standby_that_starts_with_a_clock_that_is_ahead_keeps_everything_and_may_serve(pair):
    second = pair.standby
    with under_load(pair) as ledger:
        ledger.wait_acknowledged(200)
        second.host.machine.clock(40 * DAY_S)
        before = second.facts()["pid"]
        second.kill()
        wait_for(lambda: second.facts()["pid"] not in (before, 0, None), 20, "another process")
        pair.wait_whole()
        pair.switch_over()
        assert pair.active is second
        ledger.wait_acknowledged(200)
        second.host.machine.clock(0)


@pytest.mark.long
def test_s49_a_standby_whose_clock_is_before_its_certificates_says_so_and_comes_back_once_it_is_right(pair):
    second = pair.standby
    with under_load(pair) as ledger:
        ledger.wait_acknowledged(200)
        second.host.machine.clock(-400 * DAY_S)
        second.kill()
        pair.wait("away", in_sync=False)
        wait_for(lambda: any("compare the clocks" in text for text in second.host.logs().values()), 15, "the reason")
        ledger.wait_acknowledged(200)
        second.host.machine.clock(0)
        pair.wait_whole()


@pytest.mark.parametrize(("seconds", "words"), [(HOUR_S, "ahead of"), (-HOUR_S, "behind")])
@pytest.mark.long
def test_s49_a_clock_that_is_off_is_an_alarm_that_says_by_how_much(pair, seconds, words):
    second = pair.standby
    with under_load(pair):
        second.host.machine.clock(seconds)
        sentence = re.compile(
            rf"The clock of {second.name}'s machine is (3599|3600|3601) s {words} that of control\. Nothing is removed "
            r"for it, but the times that it gives are wrong: set one of the two\.")
        wait_for(lambda: any(map(sentence.fullmatch, pair.told(Own.CLOCK_OFF, level="alarm"))), 10, "the alarm")
        second.host.machine.clock(0)
        pair.wait_clocks_right()


@pytest.mark.parametrize(("seconds", "words"), [(HOUR_S, "behind"), (-HOUR_S, "ahead of")])
@pytest.mark.long
def test_s49_a_clock_of_controls_machine_that_is_off_changes_no_role_and_the_standby_takes_over_as_ever(
        pair, seconds, words):
    first, second = pair.members
    before = pair.facts()
    with under_load(pair) as ledger:
        fault = ledger.fault(lambda: pair.site.machine.clock(seconds))
        for member in pair.members:
            pair.wait_told(f"The clock of {member.name}'s machine", words, "that of control")
        same = {name: before[name] for name in ("active", "epoch", "version")}
        pair.wait("known again", known=True, **same)
        assert fault.outage() < QUICK_S * PATIENCE
        fault = ledger.fault(first.kill)
        pair.wait("takeover", active=second.name)
        outage = fault.outage()
        tell(f"S49, control's clock {seconds:+} s", outage)
        assert outage < QUICK_S * PATIENCE
        pair.site.machine.clock(0)
        pair.wait_clocks_right()


@pytest.mark.long
def test_s49_control_that_hangs_is_not_taken_for_alive_when_the_clock_of_its_machine_is_put_back(pair):
    pairwise = pair.site.pairwise
    browser = pairwise.browser()

    def is_silent() -> bool:
        return "Control does not answer" in browser.get("/monitoring/").text

    with under_load(pair) as ledger:
        assert not is_silent()
        with pairwise.frozen_child("control"):
            pair.site.machine.clock(-HOUR_S)
            wait_for(is_silent, 12, "the banner")
            assert not pair.facts()["known"]
            ledger.wait_acknowledged(50)
        wait_for(lambda: not is_silent(), 12, "the end of the banner")
        pair.site.machine.clock(0)


@pytest.mark.long
def test_s49_records_that_are_stamped_in_the_future_go_when_they_are_as_old_as_retention_days(pair):
    """Here, where no later scenario meets a store that is days old."""
    def days_pass(days: float) -> None:
        for member in pair.members:
            member.host.machine.pass_time(int(days * DAY_S))

    for member in pair.members:
        member.host.machine.clock(40 * DAY_S)
    with under_load(pair) as early:
        early.wait_acknowledged(200)
        for member in pair.members:
            member.host.machine.clock(0)
    last, before = pair.active.facts()["last_seq"], [member.lived_s() for member in pair.members]
    days_pass(0.6)
    wait_for(lambda: all(member.lived_s() >= then + 0.6 * DAY_S for member, then in zip(
        pair.members, before, strict=True)), 15, "both stores' notes that they have come to here")
    with under_load(pair) as ledger:
        ledger.wait_acknowledged(200)
        days_pass(1.1)
        wait_for(lambda: all(member.facts()["first_seq"] > last for member in pair.members), 15, "their removal")
        ledger.wait_acknowledged(200)
