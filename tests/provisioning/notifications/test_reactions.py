"""Channels that are told because an Alarm Condition names them: once, without a rule, and not of what is masked."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from protocol.events import Own
from provisioning.alarms.services import alarms, conditions
from provisioning.alarms.services.reactions import react_once
from provisioning.alarms.worker.judging import end_old, look
from provisioning.errors import NotAllowed, Refused
from provisioning.history import history
from provisioning.models import (
    Alarm,
    AlarmCondition,
    Channel,
    Delivery,
    DeliveryAttempt,
    Event,
    HistoryEntry,
    Reaction,
)
from provisioning.notifications.services import channels, deliveries
from provisioning.notifications.worker import outbox
from provisioning.notifications.worker.planner import plan
from provisioning.notifications.worker.reactions import PACE, tell
from provisioning.states import DeliveryState, ReactionState, Told
from tests import factories
from tests.factories import ADMINISTRATOR, OPERATOR
from tests.provisioning.pairs.pages import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def begun(db):
    look()
    plan()


@pytest.fixture
def hook():
    return factories.make_channel("hook")


@pytest.fixture
def condition(hook):
    """It tells of failures, and of their ends."""
    row = AlarmCondition.objects.get(predefined="application-failure")
    row.channels.add(hook)
    row.clearance_channels.add(hook)
    return row


def happen(number, application=None, *, host=None, ago=timedelta()):
    Event.objects.create(at=timezone.now() - ago, number=number, application=application, host=host, text="So it is.")
    look()


def told():
    return [(row.told, row.channel_name, row.alarms) for row in Delivery.objects.order_by("id")]


def left_out():
    return list(Reaction.objects.filter(state=ReactionState.LEFT_OUT).values_list("said", flat=True))


def test_a_channel_is_told_once_when_the_alarm_is_raised_and_when_it_is_cleared(pair, condition):
    happen(5024, pair[0])
    happen(5024, pair[0])
    tell()
    tell()
    key = Alarm.objects.get().pk
    assert told() == [(Told.RAISED, "hook", [key])]
    happen(5093, pair[0])
    tell()
    assert told() == [(Told.RAISED, "hook", [key]), (Told.CLEARED, "hook", [key])]
    first, second = Delivery.objects.order_by("id")
    assert (first.subject, first.state, first.condition_name, first.rule_name) == (
        "Major: MS_Primary: Application Failure", DeliveryState.WAITING, "Application Failure", "")
    assert (second.subject, second.payload["type"]) == (
        "Cleared: Major: MS_Primary: Application Failure", "alarm.cleared")
    assert first.message_id != second.message_id
    assert first.payload["data"]["application"] == "MS_Primary"


def test_no_application_is_touched_and_what_is_done_with_one_is_not_told(pair, condition):
    AlarmCondition.objects.filter(pk=condition.pk).update(reactions=["start"])
    happen(5024, pair[0])
    tell()
    assert (react_once(), react_once()) == (True, False)
    assert {(row.verb, row.channel_name, row.state) for row in Reaction.objects.all()} == {
        ("start", "", "waiting"), ("", "hook", "done")}


def test_a_rule_tells_beside_it(pair, condition, hook):
    factories.make_rule(hook, name="all")
    happen(5024, pair[0])
    tell()
    plan()
    assert sorted(row.wanted_by for row in Delivery.objects.all()) == ["Alarm Condition Application Failure", "all"]


def test_what_is_about_a_host_what_a_log_record_says_and_what_happened_long_ago_is_told_too(pair, hook):
    AlarmCondition.objects.get(predefined="host-unavailable").channels.add(hook)
    row = AlarmCondition.objects.get(predefined="application-failure")
    row.channels.add(hook)
    happen(8000, host=pair[0].host)
    factories.make_record(event=5024, application="Billing")
    happen(5024, pair[1], ago=HOUR)
    tell()
    assert sorted(alarm for _, _, alarms in told() for alarm in alarms) == sorted(
        Alarm.objects.values_list("pk", flat=True))
    assert Alarm.objects.count() == 3


def test_several_that_come_together_are_one_message(pair, condition):
    for member in pair:
        Event.objects.create(at=timezone.now(), number=5024, application=member, text="So it is.")
    look()
    tell()
    assert told() == [(Told.RAISED, "hook", sorted(Alarm.objects.values_list("pk", flat=True)))]


def test_what_is_masked_is_not_told_but_the_end_of_what_was_told_is(pair, condition):
    happen(5024, pair[0])
    tell()
    factories.make_maintenance(kind="pair", name="MS_Primary")
    end_old()
    happen(5024, pair[1])
    for member in pair:
        happen(5093, member)
    tell()
    ours, masked = Alarm.objects.order_by("id")
    assert (masked.masked, told()) == (True, [(Told.RAISED, "hook", [ours.pk]), (Told.CLEARED, "hook", [ours.pk])])
    assert left_out() == ["The alarm is masked by a maintenance."] * 2


def test_one_that_is_cleared_by_hand_and_by_its_timeout_is_told(pair, condition):
    AlarmCondition.objects.filter(pk=condition.pk).update(cancel_timeout=1)
    for member in pair:
        happen(5024, member)
    tell()
    by_hand, by_time = Alarm.objects.order_by("id")
    alarms.clear(actor=OPERATOR, alarm_id=by_hand.pk, reason="It is well.")
    end_old(timezone.now() + 2 * HOUR)
    tell()
    assert [alarms for what, _, alarms in told() if what == Told.CLEARED] == [[by_hand.pk, by_time.pk]]


def test_above_the_limit_the_rest_waits_and_comes_as_a_digest(pair, condition, hook):
    now = timezone.now()
    for number in range(PACE.limit_per_hour):
        factories.make_delivery(hook, condition_name=condition.name, created_at=now - (number + 1) * SECOND)
    sent = Delivery.objects.count()
    happen(5024, pair[0])
    tell(now + SECOND)
    happen(5024, pair[1])
    happen(5093, pair[1])
    tell(now + 2 * SECOND)
    assert Delivery.objects.count() == sent
    tell(now + HOUR + SECOND)
    assert told()[sent:] == [(Told.DIGEST, "hook", sorted(Alarm.objects.values_list("pk", flat=True)))]
    assert not Reaction.objects.exclude(state=ReactionState.DONE).exists()


def test_a_channel_that_is_disabled_or_gone_is_not_told(pair, condition, hook):
    other = factories.make_channel("other", enabled=False)
    condition.channels.add(other)
    happen(5024, pair[0])
    hook.delete()
    tell()
    assert (told(), sorted(left_out())) == (
        [], ["The channel hook was deleted.", "The channel other is disabled."])


def test_an_attempt_that_fails_is_tried_again_by_the_same_number_and_a_second_look_writes_nothing(
        pair, condition, hook):
    happen(5024, pair[0])
    tell()
    row = Delivery.objects.get()
    taken = outbox.take(hook.pk)
    assert taken.message.message_id == row.message_id
    outbox.record(taken, DeliveryAttempt(at=timezone.now(), took_ms=1, succeeded=False))
    tell()
    row.refresh_from_db()
    assert (Delivery.objects.count(), row.state, row.attempts) == (1, DeliveryState.WAITING, 1)


def test_when_the_message_cannot_be_written_nothing_is_noted_as_told(pair, condition, monkeypatch):
    happen(5024, pair[0])
    with monkeypatch.context() as patched:
        patched.setattr("provisioning.notifications.worker.reactions.changes.tell", _fail)
        with pytest.raises(RuntimeError):
            tell()
    assert (told(), Reaction.objects.get().state) == ([], ReactionState.WAITING)
    tell()
    assert len(told()) == 1


def _fail(*topics):
    raise RuntimeError("killed")


# --- what people see and do


def test_the_page_of_the_alarm_says_what_was_told_and_what_came_of_it(support, pair, condition):
    happen(5024, pair[0])
    page = reverse("alarm-detail", args=[Alarm.objects.get().pk])
    assert "Tell hook: Waiting." in text_of(support.get(page))
    tell()
    Delivery.objects.update(state=DeliveryState.SENT)
    text = text_of(support.get(page))
    assert "Tell hook: Sent" in text
    assert "Alarm Condition Application Failure" in text.partition("Who was told")[2]
    shown = text_of(support.get(reverse("delivery-detail", args=[Delivery.objects.get().pk])))
    assert "Rule or condition Alarm Condition Application Failure" in shown
    Delivery.objects.all().delete()
    assert "Tell hook: Done." in text_of(support.get(page))


def test_what_is_sent_again_names_its_condition(condition, hook):
    old = factories.make_tried(hook, rule_name="", condition_name=condition.name)
    assert deliveries.resend(actor=ADMINISTRATOR, delivery_id=old.pk).wanted_by == (
        "Alarm Condition Application Failure")


def test_a_channel_that_a_condition_tells_is_not_deleted(administrator, condition, hook):
    why = "The Alarm Condition Application Failure tells hook as a reaction. Take that out of its reactions first."
    with pytest.raises(Refused) as refused:
        channels.delete_channel(actor=ADMINISTRATOR, channel_id=hook.pk)
    assert str(refused.value) == why
    assert why in text_of(administrator.get(reverse("channel-delete", args=[hook.pk])))
    condition.channels.clear()
    AlarmCondition.objects.get(predefined="gave-up").channels.add(hook)
    with pytest.raises(Refused, match="Alarm Conditions Application Failure, Gave Up tell hook"):
        channels.delete_channel(actor=ADMINISTRATOR, channel_id=hook.pk)
    for row in AlarmCondition.objects.all():
        row.channels.clear()
        row.clearance_channels.clear()
    channels.delete_channel(actor=ADMINISTRATOR, channel_id=hook.pk)
    assert not Channel.objects.exists()


def test_a_save_keeps_whom_it_tells_and_history_says_so(hook):
    command = factories.make_channel("stop it", kind="command", fields={"command": "/usr/local/bin/stop"})
    row = AlarmCondition.objects.get(predefined="gave-up")
    draft = replace(conditions.draft_of(row), reactions=("start", "switchover"), channels=("hook", "stop it"))
    conditions.update_condition(actor=ADMINISTRATOR, condition_id=row.pk, draft=draft)
    [entry] = HistoryEntry.objects.filter(object_type="alarm_condition")
    assert (entry.before["reactions"], entry.before["channels"]) == ("", "")
    assert (entry.after["reactions"], entry.after["channels"]) == ("switchover, start", "hook, stop it")
    channels.update_channel(actor=ADMINISTRATOR, channel_id=command.pk, draft=replace(
        channels.draft_of(command), name="stop everything"))
    assert history.snapshot(AlarmCondition.objects.get(pk=row.pk))["channels"] == "hook, stop everything"
    with pytest.raises(NotAllowed):
        conditions.update_condition(actor=OPERATOR, condition_id=row.pk, draft=draft)


def test_a_condition_is_shown_and_saved_while_a_secret_of_its_channel_cannot_be_read(administrator, condition, hook):
    Channel.objects.filter(pk=hook.pk).update(secrets="unreadable")
    assert "tell hook" in text_of(administrator.get(reverse("condition-list"), {"text": "Application Failure"}))
    address = reverse("condition-edit", args=[condition.pk])
    sent = {"name": condition.name, "category": "minor", "detect_event": "5024", "cancel_event": "5093",
            "cancel_timeout": "0", "selection_mode": "any", "enabled": "on", "channels": ["hook"]}
    assert administrator.post(address, {**sent, "revision": "1"}).status_code == 302
    assert administrator.post(address, {**sent, "category": "major", "revision": "1"}).status_code == 409
    assert [row.name for row in condition.channels.defer("secrets")] == ["hook"]


def test_a_notification_that_was_given_up_is_told_once_and_no_loop_begins(hook):
    AlarmCondition.objects.get(predefined="not-delivered").channels.add(hook)
    happen(Own.NOT_DELIVERED)
    happen(Own.NOT_DELIVERED)
    tell()
    assert len(told()) == 1
