"""Longer steps from shorter ones."""

import math

from hypothesis import given
from hypothesis import strategies as st

from provisioning.charts.facts import HOST, SERVER, STOPPED, none_of
from provisioning.charts.rules.merging import joined, merged, within

from .made import BEGAN, figures

AFTER = st.lists(st.integers(0, 2000), unique=True, max_size=60).map(sorted)


def test_what_is_counted_is_added_and_what_stands_is_at_its_worst():
    found = merged(SERVER, figures(
        (0, {"span": 10, "acknowledged": 30, "clients": 2, "lag": 5, "disk_free": 90, "disk_total": 100}),
        (10, {"span": 10, "acknowledged": 50, "clients": 4, "lag": 1, "disk_free": 70, "disk_total": 100}),
        (300, {"span": 10, "acknowledged": 7})), 300)
    assert list(found.times) == [BEGAN, BEGAN + 300]
    first = {name: column[0] for name, column in found.columns.items()}
    assert (first["span"], first["acknowledged"], first["clients"], first["lag"], first["disk_free"]) == (
        20, 80, 4, 5, 70)


def test_percentages_become_a_mean():
    found = merged(HOST, figures((0, {"cpu_percent": 10}), (10, {"cpu_percent": 20}), kind=HOST), 300)
    assert found.columns["cpu_percent"] == [15]


def test_what_nobody_knows_has_no_say():
    found = merged(SERVER, figures((0, {"clients": 3}), (10, {"state": STOPPED})), 300)
    assert (found.columns["clients"], found.columns["state"]) == ([3], [0])
    assert math.isnan(found.columns["lag"][0])


def test_a_time_in_which_it_only_stood_still_is_told_so():
    found = merged(SERVER, figures((0, {"state": STOPPED}), (10, {"state": STOPPED})), 300)
    assert found.columns["state"] == [STOPPED]


@given(AFTER)
def test_nothing_that_was_counted_gets_lost_or_is_counted_twice(after):
    found = merged(SERVER, figures(*((each * 10, {"acknowledged": each, "span": 10}) for each in after)), 300)
    assert sum(found.columns["acknowledged"]) == sum(after)
    assert sum(found.columns["span"]) == 10 * len(after)
    assert list(found.times) == sorted({BEGAN + each * 10 // 300 * 300 for each in after})


@given(AFTER, AFTER)
def test_of_two_that_are_joined_each_time_is_there_once(one, other):
    found = joined(figures(*((each, {"clients": 1}) for each in one)), figures(
        *((each, {"clients": 2}) for each in other)))
    assert list(found.times) == [BEGAN + each for each in sorted({*one, *other})]
    assert list(found.columns["clients"]) == [2 if at - BEGAN in other else 1 for at in found.times]


@given(AFTER, st.integers(-10, 2010), st.integers(-10, 2010))
def test_only_the_asked_time_is_shown(after, since, until):
    found = within(figures(*((each, {"clients": each}) for each in after)), BEGAN + since, BEGAN + until)
    assert list(found.times) == [BEGAN + each for each in after if since <= each < until]
    assert list(found.columns["clients"]) == [at - BEGAN for at in found.times]


def test_of_nothing_there_is_nothing():
    assert len(merged(SERVER, none_of(SERVER, 10), 300)) == 0
