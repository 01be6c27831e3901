"""Dials are often at first, rarer later, and never in step."""

from itertools import islice

from protocol.pauses import LONGEST_S, OFTEN_FOR_S, OFTEN_S, pauses


def test_a_control_that_is_started_anew_is_looked_for_often_and_one_that_stays_away_ever_more_rarely():
    waited, late = 0.0, []
    for wait in islice(pauses(), 200):
        assert 0 < wait <= (OFTEN_S if waited < OFTEN_FOR_S / 2 else LONGEST_S)
        if waited > 2 * OFTEN_FOR_S:
            late.append(wait)
        waited += wait
    assert min(late) >= LONGEST_S / 2


def test_no_two_wait_alike():
    assert list(islice(pauses(), 5)) != list(islice(pauses(), 5))
