"""Messages are tried until they are taken or given up, each attempt is kept, and none is tried by two."""

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from protocol.events import Own
from provisioning.models import Alarm, Channel, DeliveredAlarm, Delivery, DeliveryAttempt, Event
from provisioning.notifications.facts import Answer
from provisioning.notifications.selectors.told import deliveries_of
from provisioning.notifications.services.deliveries import resend
from provisioning.notifications.worker import outbox, transports
from provisioning.notifications.worker.outbox import due_channels, record, remove_old, take, tried
from provisioning.states import DeliveryState
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]
SECOND = timedelta(seconds=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def channel():
    return factories.make_channel()


def came(taken, now, *, succeeded=False, answer="No.", status=500):
    record(taken, DeliveryAttempt(at=now, took_ms=3, succeeded=succeeded, answer=answer, status=status), now)


def test_what_is_due_is_taken_in_order_and_by_one(channel, now):
    first, second = (factories.make_delivery(channel) for _ in range(2))
    factories.make_delivery(channel, due_at=now + 60 * SECOND)
    factories.make_delivery(factories.make_channel("other"), due_at=now + 60 * SECOND)
    assert due_channels(now + SECOND) == [channel.pk]
    assert [take(channel.pk, now + SECOND).key for _ in range(2)] == [first.pk, second.pk]
    assert take(channel.pk, now + SECOND) is None


def test_one_that_was_taken_by_a_process_that_ended_is_sent_again_by_the_same_number(channel, now):
    factories.make_delivery(channel)
    lost = take(channel.pk, now + SECOND)
    assert take(channel.pk, now + outbox.LEASE) is None
    again = take(channel.pk, now + SECOND + outbox.LEASE)
    assert again.message.message_id == lost.message.message_id
    came(again, now, succeeded=True)
    came(lost, now, succeeded=True)
    assert (Delivery.objects.get().attempts, DeliveryAttempt.objects.count()) == (1, 1)


def test_one_that_fails_waits_longer_each_time_and_keeps_no_other_one(channel, now):
    row, other = factories.make_delivery(channel), factories.make_delivery(channel)
    came(take(channel.pk, now + SECOND), now + SECOND)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.due_at) == (DeliveryState.WAITING, 1, now + 11 * SECOND)
    taken = take(channel.pk, now + 2 * SECOND)
    assert taken.key == other.pk
    came(taken, now + 2 * SECOND, succeeded=True, answer="Thanks.", status=200)
    other.refresh_from_db()
    assert (other.state, other.due_at, other.finished_at) == (DeliveryState.SENT, None, now + 2 * SECOND)
    came(take(channel.pk, now + 11 * SECOND), now + 11 * SECOND)
    row.refresh_from_db()
    assert row.due_at == now + 71 * SECOND
    assert [(each.succeeded, each.status, each.answer) for each in row.tries.all()] == [(False, 500, "No.")] * 2


def test_after_a_day_it_is_given_up_and_that_is_an_event(channel, now):
    row = factories.make_delivery(channel, created_at=now - timedelta(hours=20), attempts=8)
    came(take(channel.pk, now + SECOND), now + SECOND, answer="Bad gateway.")
    row.refresh_from_db()
    assert (row.state, row.due_at, row.finished_at) == (DeliveryState.FAILED, None, now + SECOND)
    [event] = Event.objects.filter(number=Own.NOT_DELIVERED)
    assert "to the channel hook was given up after 9 attempts: Bad gateway." in event.text


@pytest.mark.parametrize(("how", "said"), [
    ("disabled", "The channel hook is disabled."), ("deleted", "The channel hook was deleted.")])
def test_what_waits_for_a_channel_that_is_gone_is_ended(channel, now, how, said):
    row = factories.make_delivery(channel)
    if how == "deleted":
        channel.delete()
    else:
        channel.enabled = False
        channel.save()
    [key] = due_channels(now + SECOND)
    taken = take(key, now + SECOND)
    record(taken, tried(taken), now + SECOND)
    row.refresh_from_db()
    assert (row.state, row.tries.get().answer) == (DeliveryState.FAILED, said)


def test_a_secret_that_no_key_opens_is_an_attempt_that_says_so(now, settings):
    channel = factories.make_channel(fields={"url": "https://192.0.2.80/", "secret": "a-signing-secret"})
    row = factories.make_delivery(channel)
    settings.SECRET_KEY = "another-key-that-opens-nothing-of-what-was-kept-before"
    settings.SECRET_KEY_FALLBACKS = []
    taken = take(channel.pk, now + SECOND)
    record(taken, tried(taken), now + SECOND)
    row.refresh_from_db()
    assert "was encrypted with another PAIRWISE_SECRET_KEY" in row.tries.get().answer


