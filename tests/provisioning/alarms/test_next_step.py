"""Which button stands beside an alarm."""

import pytest

from protocol.events import Own
from provisioning.alarms.predefined import PREDEFINED
from provisioning.alarms.rules.next_step import WAYS, Concerned, Server, Verb, next_step

RUNS, ENDED = Server(1, "MS_P", ended=False), Server(2, "MS_B", ended=True)
LOST = Server(4, "MS_L", ended=True)
ALONE = Concerned(own=Server(3, "MS", ended=True))
PAIR = Concerned(own=RUNS, other=ENDED, pair=1)
CASES = {
    "gave up": (Own.GAVE_UP, ALONE, Verb.START, "Start", "MS"),
    "started again since": (Own.GAVE_UP, Concerned(own=RUNS), Verb.ALARM, "Open", ""),
    "its process ended": (5024, ALONE, Verb.START, "Start", "MS"),
    "deleted since": (5024, Concerned(), Verb.ALARM, "Open", ""),
    "the backup is missing": (Own.OUT_OF_SYNC, PAIR, Verb.START, "Start MS_B", ""),
    "the primary is missing": (Own.OUT_OF_SYNC, Concerned(own=ENDED, other=RUNS, pair=2), Verb.START, "Start MS_B", ""),
    "both run": (Own.OUT_OF_SYNC, Concerned(own=RUNS, other=RUNS, pair=1), Verb.PAIR, "Open the pair", ""),
    "both ended": (Own.OUT_OF_SYNC, Concerned(own=ENDED, other=ENDED, pair=1), Verb.PAIR, "Open the pair", ""),
    "nobody serves, both ended": (Own.NOBODY_SERVES, Concerned(own=ENDED, other=LOST, pair=1), Verb.START, "Start both",
                                  "MS_B and MS_L"),
    "nobody serves, one ended": (Own.NOBODY_SERVES, PAIR, Verb.START, "Start MS_B", ""),
    "nobody serves, both run": (Own.NOBODY_SERVES, Concerned(own=RUNS, other=RUNS, pair=1), Verb.PAIR, "Open the pair",
                                ""),
    "nobody serves, deleted since": (Own.NOBODY_SERVES, Concerned(), Verb.ALARM, "Open", ""),
    "no pair any more": (Own.OUT_OF_SYNC, Concerned(own=RUNS), Verb.ALARM, "Open", ""),
    "cannot serve": (5094, PAIR, Verb.PAIR, "Open the pair", ""),
    "cannot serve, alone": (5094, ALONE, Verb.ALARM, "Open", ""),
    "disputed": (Own.DISPUTED, PAIR, Verb.PAIR, "Open the pair", ""),
    "host is away": (8000, Concerned(host=4), Verb.HOST, "Open the host", ""),
    "anything else": (Own.ROLE_CHANGED, PAIR, Verb.ALARM, "Open", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_each_condition_has_the_one_button_that_helps(case):
    number, about, verb, label, of = CASES[case]
    step = next_step(number, 9, about)
    assert (step.verb, step.label, step.of) == (verb, label, of)
    expected = {Verb.PAIR: about.pair, Verb.HOST: about.host, Verb.ALARM: 9, Verb.START: 0}
    assert step.key == expected[verb]
    assert bool(step.starts) == (verb == Verb.START)
    assert all(each.ended for each in step.starts)


def test_what_has_a_way_is_predefined():
    assert WAYS.keys() <= {each.detect for each in PREDEFINED.values()}
