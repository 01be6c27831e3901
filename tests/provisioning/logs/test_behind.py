"""That the log reader reads nothing is told once it has lasted."""

from protocol.events import Own
from provisioning.logs.rules.behind import BEHIND_S, Behind

AWAY = ("MS_A", "", "MS_A does not serve the reader.")


def test_it_is_told_once_and_so_is_its_end():
    behind = Behind()
    assert behind.look(*AWAY, now=0) is None
    assert behind.look(*AWAY, now=BEHIND_S - 1) is None
    number, text = behind.look(*AWAY, now=BEHIND_S)
    assert (number, text) == (Own.READER_BEHIND,
                              "The log reader has read nothing for 30 s. MS_A does not serve the reader.")
    behind.told = number
    assert behind.look(*AWAY, now=99) is None
    assert behind.look("MS_A", "MS_B", "", now=100) == (Own.READER_CAUGHT_UP, "The log reader reads MS_A again.")


def test_a_failover_and_no_chosen_pair_are_none():
    behind = Behind()
    assert behind.look(*AWAY, now=0) is None
    assert behind.look("MS_A", "MS_B", "", now=5) is None
    assert behind.look(*AWAY, now=BEHIND_S) is None
    assert behind.look("", "", "", now=10 * BEHIND_S) is None


def test_what_a_former_reader_told_ends():
    assert Behind(Own.READER_BEHIND).look("", "", "", now=0) == (Own.READER_CAUGHT_UP, "No pair is chosen any more.")
