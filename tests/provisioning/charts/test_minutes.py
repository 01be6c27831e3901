"""The last hour of servers, for lists."""

from hypothesis import given
from hypothesis import strategies as st

from provisioning.charts.facts import NAN
from provisioning.charts.rules.minutes import MINUTES, NEVER, moved, together, went_on
from provisioning.charts.rules.sparkline import sparkline

FULL = tuple(float(n) for n in range(MINUTES))


def told(hour):
    return [value for value in hour if value == value]


@given(st.integers(1, 10**9), st.floats(0, 1e9))
def test_an_hour_moves_on_and_has_sixty_minutes(minutes, rate):
    found = moved(FULL, minutes, rate)
    assert len(found) == MINUTES
    assert found[-1] == rate
    assert told(found) == [*FULL[minutes:], rate]


def test_the_same_minute_changes_nothing():
    assert moved(FULL, 0, 5.0) == FULL


def test_who_has_no_number_any_more_goes():
    found = went_on({1: (*NEVER[1:], 4.0), 2: (4.0, *NEVER[1:])}, 1, {3: 7.0})
    assert {key: told(hour) for key, hour in found.items()} == {1: [4.0], 3: [7.0]}


def test_of_a_pair_both_members_count():
    assert together([(1.0, NAN, NAN), (2.0, 3.0, NAN)])[:2] == (3.0, 3.0)
    assert told(together([NEVER, NEVER])) == []
    assert together([]) == NEVER


def test_a_line_says_how_it_was():
    found = sparkline((*NEVER[3:], 0.0, 120.0, 60.0))
    assert found.path == "M57 15L58 1L59 8"
    assert found.text == "Acknowledged a second in the last hour: at most 120/s, now 60/s"


def test_a_gap_breaks_the_line_and_one_minute_alone_is_seen():
    assert sparkline((5.0, *NEVER[2:], NAN)).path == "M0 1h1"
    assert "not known now" in sparkline((5.0, *NEVER[1:])).text


def test_of_what_nobody_knows_there_is_no_line():
    assert sparkline(NEVER) is None
    assert sparkline(None) is None
