"""Figures as bytes."""

import math
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.charts.rules.packing import packed, unpacked

NUMBERS = st.floats(width=32, max_value=2.0**127, allow_infinity=False) | st.just(math.nan)
"""What is larger is stored as the largest."""


def same(one, other):
    return [list(map(repr, column)) for column in one] == [list(map(repr, column)) for column in other]


@given(st.integers(0, 40).flatmap(lambda rows: st.tuples(
    st.lists(st.integers(0, 65_535), min_size=rows, max_size=rows),
    st.lists(st.lists(NUMBERS, min_size=rows, max_size=rows), max_size=5))))
def test_what_is_packed_comes_back(table):
    keys, columns = table
    found, back = unpacked(packed(keys, columns), len(columns))
    assert list(found) == keys
    assert same(back, columns)


def test_a_column_of_a_later_release_is_not_known_of_what_was_stored_before_it():
    _, columns = unpacked(packed([1, 2], [[3.0, 4.0]]), 2)
    assert list(columns[0]) == [3.0, 4.0]
    assert all(map(math.isnan, columns[1]))


def test_a_column_that_this_release_does_not_know_is_passed_over():
    assert unpacked(packed([1], [[3.0], [4.0]]), 1) == ((1,), [(3.0,)])


def test_what_does_not_fit_is_as_large_as_can_be():
    assert unpacked(packed([1], [[1e300]]), 1)[1][0][0] == pytest.approx(3e38)


@pytest.mark.parametrize("stored", [b"", b"nonsense", zlib.compress(b""), zlib.compress(b"\x09\x01\x01\x00" + bytes(6)),
                                    zlib.compress(b"\x01\x02\xff\xff")])
def test_what_is_no_table_is_refused(stored):
    with pytest.raises(ValueError, match="figures"):
        unpacked(stored, 3)


def test_what_stays_the_same_takes_next_to_no_room():
    """An hour of a server that does nothing, as thousands do."""
    assert len(packed(range(360), [[7.0] * 360] * 18)) < 1000
