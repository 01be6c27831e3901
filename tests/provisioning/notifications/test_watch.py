"""Whoever is to be told is told while the process runs: at once, in spite of others, and again after a kill."""

import asyncio
import json
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from provisioning.alarms.worker.judging import alarms_changed, look
from provisioning.alarms.worker.watch import Watch
from provisioning.models import AlarmCondition, Delivery, DeliveryAttempt, Event
from provisioning.notifications.rules import attempts
from provisioning.notifications.worker import outbox, watch
from provisioning.notifications.worker.planner import plan
from provisioning.notifications.worker.watch import Notifier
from provisioning.states import DeliveryState
from tests import factories
from tests.provisioning.watched import done, running, until

from .receivers import WebReceiver, answering, hanging

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_control", "no_broker")]
NEVER_S = 60.0


@pytest.fixture(autouse=True)
def quick(settings, monkeypatch):
    settings.PAIRWISE_WEBHOOK_LOOPBACK = True
    monkeypatch.setattr(watch, "LOOK_S", 0.05)


def subscribed(*receivers, **fields):
    """A rule that tells each of ``receivers`` of every alarm, of those from now on."""
    plan()
    return factories.make_rule(*(factories.make_channel(f"hook{number}", fields={"url": each.url})
                                 for number, each in enumerate(receivers)), **fields)


def ids(receiver):
    return [headers["webhook-id"] for _, headers, _ in receiver.got]


async def test_a_crash_is_told_as_soon_as_it_is_judged(pair, monkeypatch):
    monkeypatch.setattr(watch, "LOOK_S", NEVER_S)
    with WebReceiver() as receiver:
        await done(lambda: (look(), subscribed(receiver)))
        async with running(Watch(), Notifier()):
            await done(lambda: Event.objects.create(at=timezone.now(), number=5024, application=pair[0],
                                                    host=pair[0].host, text="Killed by signal 9."))
            await until(lambda: receiver.got, within_s=5)
            await until(lambda: Delivery.objects.get().state == DeliveryState.SENT)
    body = json.loads(receiver.got[0][2])
    assert (body["type"], body["data"]["application"], body["data"]["text"]) == (
        "alarm.raised", "MS_Primary", "Killed by signal 9.")


async def test_a_reaction_is_told_as_soon_as_its_alarm_is_judged_and_when_it_is_cleared(pair, monkeypatch):
    monkeypatch.setattr(watch, "LOOK_S", NEVER_S)

    def made(url):
        look()
        channel = factories.make_channel(fields={"url": url})
        condition = AlarmCondition.objects.get(predefined="application-failure")
        condition.channels.add(channel)
        condition.clearance_channels.add(channel)

    def happen(number):
        Event.objects.create(at=timezone.now(), number=number, application=pair[0], text="So it is.")

    with WebReceiver() as receiver:
        await done(lambda: made(receiver.url))
        async with running(Watch(), Notifier()):
            for count, number in enumerate((5024, 5093), 1):
                await done(lambda number=number: happen(number))
                await until(lambda count=count: len(receiver.got) == count, within_s=5)
    assert [json.loads(body)["type"] for _, _, body in receiver.got] == ["alarm.raised", "alarm.cleared"]


async def test_what_another_process_wrote_is_found_by_looking():
    with WebReceiver() as receiver:
        async with running(Notifier()):
            await done(lambda: factories.make_delivery(factories.make_channel(fields={"url": receiver.url})))
            await until(lambda: receiver.got)


async def test_one_that_was_not_taken_is_sent_again_by_the_same_number(monkeypatch):
    monkeypatch.setattr(attempts, "WAITS", (timedelta(seconds=0.05),))
    with WebReceiver(answering(500), answering(503), answering(200)) as receiver:
        row = await done(lambda: factories.make_delivery(factories.make_channel(fields={"url": receiver.url})))
        async with running(Notifier()):
            await until(lambda: Delivery.objects.get().state == DeliveryState.SENT)
    assert ids(receiver) == [row.message_id] * 3
    tries = await done(lambda: list(DeliveryAttempt.objects.values_list("status", "succeeded")))
    assert tries == [(500, False), (503, False), (200, True)]


async def test_a_dead_channel_keeps_nobody_waiting():
    with WebReceiver(hanging) as dead, WebReceiver() as alive:
        def made():
            slow, quick = (factories.make_channel(name, fields={"url": each.url})
                           for name, each in (("dead", dead), ("alive", alive)))
            return [factories.make_delivery(channel).message_id for _ in range(10) for channel in (slow, quick)][1::2]

        expected = await done(made)
        async with running(Notifier()):
            await until(lambda: len(alive.got) == 10, within_s=5)
            assert len(dead.got) <= 1
            dead.ended.set()
    assert ids(alive) == expected


async def test_one_that_was_sent_and_not_written_is_sent_again_by_the_same_number(monkeypatch):
    monkeypatch.setattr(outbox, "LEASE", timedelta(seconds=0.2))
    monkeypatch.setattr(watch, "AWAY_S", 0.05)
    killed = []

    def record(*args):
        if not killed:
            killed.append(1)
            raise DatabaseError("gone")
        outbox.record(*args)

    monkeypatch.setattr(watch, "record", record)
    with WebReceiver() as receiver:
        row = await done(lambda: factories.make_delivery(factories.make_channel(fields={"url": receiver.url})))
        async with running(Notifier()):
            await until(lambda: Delivery.objects.get().state == DeliveryState.SENT)
    assert ids(receiver) == [row.message_id] * 2
    assert await done(DeliveryAttempt.objects.count) == 1


async def test_it_outlives_a_database_that_is_away(monkeypatch):
    monkeypatch.setattr(watch, "AWAY_S", 0.05)
    away = [DatabaseError("away"), DatabaseError("away")]

    def planned():
        if away:
            raise away.pop()
        return plan()

    monkeypatch.setattr(watch, "plan", planned)
    with WebReceiver() as receiver:
        await done(lambda: subscribed(receiver))
        async with running(Notifier()):
            await done(factories.make_alarm)
            await until(lambda: receiver.got)


async def test_what_is_no_trouble_of_a_database_ends_it(monkeypatch):
    monkeypatch.setattr(watch, "plan", lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        await Notifier().run()


async def test_an_error_of_a_sender_ends_it_too(monkeypatch):
    monkeypatch.setattr(watch, "record", lambda *_: 1 // 0)
    with WebReceiver() as receiver:
        await done(lambda: factories.make_delivery(factories.make_channel(fields={"url": receiver.url})))
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(10):
                await Notifier().run()


async def test_whoever_stopped_is_woken_no_more():
    notifier = Notifier()
    async with running(notifier):
        await asyncio.sleep(0)
    assert not alarms_changed.has_listeners()
