"""How much is sent at once, from where on, and when again."""

from datetime import UTC, datetime, timedelta

import pytest

from protocol.events import Own
from provisioning.shipping.rules.lag import BEHIND_FOR, Lag, told_of
from provisioning.shipping.rules.pace import AGAIN, GROWS_AFTER, MOST, WAITS_S, Pace

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def test_a_receiver_that_was_there_gets_one_at_a_time_until_that_has_gone_well_for_a_while():
    pace = Pace(0).failed(reached=True)
    assert (pace.size, pace.position) == (1, 0)
    for number in range(1, GROWS_AFTER + 1):
        assert pace.size == 1
        pace = pace.taken(number)
    assert (pace.size, pace.position) == (2, GROWS_AFTER)


def test_it_grows_no_further_than_a_batch():
    pace = Pace(0, size=MOST // 2 + 1)
    for number in range(1, 10 * GROWS_AFTER):
        pace = pace.taken(number)
    assert pace.size == MOST


def test_what_failed_as_one_of_many_is_tried_at_once_and_alone_it_waits_ever_longer():
    pace = Pace(0).failed(reached=True)
    assert pace.wait_s(MOST, reached=True) == 0
    waits = []
    for _ in range(8):
        pace = pace.failed(reached=True)
        waits.append(pace.wait_s(1, reached=True))
    assert waits == [2, 5, 10, 30, 60, 60, 60, 60]
    assert Pace(0).failed(reached=False).wait_s(MOST, reached=False) == WAITS_S[0]


def test_who_was_away_gets_the_last_ones_again_once():
    pace = Pace(100).failed(reached=False)
    assert pace.position == 100 - AGAIN
    assert pace.failed(reached=False).position == 100 - AGAIN


def test_who_is_away_after_each_entry_still_gets_further():
    pace, got = Pace(100), set()
    for _ in range(400):
        pace = pace.failed(reached=False)
        pace = pace.taken(pace.position + 1)
        got.add(pace.position)
    assert got >= set(range(81, 200))


def test_there_is_nothing_before_the_first_entry():
    assert Pace(5).failed(reached=False).position == 0


def lag(name, *, hours=0.0, told=False):
    return Lag(name, 3, NOW - timedelta(hours=hours) if hours else None, told, "It was away.")


@pytest.mark.parametrize(("lags", "last", "number", "behind"), [
    ([lag("a")], 0, 0, set()),
    ([lag("a", hours=0.9)], 0, 0, set()),
    ([lag("a", hours=1.1)], 0, Own.SHIPPING_BEHIND, {"a"}),
    ([lag("a", hours=1.1, told=True)], Own.SHIPPING_BEHIND, 0, {"a"}),
    ([lag("a", hours=9, told=True), lag("b", hours=2)], Own.SHIPPING_BEHIND, Own.SHIPPING_BEHIND, {"a", "b"}),
    ([lag("a", told=True), lag("b", hours=2, told=True)], Own.SHIPPING_BEHIND, 0, {"b"}),
    ([lag("a", told=True)], Own.SHIPPING_BEHIND, Own.SHIPPING_CAUGHT_UP, set()),
    ([], Own.SHIPPING_BEHIND, Own.SHIPPING_CAUGHT_UP, set()),
    ([lag("a")], Own.SHIPPING_CAUGHT_UP, 0, set())])
def test_it_is_told_once_that_one_is_behind_and_once_that_none_is(lags, last, number, behind):
    told = told_of(lags, last, NOW)
    assert (told.number, told.behind) == (number, behind)


def test_who_is_told_reads_which_one_and_why():
    text = told_of([lag("siem", hours=2)], 0, NOW).text
    assert text == "Entries of History have not been taken for an hour by siem (3 wait): It was away."
    assert timedelta(hours=1) == BEHIND_FOR
