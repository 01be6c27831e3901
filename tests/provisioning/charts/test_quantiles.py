"""How long acknowledgements took."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.server_messages import LATENCIES_MS
from provisioning.charts.rules.quantiles import quantile, quantiles

from .made import figures

PLACES = len(LATENCIES_MS) + 1
COUNTS = st.lists(st.integers(0, 10_000), min_size=PLACES, max_size=PLACES)


def counts(**places):
    return [places.get(f"at_{n}", 0) for n in range(PLACES)]


@pytest.mark.parametrize(("found", "part", "ms"), [
    (counts(at_0=100), 0.5, 0.5), (counts(at_0=100), 1.0, 1.0), (counts(at_0=50, at_4=50), 0.5, 1.0),
    (counts(at_0=50, at_4=50), 0.99, 10 + 15 * 0.98), (counts(at_10=3), 0.5, 5000), (counts(at_2=10), 0.0, 2.0)])
def test_messages_lie_evenly_between_two_bounds(found, part, ms):
    assert quantile(found, part) == pytest.approx(ms)


def test_of_no_message_there_is_none():
    assert math.isnan(quantile([0] * PLACES, 0.5))


@given(COUNTS.filter(any))
def test_more_messages_took_no_less(found):
    values = [quantile(found, part / 20) for part in range(21)]
    assert values == sorted(values)
    assert values[0] >= 0
    assert values[-1] <= LATENCIES_MS[-1]


@given(COUNTS.filter(any), st.floats(0.01, 1))
def test_it_lies_between_the_bounds_that_the_counts_say(found, part):
    below, place, value = 0, 0, quantile(found, part)
    while below + found[place] < part * sum(found):
        below, place = below + found[place], place + 1
    bounds = (0, *LATENCIES_MS, LATENCIES_MS[-1])
    assert bounds[place] <= value * (1 + 1e-9)
    assert value <= bounds[place + 1] * (1 + 1e-9)


def test_each_time_has_its_own():
    found = quantiles(figures((0, {"within_1": 4}), (10, {}), (20, {"within_5000": 4})), 1.0)
    assert (found[0], found[2]) == (1, 5000)
    assert math.isnan(found[1])