def test_whatever_a_transport_raises_is_a_failed_attempt_without_secrets(channel, now, monkeypatch):
    hook = factories.make_channel("signed", fields={"url": "https://192.0.2.80/", "secret": "a-signing-secret"})
    factories.make_delivery(hook)

    def raises(recipient, message):
        raise RuntimeError(f"It broke at {recipient.fields['secret']}\0 " + "x" * 5000)

    monkeypatch.setattr(transports, "transport_of", lambda kind: raises)
    made = tried(take(hook.pk, now + SECOND))
    assert (made.succeeded, len(made.answer), "a-signing-secret" in made.answer) == (False, 1000, False)
    assert made.answer.startswith("RuntimeError: It broke at ••••••\N{REPLACEMENT CHARACTER}")


def test_an_answer_is_kept_with_its_status_and_how_long_it_took(channel, now, monkeypatch):
    monkeypatch.setattr(transports, "transport_of", lambda kind: lambda *args: Answer(True, " Thanks. ", 202))
    factories.make_delivery(channel)
    made = tried(take(channel.pk, now + SECOND))
    assert (made.succeeded, made.answer, made.status) == (True, "Thanks.", 202)
    assert 0 <= made.took_ms < 5000


def test_what_ended_long_ago_is_removed_and_of_too_many_the_oldest(channel, now, monkeypatch, transactional_db):
    old = now - timedelta(days=91)
    factories.make_delivery(channel, created_at=old, state=DeliveryState.SENT)
    waits = factories.make_delivery(channel, created_at=old)
    kept = [factories.make_delivery(channel, state=DeliveryState.FAILED) for _ in range(4)]
    monkeypatch.setattr(outbox, "MOST_KEPT", 3)
    remove_old(now)
    assert set(Delivery.objects.values_list("pk", flat=True)) == {waits.pk, *(row.pk for row in kept[1:])}


UNREADABLE = ({"kind": "pager"}, {"settings": ["https://192.0.2.80/"]}, {"settings": {"url": 5}},
              {"secrets": "no JSON"}, {"secrets": "[]"}, {"secrets": '{"secret": 5}'})


@pytest.mark.parametrize("stored", UNREADABLE)
def test_a_channel_that_cannot_be_read_is_listed_and_deleted(channel, stored, client, admin_user):
    for name, value in stored.items():
        setattr(channel, name, value)
    channel.save()
    client.force_login(admin_user)
    assert client.get(reverse("channel-list")).status_code == 200
    client.post(reverse("channel-delete", args=[channel.pk]))
    assert not Channel.objects.exists()


@pytest.mark.parametrize("stored", UNREADABLE)
def test_a_channel_that_cannot_be_read_is_an_attempt_that_says_what_to_do(channel, now, stored):
    """A restored database, or one of another version, ends no log reader."""
    row = factories.make_delivery(channel)
    for name, value in stored.items():
        setattr(channel, name, value)
    channel.save()
    taken = take(channel.pk, now + SECOND)
    record(taken, tried(taken), now + SECOND)
    row.refresh_from_db()
    assert (row.state, row.tries.get().answer) == (DeliveryState.FAILED, (
        "What is stored of the channel hook cannot be read. Delete it, and create it again."))


@pytest.mark.parametrize("stored", [{"told": "sung"}, {"alarms": 7}, {"payload": ["é"]}])
def test_of_a_message_that_cannot_be_read_is_sent_what_can(channel, now, stored, monkeypatch):
    monkeypatch.setattr(transports, "transport_of", lambda kind: lambda *args: Answer(True))
    row = factories.make_delivery(channel, **stored)
    taken = take(channel.pk, now + SECOND)
    record(taken, tried(taken), now + SECOND)
    row.refresh_from_db()
    assert (row.state, taken.message.text) == (DeliveryState.SENT, row.text)


def test_an_upgrade_finds_the_alarms_of_messages_that_were_written_before(channel):
    alarms = [factories.make_alarm(application=name, cleared_at=timezone.now()) for name in "AB"]
    factories.make_rule(channel).notices.create(alarm=alarms[1])
    rows = [factories.make_delivery(channel) for _ in range(5)]
    for row, row.alarms in zip(rows, ([7, 12, 7], [12], [], 9, ["x"]), strict=True):
        row.save()
    with connection.cursor() as cursor:
        import_module("provisioning.migrations.0040_told_of_alarms").find_what_was_told(
            apps, SimpleNamespace(connection=connection, execute=cursor.execute))
    found = DeliveredAlarm.objects.exclude(delivery=rows[3]).order_by("number", "delivery")
    assert [*found.values_list("number", "delivery")] == [(7, rows[0].pk), (12, rows[0].pk), (12, rows[1].pk)]
    assert [*Alarm.objects.filter(end_told=True)] == alarms[:1]


def test_what_is_sent_again_is_found_by_its_alarms_too(channel):
    alarm = factories.make_alarm()
    row = factories.make_tried(channel, alarms=[alarm.pk])
    again = resend(actor=factories.ADMINISTRATOR, delivery_id=row.pk)
    assert [*deliveries_of(alarm)] == [again, row]
