"""Who leads, as a pure function of what a control sees."""

from dataclasses import replace

import pytest

from control.leadership import LAPSE_S, Lease, Seen, Step, decide

OTHER = Lease(term=3, holder="b", address="b:2020", beat=7)
FOLLOWER = Seen(me="a", lease=OTHER)
LEADER = Seen(me="b", lease=OTHER, term=3)


def test_a_leader_leads_as_long_as_its_term_is_the_present_one():
    assert decide(LEADER).step == Step.LEAD
    assert decide(replace(LEADER, still_s=1000.0)).step == Step.LEAD


@pytest.mark.parametrize("term", [2, 4])
def test_a_leader_resigns_when_another_term_has_begun_or_an_older_database_was_put_back(term):
    found = decide(replace(LEADER, lease=Lease(term=term, holder="a", address="a:2020")))
    assert (found.step, found.reason) == (Step.RESIGN, f"Control at a:2020 leads in term {term}.")


def test_without_a_leader_the_first_one_takes_over():
    assert decide(replace(FOLLOWER, lease=Lease())).step == Step.TAKE
    assert decide(replace(FOLLOWER, lease=replace(OTHER, holder=""))).step == Step.TAKE


def test_a_leader_that_shows_signs_of_life_is_followed():
    assert decide(FOLLOWER).step == Step.FOLLOW
    assert decide(replace(FOLLOWER, session_ended=False, still_s=LAPSE_S - 0.1)).step == Step.FOLLOW


def test_the_end_of_the_leaders_database_session_is_enough():
    found = decide(replace(FOLLOWER, session_ended=True))
    assert (found.step, found.reason) == (Step.TAKE, "The database session of control at b:2020 has ended.")


def test_a_leader_that_only_holds_its_session_is_replaced_after_a_while():
    found = decide(replace(FOLLOWER, session_ended=False, still_s=LAPSE_S))
    assert found.step == Step.TAKE
    assert "no sign of life for 6 s" in found.reason


def test_a_control_that_was_started_anew_goes_on_at_once_where_the_database_knows_no_sessions():
    again = replace(FOLLOWER, me="b")
    assert decide(again).step == Step.TAKE
    # Two copies of one machine have one name; there the session tells them apart.
    assert decide(replace(again, session_ended=False)).step == Step.FOLLOW
