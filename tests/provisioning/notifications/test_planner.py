"""Alarms become messages in the outbox: each told once to whom it concerns, together with how far that is."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.models import Alarm, Delivery, Notice, NotificationMark
from provisioning.notifications.rules.planning import Hold
from provisioning.notifications.selectors.sent import held_by_limits, held_of
from provisioning.notifications.worker import planner
from provisioning.notifications.worker.planner import plan
from provisioning.states import AlarmCategory, DeliveryState, Told
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def begun(db):
    """Somebody tells already."""
    plan()


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def channel():
    return factories.make_channel()


def alarm(**fields):
    """About another application each time: of one there is one active alarm."""
    return factories.make_alarm(**{"application": f"MS_{Alarm.objects.count()}", **fields})


def told():
    """(what, numbers of the alarms) of every message, in the order in which they were written."""
    return [(row.told, row.alarms) for row in Delivery.objects.order_by("id")]


def clear(row, at):
    row.cleared_at = at
    row.save()


def test_what_was_raised_before_anybody_looked_is_told_to_nobody(channel, now):
    NotificationMark.objects.all().delete()
    factories.make_rule(channel)
    alarm()
    assert (plan(now), told()) == (False, [])


def test_what_a_maintenance_masks_is_told_when_the_maintenance_ends_and_not_at_all_where_it_was_cleared_before(
        channel, now):
    factories.make_rule(channel, group_s=0)
    lasting, passing = alarm(masked=True), alarm(masked=True)
    assert (plan(now), plan(now + SECOND), told()) == (True, False, [])
    clear(passing, now)
    plan(now + 2 * SECOND)
    Alarm.objects.filter(pk=lasting.pk).update(masked=False)
    plan(now + 3 * SECOND)
    assert told() == [(Told.RAISED, [lasting.pk])]
    assert not Notice.objects.filter(alarm=passing, over=False).exists()


def test_the_end_of_what_was_told_is_told_during_a_maintenance_too(channel, now):
    factories.make_rule(channel, group_s=0, repeat_h=1)
    row = alarm()
    plan(now)
    Alarm.objects.filter(pk=row.pk).update(masked=True)
    plan(now + 2 * HOUR)
    row.refresh_from_db()
    clear(row, now + 2 * HOUR)
    plan(now + 3 * HOUR)
    assert told() == [(Told.RAISED, [row.pk]), (Told.CLEARED, [row.pk])]


def test_an_alarm_is_told_once_through_each_channel_of_each_rule_about_it(channel, now):
    other = factories.make_channel("mail", kind="mail", fields={"to": "a@b.example"})
    factories.make_rule(channel, other, name="grave", categories=["critical"])
    factories.make_rule(channel, name="minor", categories=["minor"])
    row = alarm(category=AlarmCategory.CRITICAL, host="alpha")
    assert plan(now)
    assert not plan(now)
    assert sorted((each.channel_name, each.rule_name, each.alarms) for each in Delivery.objects.all()) == [
        ("hook", "grave", [row.pk]), ("mail", "grave", [row.pk])]
    first, second = Delivery.objects.all()
    assert first.message_id != second.message_id
    assert (first.state, first.due_at, first.subject) == (
        DeliveryState.WAITING, now, "Critical: MS_0: Failover Happened")


def test_an_alarm_about_either_member_is_about_the_pair(channel, pair, now):
    factories.make_rule(channel, pairs=[pair[0].name])
    ours = [factories.make_alarm(application=member.name).pk for member in pair]
    alarm()
    plan(now)
    assert told() == [(Told.RAISED, ours)]
    [sent] = Delivery.objects.get().payload["data"]["alarms"][1:]
    assert (sent["pair"], sent["application"]) == (pair[0].name, pair[1].name)


def test_rules_and_channels_that_are_disabled_get_nothing_also_not_later(channel, now):
    off = factories.make_rule(channel, name="off", enabled=False)
    channel_off = factories.make_channel("other", enabled=False)
    silent = factories.make_rule(channel_off, name="silent")
    was_on = factories.make_rule(channel, name="was on", wait_s=60)
    alarm()
    plan(now)
    was_on.enabled = False
    was_on.save()
    alarm()
    plan(now + SECOND)
    for row in (off, was_on):
        row.enabled = True
        row.save()
    channel_off.enabled = True
    channel_off.save()
    plan(now + 100 * SECOND)
    assert (told(), silent.notices.count()) == ([], 0)


def test_waiting_drops_what_is_over_by_then(channel, now):
    factories.make_rule(channel, wait_s=60)
    short, long = alarm(), alarm()
    plan(now)
    clear(short, now + SECOND)
    plan(now + 2 * SECOND)
    assert told() == []
    plan(now + 60 * SECOND)
    assert told() == [(Told.RAISED, [long.pk])]
    assert Notice.objects.get(alarm=short).over


def test_the_end_is_told_of_what_was_told(channel, now):
    factories.make_rule(channel, group_s=0)
    factories.make_rule(channel, name="no end", group_s=0, recovery=False)
    row = alarm()
    plan(now)
    clear(row, now + SECOND)
    plan(now + 2 * SECOND)
    plan(now + 3 * SECOND)
    assert [(each.told, each.rule_name) for each in Delivery.objects.order_by("id")] == [
        (Told.RAISED, "all"), (Told.RAISED, "no end"), (Told.CLEARED, "all")]
    assert Delivery.objects.last().told == Told.RAISED
    assert Delivery.objects.first().subject == "Cleared: Major: MS_0: Failover Happened"
    assert not Notice.objects.filter(over=False).exists()


def test_it_is_told_again_until_somebody_acknowledges_it(channel, now):
    factories.make_rule(channel, repeat_h=2, group_s=0)
    row = alarm()
    for hours in (0, 1, 2, 3, 4):
        plan(now + hours * HOUR)
    assert [what for what, _ in told()] == [Told.RAISED, Told.REPEATED, Told.REPEATED]
    row.acknowledged_at = now
    row.save()
    for hours in (6, 8):
        plan(now + hours * HOUR)
    assert len(told()) == 3
    clear(row, now + 9 * HOUR)
    plan(now + 9 * HOUR)
    assert [what for what, _ in told()][3:] == [Told.CLEARED]


def test_what_is_due_in_quiet_hours_is_told_at_their_end(channel, now):
    begin = now.replace(hour=22, minute=30)
    factories.make_rule(channel, quiet_hours="22:00-06:00", time_zone="UTC")
    row = alarm()
    plan(begin)
    clear(row, begin + HOUR)
    plan(begin + 2 * HOUR)
    assert told() == []
    plan(begin + timedelta(hours=7, minutes=30))
    assert told() == [(Told.RAISED, [row.pk])]


def test_the_first_goes_at_once_and_the_rest_together(channel, now):
    factories.make_rule(channel, group_s=60)
    first = alarm()
    plan(now)
    rest = []
    for number in range(1, 12):
        rest.append(alarm(host="h3").pk)
        plan(now + number * SECOND)
    assert told() == [(Told.RAISED, [first.pk])]
    plan(now + 60 * SECOND)
    assert told()[1:] == [(Told.RAISED, rest)]
    assert Delivery.objects.first().subject == "Major: MS_1: Failover Happened, and 10 more"


def test_a_clock_that_was_set_back_keeps_nobody_waiting(channel, now):
    factories.make_rule(channel)
    alarm()
    plan(now + 24 * HOUR)
    row = alarm()
    plan(now)
    assert told()[1:] == [(Told.RAISED, [row.pk])]


def test_above_the_limit_one_digest_counts_what_was_left_out(channel, now):
    factories.make_rule(channel, group_s=0, limit_per_hour=2)
    rows = []
    for number in range(5):
        rows.append(alarm())
        plan(now + number * SECOND)
    assert len(told()) == 2
    clear(rows[4], now + 10 * SECOND)
    plan(now + HOUR - SECOND)
    assert len(told()) == 2
    plan(now + HOUR)
    assert told()[2:] == [(Told.DIGEST, [row.pk for row in rows[2:]])]
    digest = Delivery.objects.first()
    assert digest.subject == "Digest: Major: MS_2: Failover Happened, and 2 more"
    assert "3 alarms, 1 of them cleared." in digest.text
    clear(rows[3], now + HOUR)
    plan(now + 2 * HOUR)
    assert told()[3:] == [(Told.CLEARED, [rows[3].pk])]


def test_a_critical_alarm_is_held_by_no_message_about_what_is_less_grave(channel, now):
    factories.make_rule(channel, limit_per_hour=2)
    for minutes in range(4):
        alarm(category=AlarmCategory.MINOR)
        plan(now + minutes * 60 * SECOND)
    row = alarm(category=AlarmCategory.CRITICAL)
    plan(now + 181 * SECOND)
    clear(row, now + 200 * SECOND)
    plan(now + 241 * SECOND)
    assert told()[2:] == [(Told.RAISED, [row.pk]), (Told.CLEARED, [row.pk])]
    held = alarm(category=AlarmCategory.CRITICAL)
    plan(now + 301 * SECOND)
    assert len(told()) == 4
    [first, second] = held_by_limits(now + 301 * SECOND)
    assert (first.alarms, first.critical, first.until) == (1, True, now + 181 * SECOND + HOUR)
    assert (second.alarms, second.critical, second.until) == (2, False, now + HOUR)
    assert [(each.rule, each.why, each.until) for each in held_of(held, now + 301 * SECOND)] == [
        ("all", Hold.LIMIT, first.until)]
    plan(now + HOUR)
    assert held_by_limits(now + HOUR)[1:] == []


def test_of_a_thousand_alarms_there_are_a_few_messages(channel, now, django_assert_max_num_queries):
    factories.make_rule(channel)
    kind = alarm().condition
    Alarm.objects.bulk_create([Alarm(
        condition=kind, condition_name=kind.name, category=kind.category, number=5, application=f"App{number}",
        raised_at=now, last_at=now, ends_at=now + HOUR) for number in range(999)])
    with django_assert_max_num_queries(100):
        plan(now)
        plan(now + SECOND)
        plan(now + 60 * SECOND)
    assert [len(alarms) for _, alarms in told()] == [500, 500]
    sent = Delivery.objects.first()
    assert (sent.payload["data"]["count"], len(sent.payload["data"]["alarms"])) == (500, 100)
    assert "470 more are not listed here." in sent.text


def test_of_an_alarm_whose_end_was_told_nothing_is_looked_for_any_more(channel, now):
    factories.make_rule(channel, group_s=0)
    row, other = alarm(), alarm()
    plan(now)
    assert plan(now + SECOND) is False
    clear(row, now + SECOND)
    assert plan(now + 2 * SECOND)
    assert told()[1:] == [(Told.CLEARED, [row.pk])]
    assert [*Alarm.objects.filter(end_told=True)] == [row]
    assert plan(now + 3 * SECOND) is False
    clear(other, now + 3 * SECOND)
    assert plan(now + 4 * SECOND)


def test_an_end_is_told_of_what_was_cleared_before_it_could_be_told_itself(channel, now):
    factories.make_rule(channel, group_s=60)
    alarm()
    plan(now)
    row = alarm()
    plan(now + SECOND)
    clear(row, now + 2 * SECOND)
    for after in (3, 60, 61, 120, 121, 180):
        plan(now + after * SECOND)
    assert [what for what, alarms in told() if row.pk in alarms] == [Told.RAISED, Told.CLEARED]


def test_whether_anything_is_to_do_is_asked_without_reading_all_that_is_open(channel, now):
    factories.make_rule(channel)
    alarm()
    plan(now)
    with CaptureQueriesContext(connection) as asked:
        assert planner._is_anything(now) is False
    if connection.vendor != "sqlite":
        pytest.skip("It explains itself otherwise.")
    with connection.cursor() as cursor:
        for query in asked.captured_queries:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            assert not [row for row in cursor.fetchall() if row[3].startswith("SCAN")], query["sql"]


def test_nothing_is_lost_or_doubled_when_the_process_ends_between(channel, now, monkeypatch):
    factories.make_rule(channel)
    row = alarm()

    def dies(*args, **kwargs):
        raise DatabaseError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(planner, "_keep", dies)
        with pytest.raises(DatabaseError):
            plan(now)
    assert (told(), Notice.objects.filter(told="", over=False).count()) == ([], 1)
    plan(now)
    plan(now + HOUR)
    assert told() == [(Told.RAISED, [row.pk])]


def test_a_message_leads_to_the_page_of_the_alarm(channel, now, settings):
    settings.PAIRWISE_CONSOLE_URL = "https://console.example.com"
    factories.make_rule(channel)
    row = alarm(text="Killed by signal 9.", host="alpha")
    plan(now)
    data = Delivery.objects.get().payload["data"]
    assert (data["url"], data["text"], data["number"], data["host"]) == (
        f"https://console.example.com/monitoring/alarms/{row.pk}/", "Killed by signal 9.", "42-20102", "alpha")
    assert data["url"] in Delivery.objects.get().text


@pytest.mark.parametrize("stored", [
    {"limit_per_hour": 0}, {"repeat_h": 2**31 - 1}, {"wait_s": 2**31 - 1}, {"categories": 5}, {"applications": [5]},
    {"conditions": "x"}, {"time_zone": "Mars/Olympus", "quiet_hours": "00:00-23:59"}])
def test_a_rule_that_no_save_would_have_taken_keeps_nobody_from_being_told(channel, now, stored):
    """Written by a restored database, or by another version."""
    factories.make_rule(channel, name="odd", **stored)
    factories.make_rule(channel, name="all")
    row = alarm()
    plan(now)
    assert [each.alarms for each in Delivery.objects.filter(rule_name="all")] == [[row.pk]]
    plan(now + 25 * HOUR)
    assert Delivery.objects.filter(rule_name="odd").first().alarms == [row.pk]


def test_no_transaction_of_a_storm_writes_for_all_alarms_and_all_rules(channel, now, monkeypatch):
    """Who writes keeps everybody else from it in one of our databases."""
    written, create = [], Notice.objects.bulk_create
    monkeypatch.setattr(planner, "NOTICES_AT_ONCE", 6)
    monkeypatch.setattr(Notice.objects, "bulk_create", lambda rows: [written.append(len(rows)), create(rows)])
    for number in range(3):
        factories.make_rule(channel, name=f"rule {number}")
    rows = [alarm() for _ in range(5)]
    plan(now)
    assert written == [6, 6, 3]
    assert told() == [(Told.RAISED, [row.pk for row in rows])] * 3
