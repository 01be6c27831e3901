"""The clock by which what is old is removed: whatever somebody does to the machine's, nothing goes at once."""

import pytest

from protocol.patience import HELD_S, PatientClock

NOW = 1_800_000_000.0
DAY = 86_400.0


@pytest.fixture
def clock():
    """``clock(ahead=0.0, later=0.0)``: what it tells ``later`` seconds after the last look, with a clock that is
    ``ahead``."""
    made, real = PatientClock(), [5.0]

    def look(*, ahead: float = 0.0, later: float = 0.0) -> float:
        real[0] += later
        return made.now(NOW + real[0] + ahead, real[0])

    return look


def test_at_first_nothing_is_old(clock):
    assert clock() == 0.0
    assert clock(later=HELD_S - 1) == 0.0


def test_it_follows_a_clock_that_goes_right(clock):
    clock()
    told = [clock(later=3600) for _ in range(48)]
    assert told == sorted(told)
    assert NOW + 48 * 3600 - 2 * HELD_S - 3600 <= told[-1] - 5 <= NOW + 48 * 3600 - HELD_S


def test_a_clock_that_jumps_ahead_and_is_corrected_moves_nothing(clock):
    clock()
    clock(later=HELD_S)
    told = [clock(later=3600, ahead=400 * DAY) for _ in range(5)] + [clock(later=3600) for _ in range(20)]
    assert max(told) <= NOW + 5 + HELD_S + 25 * 3600


def test_a_clock_that_stays_ahead_counts_after_a_while_and_no_longer_once_it_is_corrected(clock):
    clock()
    told = [clock(later=HELD_S, ahead=400 * DAY) for _ in range(4)]
    assert told[0] < NOW + DAY
    assert told[-1] > NOW + 399 * DAY
    assert clock(later=60) < NOW + 2 * DAY
