"""What a failover drill looks at, how its probe load is judged, when it is due: pure."""

from datetime import UTC, datetime, time

import pytest

from provisioning.certificates.rules import certificate
from provisioning.drills.rules import drills
from provisioning.drills.rules.figures import Figures, Ledger, complaint, figures, figures_of, longest_gap, loss, passed
from provisioning.drills.rules.schedule import DrillPlan, due, next_due
from provisioning.pairs.rules.facts import Asked, PairFacts
from provisioning.pairs.rules.failover import would_failover_work
from provisioning.pairs.rules.failover_facts import NO, OK, UNKNOWN, Condition
from tests.members import NOW, changed, member


def ledger(**changes):
    return Ledger(**{"sent": 5, "acknowledged": frozenset({1, 2, 3, 4}), "acknowledged_at": (0.0, 0.1, 0.9, 1.0),
                     "delivered": {1: 1, 2: 1, 3: 1, 4: 1}, "caught_up": True, **changes})


def test_what_was_acknowledged_and_arrived_once_is_sound_also_when_more_was_sent():
    found = figures(ledger())
    assert (found.sent, found.acknowledged, found.delivered, found.lost, found.duplicated) == (5, 4, 4, 0, 0)
    assert found.is_sound
    assert complaint(found) == ""


def test_acknowledged_and_absent_is_lost():
    found = figures(ledger(delivered={1: 1, 2: 1, 4: 1}))
    assert found.lost == 1
    assert not found.is_sound
    assert "1 message was acknowledged and not there" in complaint(found)


def test_what_nobody_could_read_back_is_not_called_lost_and_not_called_sound():
    found = figures(ledger(delivered={1: 1}, caught_up=False))
    assert found.lost is None
    assert not found.is_sound
    assert loss(found) == "loss not known"


def test_everything_there_is_no_loss_however_it_was_read():
    assert figures(ledger(caught_up=False)).lost == 0


def test_arrived_twice_is_a_duplicate_and_arrived_without_a_receipt_is_none():
    found = figures(ledger(delivered={1: 1, 2: 3, 3: 1, 4: 1, 5: 1}))
    assert (found.lost, found.duplicated) == (0, 2)
    assert loss(found) == "no loss, 2 messages twice"


@pytest.mark.parametrize(("since", "until", "gap"), [
    (0.2, 1.5, 0.8),    # the fault is within the gap
    (0.95, 1.5, 0.1),   # after it
    (-1.0, 0.05, 0.1),  # before it
    (1.5, 2.0, None),   # nothing came since
])
def test_the_longest_gap_is_that_of_one_switch_alone(since, until, gap):
    assert longest_gap((0.0, 0.1, 0.9, 1.0), since, until) == (pytest.approx(gap) if gap else None)


def test_each_switch_has_its_own_outage():
    found = figures(ledger(acknowledged_at=(0.0, 0.3, 0.4, 1.0)), over=(0.1, 0.35), back=(0.5, 1.1))
    assert (found.outage_over_ms, found.outage_back_ms, found.longest_outage_ms) == (300.0, 600.0, 600.0)
    assert figures(ledger()).longest_outage_ms is None


def test_what_is_kept_of_figures_and_conditions_is_read_back():
    found = figures(ledger(), over=(0.2, 1.5))
    assert figures_of(vars(found)) == found
    conditions = would_failover_work(facts()).conditions
    assert drills.conditions_of(drills.to_rows(conditions)) == conditions


def facts(*certificates):
    primary = member(name="A", host="h", certificates=certificates, redundancy_type="warm standby")
    return PairFacts(primary=primary, backup=changed(primary, id=2, name="B"), active_id=1, in_sync=True, now=NOW,
                     asked=Asked(control=""))


def missing(found, jobs=()):
    return {each.code for each in drills.missing(drills.preflight(would_failover_work(found), found, jobs))}


@pytest.mark.parametrize(("days", "stands_in_the_way"), [(400, False), (20, False), (6, True), (-1, True)])
def test_a_certificate_that_ends_within_a_week_stands_in_the_way(days, stands_in_the_way):
    found = facts(certificate("Port default", 1_000_000 + days * 86_400, 1_000_000))
    assert ("certificates" in missing(found)) == stands_in_the_way


def test_a_job_on_a_member_stands_in_the_way():
    assert missing(facts(), ["A: Start is running."]) - missing(facts()) == {"jobs"}


