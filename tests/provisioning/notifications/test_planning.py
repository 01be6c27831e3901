"""Which rule is about which alarm, when it is told, and together with what."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from provisioning.notifications.facts import AlarmFact, NoticeFact, RuleFact
from provisioning.notifications.rules.attempts import GIVEN_UP_AFTER, next_attempt
from provisioning.notifications.rules.drafts import RuleDraft
from provisioning.notifications.rules.matching import hints, matches
from provisioning.notifications.rules.planning import (
    Hold,
    Item,
    Rest,
    after_telling,
    batches,
    first_due,
    held,
    is_digest,
    next_message_at,
    what_next,
)
from provisioning.notifications.rules.times import after_quiet, hours_of
from provisioning.states import Told

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ALARM = AlarmFact(id=1, condition="Application Failure", category="critical", application="MS_Primary", host="alpha",
                  pair="MS_Primary", raised_at=NOON)
RULE = RuleFact(id=1, name="night", channels=(1,))
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def rule(**fields):
    return replace(RULE, **fields)


@pytest.mark.parametrize(("filters", "other"), [
    ({"categories": ("critical", "major")}, {"category": "minor"}),
    ({"conditions": ("Application Failure",)}, {"condition": "Failover Happened"}),
    ({"applications": ("MS_P*",)}, {"application": "XMS_P"}),
    ({"applications": ("MS_Primary",)}, {"application": "MS_Primary2"}),
    ({"hosts": ("beta", "al*a")}, {"host": "gamma"}),
    ({"pairs": ("MS_Primary",)}, {"pair": ""}),
    ({"hosts": ("*",)}, {"host": ""}),
    ({"hosts": ("al*p*a",)}, {"host": "ap"}),
    ({"applications": ("MS.Primary", "MS_*")}, {"application": "MSxPrimary"}),
    ({"categories": ("critical",), "hosts": ("alpha",)}, {"category": "major"}),
])
def test_each_filter_has_to_fit(filters, other):
    assert matches(rule(**filters), ALARM)
    assert not matches(rule(**filters), replace(ALARM, **other))


def test_a_rule_without_filters_is_about_every_alarm():
    assert matches(RULE, replace(ALARM, application="", host="", pair=""))


def test_the_backup_is_part_of_the_pair_that_its_primary_names():
    assert matches(rule(pairs=("MS_Primary",)), replace(ALARM, application="MS_Backup"))


def test_a_pair_is_meant_by_the_name_of_its_backup_too():
    of_pair = replace(ALARM, pair_backup="MS_Backup")
    assert matches(rule(pairs=("MS_Backup",)), of_pair)
    assert matches(rule(pairs=("*_Backup",)), replace(of_pair, application="MS_Backup"))
    assert not matches(rule(pairs=("MS_Other",)), of_pair)


def test_what_no_filter_fits_is_named():
    there = {"conditions": {"Gave Up"}, "applications": {"MS_Primary"}, "hosts": {"alpha"}, "pairs": {"MS_Primary"}}
    draft = RuleDraft(name="x", conditions=("Gave Up", "Gave*"), applications=("MS_*", "nope_*"), hosts=("al*a",),
                      pairs=("MS_Primary", "MS"))
    assert [each.split(":")[0] for each in hints(draft, there)] == [
        "There is no alarm condition Gave*", "There is no application nope_*", "There is no pair MS"]


def test_a_pattern_of_many_stars_is_quick():
    assert not matches(rule(applications=("*a" * 60,)), replace(ALARM, application="a" * 59 + "b"))


# --- one alarm


def test_it_is_told_at_once_and_not_again_while_it_lasts():
    notice = NoticeFact(ALARM, due_at=first_due(RULE, NOON))
    assert what_next(RULE, notice, NOON) == Told.RAISED
    told = after_telling(RULE, notice, Told.RAISED, NOON, is_digest=False)
    assert (told.told, told.told_at, told.due_at, told.over) == (Told.RAISED, NOON, None, False)
    assert what_next(RULE, told, NOON + timedelta(days=9)) == Rest.LATER


def test_wait_drops_what_was_cleared_before_it_was_told():
    waits = rule(wait_s=60)
    notice = NoticeFact(ALARM, due_at=first_due(waits, NOON))
    assert what_next(waits, notice, NOON + 59 * SECOND) == Rest.LATER
    assert what_next(waits, notice, NOON + 60 * SECOND) == Told.RAISED
    ended = replace(notice, alarm=replace(ALARM, cleared_at=NOON + SECOND))
    assert what_next(waits, ended, NOON + 2 * SECOND) == Rest.OVER
    assert what_next(RULE, ended, NOON + 60 * SECOND) == Told.RAISED


def test_a_cleared_alarm_gets_one_more_message_where_that_is_wanted():
    told = NoticeFact(replace(ALARM, cleared_at=NOON), Told.RAISED, None, NOON)
    assert what_next(RULE, told, NOON) == Told.CLEARED
    assert what_next(rule(recovery=False), told, NOON) == Rest.OVER
    after = after_telling(RULE, told, Told.CLEARED, NOON, is_digest=False)
    assert (after.over, what_next(RULE, after, NOON + HOUR)) == (True, Rest.OVER)


def test_it_is_told_again_every_so_many_hours_until_somebody_acknowledges_it():
    again = rule(repeat_h=4)
    told = after_telling(again, NoticeFact(ALARM, due_at=NOON), Told.RAISED, NOON, is_digest=False)
    assert what_next(again, told, NOON + 4 * HOUR - SECOND) == Rest.LATER
    assert what_next(again, told, NOON + 4 * HOUR) == Told.REPEATED
    assert after_telling(again, told, Told.REPEATED, NOON + 4 * HOUR, is_digest=False).due_at == NOON + 8 * HOUR
    seen = replace(told, alarm=replace(ALARM, is_acknowledged=True))
    assert what_next(again, seen, NOON + 4 * HOUR) == Rest.ENOUGH


def test_nothing_is_told_in_quiet_hours_and_all_of_it_after_them():
    quiet = rule(quiet_hours="11:00-13:00", time_zone="UTC", repeat_h=1)
    notice = NoticeFact(ALARM, due_at=first_due(quiet, NOON))
    assert notice.due_at == NOON + HOUR
    assert what_next(quiet, replace(notice, due_at=NOON), NOON) == Rest.LATER
    assert what_next(quiet, notice, NOON + HOUR) == Told.RAISED
    ended = NoticeFact(replace(ALARM, cleared_at=NOON), Told.RAISED)
    assert (what_next(quiet, ended, NOON), what_next(quiet, ended, NOON + HOUR)) == (Rest.LATER, Told.CLEARED)
    assert after_telling(quiet, notice, Told.RAISED, NOON - HOUR - SECOND, is_digest=False).due_at == (
        NOON - SECOND + timedelta(seconds=1) + HOUR)


# --- quiet hours


@pytest.mark.parametrize("text", ["", "22:00", "22-06", "24:00-06:00", "22:00-22:00", "22:00 - 06:00", "22:60-06:00"])
def test_hours_that_cannot_be_read_are_none(text):
    assert hours_of(text) is None
    assert after_quiet(NOON, text, "UTC") == NOON


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(("at", "ends"), [
    (utc(2026, 1, 10, 20, 59), utc(2026, 1, 10, 20, 59)),  # 21:59 in Berlin: not quiet yet
    (utc(2026, 1, 10, 21, 0), utc(2026, 1, 11, 5, 0)),
    (utc(2026, 1, 11, 4, 59), utc(2026, 1, 11, 5, 0)),
    (utc(2026, 1, 11, 5, 0), utc(2026, 1, 11, 5, 0)),
    (utc(2026, 7, 10, 20, 0), utc(2026, 7, 11, 4, 0)),  # summer
    (utc(2026, 3, 28, 22, 0), utc(2026, 3, 29, 4, 0)),  # the night in which it becomes summer is an hour shorter
    (utc(2026, 10, 24, 21, 0), utc(2026, 10, 25, 5, 0)),  # and the other one longer
])
def test_quiet_hours_end_by_the_clock_of_their_time_zone(at, ends):
    assert after_quiet(at, "22:00-06:00", "Europe/Berlin") == ends


def test_an_end_that_the_clock_skips_or_shows_twice_comes_all_the_same():
    # 02:30 is skipped on 29 March, and shown twice on 25 October.
    assert utc(2026, 3, 29, 1, 0) <= after_quiet(utc(2026, 3, 29, 0, 30), "00:00-02:30", "Europe/Berlin") <= utc(
        2026, 3, 29, 1, 30)
    assert after_quiet(utc(2026, 10, 25, 0, 10), "00:00-02:30", "Europe/Berlin") == utc(2026, 10, 25, 0, 30)
    at = utc(2026, 10, 25, 1, 10)
    assert after_quiet(at, "00:00-02:30", "Europe/Berlin") == utc(2026, 10, 25, 1, 30)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_whoever_waits_for_the_end_finds_that_it_is_not_quiet_then(zone):
    at = utc(2026, 1, 1)
    while at < utc(2027, 1, 1):
        ends = after_quiet(at, "22:30-05:45", zone)
        assert at <= ends <= at + timedelta(hours=9)
        assert after_quiet(ends, "22:30-05:45", zone) == ends
        at += timedelta(hours=5, minutes=7)


# --- together


def test_the_first_goes_at_once_and_what_follows_is_gathered():
    gathers = rule(group_s=60)
    assert next_message_at(gathers, []) is None
    assert next_message_at(gathers, [NOON]) == NOON + 60 * SECOND
    assert next_message_at(gathers, [NOON, NOON - 60 * SECOND]) == NOON + 60 * SECOND


def test_above_the_limit_all_waits_for_the_end_of_the_hour():
    few = rule(limit_per_hour=3, group_s=0)
    sent = [NOON, NOON + 10 * SECOND, NOON + 20 * SECOND]
    assert next_message_at(few, sent[:2]) == NOON + 10 * SECOND
    assert next_message_at(few, sent) == NOON + HOUR
    assert is_digest(few, sent, [NOON + 30 * SECOND], 1, NOON + HOUR)
    assert not is_digest(few, sent[:2], [NOON + 30 * SECOND], 1, NOON + 30 * SECOND)
    assert not is_digest(few, sent, [NOON + HOUR + 30 * SECOND], 1, NOON + HOUR + 30 * SECOND)


@pytest.mark.parametrize(("fields", "alarm", "sent", "why", "until"), [
    ({"limit_per_hour": 2}, {}, [NOON - HOUR / 2, NOON], Hold.LIMIT, NOON + HOUR / 2),
    ({}, {}, [NOON], Hold.GATHER, NOON + 60 * SECOND),
    ({"wait_s": 300}, {}, [NOON], Hold.WAIT, NOON + 300 * SECOND),
    ({"quiet_hours": "11:00-13:00", "time_zone": "UTC", "wait_s": 5}, {}, [], Hold.QUIET, NOON + HOUR),
    ({}, {"is_masked": True}, [NOON], Hold.MASKED, None)])
def test_what_waits_is_said_to_be_held_by_what_lasts_longest(fields, alarm, sent, why, until):
    of = rule(**fields)
    assert held(of, NoticeFact(replace(ALARM, **alarm), due_at=first_due(of, NOON)), sent, NOON) == (why, until)


def test_what_was_told_or_is_never_told_is_not_held():
    told, ended = NoticeFact(ALARM, Told.RAISED, NOON + HOUR), replace(ALARM, cleared_at=NOON)
    assert held(rule(repeat_h=1), told, [NOON], NOON) is None
    assert held(rule(wait_s=60), NoticeFact(ended, due_at=NOON), [NOON], NOON) is None
    assert held(RULE, replace(told, alarm=ended), [NOON], NOON) == (Hold.GATHER, NOON + 60 * SECOND)
    assert held(RULE, NoticeFact(ALARM, due_at=NOON), [], NOON) is None


def test_two_kinds_where_one_message_is_left_are_a_digest():
    assert is_digest(rule(limit_per_hour=2), [NOON - 5 * SECOND], [NOON], 2, NOON)
    assert not is_digest(rule(limit_per_hour=3), [NOON - 5 * SECOND], [NOON], 2, NOON)


def test_what_is_told_together_is_one_message_of_each_kind_or_one_digest():
    other = replace(ALARM, id=2)
    items = [Item(Told.CLEARED, ALARM), Item(Told.RAISED, other), Item(Told.RAISED, ALARM)]
    assert batches(items, as_digest=False) == [(Told.RAISED, [other, ALARM]), (Told.CLEARED, [ALARM])]
    assert batches(items, as_digest=True) == [(Told.DIGEST, [ALARM, other])]
    assert batches([], as_digest=True) == batches([], as_digest=False) == []


def test_a_digest_that_says_that_an_alarm_was_cleared_is_the_last_of_it():
    notice = NoticeFact(replace(ALARM, cleared_at=NOON), due_at=NOON)
    assert after_telling(RULE, notice, Told.RAISED, NOON, is_digest=True).over
    assert not after_telling(RULE, notice, Told.RAISED, NOON, is_digest=False).over


# --- attempts


def test_attempts_become_rarer_and_end_after_a_day():
    at, seen = NOON, []
    for attempts in range(1, 100):
        again = next_attempt(attempts, NOON, at)
        if again is None:
            break
        seen.append((again - at).total_seconds())
        at = again
    assert seen[:6] == [10, 60, 300, 1800, 7200, 21600]
    assert set(seen[6:]) == {21600}
    assert GIVEN_UP_AFTER - timedelta(hours=6) < at - NOON <= GIVEN_UP_AFTER
