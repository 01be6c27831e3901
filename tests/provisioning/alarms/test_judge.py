"""Which events raise an alarm, repeat it and clear it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from provisioning.alarms.facts import Condition, Happened
from provisioning.alarms.rules.judge import judge, numbers, timed_out
from provisioning.states import AlarmEnd, AlarmSelection

AT = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
LOST = Condition(key=1, name="Connection Failure", detect_event=4504, cancel_event=4503)


def lost(second=0, application="MS_A", **fields):
    return Happened(number=4504, at=AT + timedelta(seconds=second), application=application, text="It is lost.",
                    **fields)


def found(second=0, application="MS_A"):
    return Happened(number=4503, at=AT + timedelta(seconds=second), application=application)


def stored(alarms):
    return [replace(alarm, key=number) for number, alarm in enumerate(alarms, 7)]


def judged(*happened, conditions=(LOST,), standing=(), now=AT + timedelta(minutes=1)):
    return judge(conditions, standing, happened, now=now)


def test_an_event_raises_an_alarm_with_all_that_is_said_of_it():
    [alarm] = judged(lost(host="alpha", type="MessageServer"))
    assert (alarm.condition_name, alarm.application, alarm.host, alarm.text, alarm.times) == (
        "Connection Failure", "MS_A", "alpha", "It is lost.", 1)
    assert (alarm.raised_at, alarm.ends_at, alarm.key) == (AT, AT + timedelta(hours=24), None)


def test_again_is_counted_and_lasts_longer():
    [first] = stored(judged(lost()))
    [again] = judged(lost(30), standing=[first])
    assert (again.key, again.times, again.raised_at) == (7, 2, AT)
    assert (again.last_at, again.ends_at) == (AT + timedelta(seconds=30), AT + timedelta(hours=24, seconds=30))


def test_its_cancel_event_clears_it_for_the_same_application_alone():
    standing = stored(judged(lost(), lost(application="MS_B")))
    [cleared] = judged(found(5), standing=standing)
    assert (cleared.application, cleared.cleared_at, cleared.cleared_how) == (
        "MS_A", AT + timedelta(seconds=5), AlarmEnd.EVENT)


def test_what_was_raised_cleared_and_raised_again_at_once_is_two_alarms_of_which_one_is_active():
    one, two = judged(lost(), found(1), lost(2))
    assert (one.cleared_at, two.cleared_at) == (AT + timedelta(seconds=1), None)
    assert two.raised_at == AT + timedelta(seconds=2)


def test_what_stays_as_it_is_is_not_told():
    standing = stored(judged(lost()))
    assert judged(found(application="MS_B"), Happened(number=5024, at=AT), standing=standing) == []


def test_a_clock_that_is_behind_clears_nothing_before_it_was_there():
    standing = stored(judged(lost(10)))
    [cleared] = judged(found(0), standing=standing)
    assert cleared.cleared_at == AT + timedelta(seconds=10)


@pytest.mark.parametrize(("condition", "event"), [
    (replace(LOST, enabled=False), lost()), (LOST, lost(planned=True)),
    (LOST, lost(-24 * 3600)), (replace(LOST, cancel_timeout=timedelta(hours=1)), lost(-3600))])
def test_what_is_disabled_planned_or_older_than_its_timeout_raises_nothing(condition, event):
    assert judged(event, conditions=[condition]) == []


def test_a_condition_that_was_disabled_still_clears():
    standing = stored(judged(lost()))
    assert len(judged(found(1), conditions=[replace(LOST, enabled=False)], standing=standing)) == 1


@pytest.mark.parametrize(("chosen", "raises"), [
    ({"selection_mode": AlarmSelection.TYPE, "application_type": "MessageServer"}, True),
    ({"selection_mode": AlarmSelection.TYPE, "application_type": "SCS"}, False),
    ({"selection_mode": AlarmSelection.APPLICATION, "application": "MS_A"}, True),
    ({"selection_mode": AlarmSelection.APPLICATION, "application": "MS_AB"}, False)])
def test_a_condition_can_be_about_some_applications(chosen, raises):
    assert bool(judged(lost(type="MessageServer"), conditions=[replace(LOST, **chosen)])) == raises


def test_what_is_about_no_application_is_about_its_host():
    gone = Condition(key=2, name="Host Unavailable", detect_event=8000, cancel_event=8001)
    alpha, beta = (Happened(number=8000, at=AT, host=name) for name in ("alpha", "beta"))
    standing = stored(judged(alpha, beta, conditions=[gone]))
    assert [alarm.host for alarm in standing] == ["alpha", "beta"]
    [cleared] = judged(Happened(number=8001, at=AT, host="beta"), conditions=[gone], standing=standing)
    assert cleared.host == "beta"


def test_two_conditions_may_be_about_one_event():
    other = replace(LOST, key=2, name="Another")
    assert [alarm.condition for alarm in judged(lost(), conditions=[LOST, other])] == [1, 2]
    assert numbers([LOST, replace(LOST, cancel_event=0)]) == {4503, 4504}


def test_a_clock_that_is_ahead_keeps_no_alarm_for_longer():
    [alarm] = judged(lost(7200), now=AT)
    assert alarm.ends_at == AT + timedelta(hours=24)


def test_time_clears_what_does_not_come_again():
    standing = stored(judged(lost(), lost(application="MS_B")))
    later = AT + timedelta(hours=24)
    ended = timed_out([standing[0], replace(standing[1], ends_at=later + timedelta(seconds=1))], now=later)
    assert [(alarm.application, alarm.cleared_at, alarm.cleared_how) for alarm in ended] == [
        ("MS_A", later, AlarmEnd.TIMEOUT)]


def test_an_event_and_the_record_that_was_made_of_it_have_one_mark():
    event = Happened(number=5094, at=AT + timedelta(microseconds=7999), application="MS_A", host="alpha", text="One.")
    record = Happened(number=5094, at=AT + timedelta(milliseconds=7), application="MS_A", text="Two.")
    assert event.mark == record.mark
    assert len({event.mark, replace(event, application="MS_B").mark, replace(event, application="").mark}) == 3
