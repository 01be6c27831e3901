"""What failed is tried often at first and rarer later; dials are never in step."""

import re
from itertools import islice

from protocol.pauses import LONGEST_S, OFTEN_FOR_S, OFTEN_S, doubling, pauses
from tests.sources import sources


def test_a_pause_doubles_up_to_the_longest():
    assert list(islice(doubling(0.5, 3.0), 5)) == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_no_other_module_doubles_a_pause_by_hand():
    by_hand = re.compile(r"\b\w+_s \*= 2|\b(\w+_s) \* 2\b|_S \* 2 \*\*")
    assert [name for name, text in sources().items() if by_hand.search(text)] == ["protocol/pauses.py"]


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