def condition(state, necessary=True):
    return Condition("x", "X", state, "It is so.", necessary=necessary)


@pytest.mark.parametrize(("others", "said"), [
    ([], "All 3 conditions hold."),
    ([condition(OK, necessary=False)], "All 4 conditions hold."),
    ([condition(NO, necessary=False)], "3 of 4 conditions hold; look at the other one, which a drill does not need."),
    ([condition(UNKNOWN, necessary=False)] * 2,
     "3 of 5 conditions hold; look at the other 2, which a drill does not need."),
    ([condition(NO)], "1 of 4 conditions does not hold or is not known."),
    ([condition(NO), condition(UNKNOWN), condition(NO, necessary=False)],
     "2 of 6 conditions do not hold or are not known."),
])
def test_the_summary_of_a_pre_flight_counts_every_row_that_the_report_shows(others, said):
    assert drills.summary([condition(OK)] * 3 + others) == said


@pytest.mark.parametrize(("now", "back", "words"), [
    ("B", False, "B serves now; before the drill A did."), ("A", True, "A serves again, as before."),
    ("A", False, "A serves as before."), ("", False, "Nobody is recorded")])
def test_what_a_drill_left_is_said_with_what_to_do(now, back, words):
    sentence, advice = drills.left("A", now, switched_back=back)
    assert words in sentence
    assert bool(advice) == (now != "A")


def test_a_drill_that_passed_says_how_long_senders_waited():
    said = passed("A", "B", Figures(acknowledged=1200, lost=0, outage_over_ms=412.4, outage_back_ms=12_300.0))
    assert said == "B took over from A and A from B. Senders waited 0.41 s and 12 s; all 1,200 messages arrived once."


# --- schedules


def at(text):
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def plan(**changes):
    return DrillPlan(**{"every_days": 7, "at": time(3, 0), "until": time(5, 0), "since": at("2026-11-02 12:00"),
                        **changes})


@pytest.mark.parametrize(("now", "last", "is_due"), [
    ("2026-11-03 02:59", None, False), ("2026-11-03 03:00", None, True), ("2026-11-03 04:59", None, True),
    ("2026-11-03 05:00", None, False),
    ("2026-11-03 04:00", "2026-11-03 03:01", False),   # it was today
    ("2026-11-09 03:00", "2026-11-03 04:59", False),   # six days
    ("2026-11-10 03:00", "2026-11-03 04:59", True),    # seven, though it began late
    ("2026-11-20 03:30", "2026-11-03 03:00", True),    # the console was away in between
    ("2026-11-10 03:00", "2026-11-03 17:00", True),    # by another plan, outside of the window of this one
])
def test_a_drill_is_due_within_its_window_when_so_many_days_have_passed(now, last, is_due):
    assert due(plan(), at(now), at(last) if last else None) == is_due


def test_a_window_that_began_before_the_plan_was_made_does_not_count():
    assert not due(plan(since=at("2026-11-03 03:30")), at("2026-11-03 03:31"), None)
    assert due(plan(since=at("2026-11-03 03:30")), at("2026-11-04 03:00"), None)


def test_a_window_may_cross_midnight():
    night = plan(at=time(23, 30), until=time(1, 0))
    assert due(night, at("2026-11-04 00:30"), None)
    assert not due(night, at("2026-11-04 00:40"), at("2026-11-04 00:30"))
    assert due(night, at("2026-11-10 23:30"), at("2026-11-04 00:30"))


def test_nothing_is_due_while_it_is_off():
    assert not due(plan(enabled=False), at("2026-11-03 03:00"), None)
    assert next_due(plan(enabled=False), at("2026-11-03 03:00"), None) is None


@pytest.mark.parametrize(("now", "last", "then"), [
    ("2026-11-02 12:00", None, "2026-11-03 03:00"), ("2026-11-03 04:00", None, "2026-11-03 03:00"),
    ("2026-11-03 06:00", None, "2026-11-04 03:00"), ("2026-11-03 06:00", "2026-11-03 03:00", "2026-11-10 03:00"),
    ("2026-11-20 06:00", "2026-11-03 03:00", "2026-11-21 03:00")])
def test_when_the_next_one_is_due_is_told(now, last, then):
    assert next_due(plan(), at(now), at(last) if last else None) == at(then)
