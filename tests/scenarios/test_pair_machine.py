"""A pair whose machines are in bad company: disks that hang or fail, clocks that are wrong (docs/failover.md)."""

import pytest

from tests.scenarios.harness import wait_for
from tests.scenarios.machine import DAY_S
from tests.scenarios.pairs import Pair, tell, under_load

NOTICED_S = 6.0
"""Silence of a disk has to last for the detection time; a busy machine may take longer."""
WELL_AGAIN_S = 10.0


@pytest.fixture(scope="module")
def module_pair(site):
    made = Pair(site, "machine", options={"messages": {"retention-days": "1"}})
    yield made
    made.stop()


# --- disks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("states", [{"syncs": "hangs"}, {"syncs": "fails"}, {"writes": "hangs"}, {"writes": "fails"}],
                         ids=lambda states: " ".join(f"{what} {how}" for what, how in states.items()).replace(" ", "-"))
def test_s47_a_primary_whose_disk_is_unwell_hands_over_and_takes_part_again_by_itself(pair, states):
    first, second = pair.members
    with under_load(pair) as ledger:
        fault = ledger.fault(lambda: first.disk(**states))
        outage = fault.outage()
        tell(f"S47, {states}", outage)
        assert outage < NOTICED_S
        assert pair.wait("takeover", active=second.name)
        assert "disk" in first.wait("Service Unavailable")["reason"].lower()
        ledger.wait_acknowledged(50)
        first.host.machine.mend()
        pair.wait_whole(WELL_AGAIN_S)


def test_s47_a_standby_whose_disk_hangs_is_left_behind_and_catches_up(pair):
    first, second = pair.members
    with under_load(pair) as ledger:
        fault = ledger.fault(lambda: second.disk(syncs="hangs"))
        outage = fault.outage()
        tell("S47, standby", outage)
        assert outage < NOTICED_S
        pair.wait("alone", in_sync=False)
        assert pair.active is first
        second.host.machine.mend()
        pair.wait_whole(WELL_AGAIN_S)


def test_s48_read_errors_and_then_write_errors_end_nothing_for_good(pair):
    first, _ = pair.members
    with under_load(pair) as ledger:
        first.disk(reads="fails")
        ledger.wait_acknowledged(200)
        first.disk(writes="fails")
        pair.wait("takeover", active=pair.members[1].name)
        first.host.machine.mend()
        pair.wait_whole(WELL_AGAIN_S)


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


def test_s49_a_standby_that_starts_with_a_clock_that_is_ahead_keeps_everything_and_may_serve(pair):
    second = pair.standby
    with under_load(pair) as ledger:
        ledger.wait_acknowledged(200)
        second.host.machine.clock(40 * DAY_S)
        second.kill()
        pair.wait("away", in_sync=False)
        pair.wait_whole()
        pair.switch_over()
        assert pair.active is second
        ledger.wait_acknowledged(200)
        second.host.machine.clock(0)


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
