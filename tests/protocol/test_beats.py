"""What is done again and again is done at the same moments."""

import pytest

from protocol.beats import until_next


@pytest.mark.parametrize(("every_s", "now", "left"), [
    (0.5, 100.0, 0.5), (0.5, 100.1, 0.4), (0.25, 100.1, 0.15), (1.0, 100.5, 0.5), (0, 100.1, 0.0),
    # A timer that was early by a little is not followed by another one at once.
    (0.5, 100.4999, 0.5001), (0.5, 100.3, 0.7)])
def test_the_next_moment_is_a_multiple_of_the_period_and_half_of_it_away_at_least(every_s, now, left):
    assert until_next(every_s, now) == pytest.approx(left)


@pytest.mark.parametrize("every_s", [0.25, 0.5, 1.0, 2.0])
def test_the_moments_of_a_longer_period_are_among_those_of_a_shorter_one(every_s):
    assert round(1234.567 + until_next(every_s, 1234.567), 6) % 0.25 == 0
