"""Numbers as people read them, and scales."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.charts.facts import NAN
from provisioning.charts.rules.units import (
    BYTES,
    COUNT,
    MILLISECONDS,
    MOST_STEPS,
    PERCENT,
    RATE,
    lowest_and_highest,
    said,
    scale,
)


@pytest.mark.parametrize(("unit", "value", "text"), [
    (RATE, 0, "0/s"), (RATE, 0.25, "0.2/s"), (RATE, 0.013, "0.013/s"), (RATE, 7.25, "7.2/s"), (COUNT, 12, "12"),
    (RATE, 41_234.6, "41,235/s"), (MILLISECONDS, 0.5, "0.5 ms"), (MILLISECONDS, 1234, "1.2 s"), (BYTES, 0, "0 bytes"),
    (BYTES, 512, "512 bytes"), (BYTES, 1536, "1.5 kB"), (BYTES, 3 * 2**40, "3 TB"), (BYTES, 5 * 2**60, "5 EB"),
    (PERCENT, 12.34, "12 %"), (RATE, NAN, "–")])
def test_numbers_are_as_long_as_they_need_to_be(unit, value, text):
    assert said(unit, value) == text


@pytest.mark.parametrize(("highest", "unit", "marks"), [
    (0, RATE, (0, 0.5, 1)), (9, RATE, (0, 5, 10)), (73, RATE, (0, 20, 40, 60, 80)), (3, COUNT, (0, 1, 2, 3)),
    (0, COUNT, (0, 1)), (1, PERCENT, (0, 25, 50, 75, 100)), (2048, BYTES, (0, 512, 1024, 1536, 2048)),
    (900 * 2**30, BYTES, tuple(256 * 2**30 * n for n in range(5)))])
def test_a_scale_has_even_marks(highest, unit, marks):
    assert scale(highest, unit) == pytest.approx(marks)


@given(st.floats(1e-6, 1e18), st.sampled_from([RATE, COUNT, MILLISECONDS, BYTES]))
def test_a_scale_holds_the_highest_and_wastes_less_than_two_thirds(highest, unit):
    marks = scale(highest, unit)
    assert marks[0] == 0
    assert marks[-1] >= highest * (1 - 1e-6)
    assert 2 <= len(marks) <= MOST_STEPS + 2
    assert marks[-1] <= max(3 * highest, MOST_STEPS * unit.least)


def test_what_is_not_known_is_not_the_lowest():
    assert lowest_and_highest([NAN, 3.0, 1.0, NAN]) == (1.0, 3.0)
    assert lowest_and_highest([NAN]) is None
