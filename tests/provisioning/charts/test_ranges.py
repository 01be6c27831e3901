"""From when until when charts show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.charts.facts import DAY_S, EVERY_S, LONG_S
from provisioning.charts.rules.ranges import FIRST, RANGES, window

NOW = 1_800_000_123
ANY = [*RANGES, "", "2y"]


@given(st.sampled_from(ANY), st.one_of(st.none(), st.integers(0, 10**18)))
def test_whatever_is_asked_for_is_a_whole_number_of_steps(name, until):
    found = window(name, until, NOW)
    assert found.range == RANGES.get(name, RANGES[FIRST])
    assert (found.since % found.range.step, found.until % found.range.step) == (0, 0)
    assert found.until - found.since == found.range.length
    assert 0 <= found.since < NOW
    assert found.goes_on == (until is None or until >= NOW or until < found.range.length)


@pytest.mark.parametrize("name", RANGES)
def test_a_range_goes_until_now(name):
    found = window(name, None, NOW)
    assert found.until - found.range.step < NOW <= found.until


@pytest.mark.parametrize(("name", "ago", "stored", "step"), [
    ("1h", 0, EVERY_S, 30), ("1h", 22 * 3600, EVERY_S, 30), ("1h", 2 * DAY_S, LONG_S, LONG_S),
    ("24h", 0, LONG_S, LONG_S), ("7d", 0, LONG_S, 1800), ("30d", 0, LONG_S, 7200)])
def test_what_is_read_is_what_is_still_kept(name, ago, stored, step):
    found = window(name, NOW - ago if ago else None, NOW)
    assert (found.stored, found.step) == (stored, step)


@pytest.mark.parametrize("name", RANGES)
def test_earlier_and_later_lead_back_to_the_same_time(name):
    found = window(name, NOW - 3 * DAY_S, NOW)
    assert window(name, window(name, found.earlier, NOW).later, NOW) == found


@pytest.mark.parametrize("name", RANGES)
def test_a_drawing_has_a_few_hundred_points_and_a_table_few_rows(name):
    each = RANGES[name]
    assert 100 <= each.length / each.step <= 400
    assert each.length / each.table_step <= 60
    assert each.table_step % each.step == 0


@pytest.mark.parametrize("name", RANGES)
def test_what_has_just_happened_is_within_also_as_a_step_begins(name):
    begins = NOW // RANGES[name].step * RANGES[name].step
    assert all(window(name, None, now).until > now for now in (begins - 1, begins, begins + 1))
