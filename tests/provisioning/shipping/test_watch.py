"""Entries of History are sent while the process runs: all of them, in order, whatever collectors do."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import DatabaseError
from django.utils import timezone

from protocol.events import Own
from provisioning.history import history
from provisioning.models import AuditTarget, Event, HistoryEntry, Shipment
from provisioning.shipping.rules import pace
from provisioning.shipping.services import targets
from provisioning.shipping.worker import cursor, sockets, watch
from provisioning.shipping.worker.watch import Shipper
from tests import factories
from tests.provisioning.watched import done, running, until

from .collectors import Collector, a_gulp_then_close, one_then_close

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_control", "no_broker")]
MANY = 45


@pytest.fixture(autouse=True)
def quick(settings, monkeypatch):
    settings.PAIRWISE_WEBHOOK_LOOPBACK = True
    monkeypatch.setattr(watch, "LOOK_S", 0.02)
    monkeypatch.setattr(pace, "WAITS_S", (0.02,))
    monkeypatch.setattr(sockets, "FIRST_S", 0.05)


def happen(count):
    row = factories.make_host()
    with history.atomic():
        for number in range(count):
            history.record_verb(actor=factories.ADMINISTRATOR, row=row, reason=f"It happened {number}.")


def position(name="siem"):
    return Shipment.objects.get(target__name=name).number


def is_complete(numbers, last):
    """Each of them is there, and its first time follows that of the one before."""
    first = {number: numbers.index(number) for number in set(numbers)}
    return set(numbers) >= set(range(1, last + 1)) and all(
        first[one] < first[other] for one, other in pairwise(range(1, last + 1)))


async def test_all_that_there_was_and_what_comes_is_sent_in_order():
    with Collector() as collector:
        await done(lambda: (happen(MANY), factories.make_target("siem", address=collector.address)))
        async with running(Shipper()):
            await until(lambda: position() == MANY)
            await done(lambda: happen(3))
            await until(lambda: position() == MANY + 3)
    assert collector.numbers == list(range(1, MANY + 4))
    rows = await done(lambda: dict(HistoryEntry.objects.values_list("number", "digest")))
    assert all(f'digest="{rows[number]}"'.encode() in text for number, text in enumerate(collector.got, 1))


@pytest.mark.parametrize("does", [one_then_close, a_gulp_then_close])
async def test_a_collector_that_closes_after_each_message_gets_every_one_of_them(does):
    with Collector(does) as collector:
        await done(lambda: (happen(MANY), factories.make_target("siem", address=collector.address)))
        async with running(Shipper()):
            await until(lambda: position() == MANY)
    assert is_complete(collector.numbers, MANY)


async def test_one_that_was_away_gets_what_came_meanwhile_and_the_last_ones_again():
    with Collector() as collector:
        await done(lambda: (happen(MANY), factories.make_target("siem", address=collector.address)))
        async with running(Shipper()):
            await until(lambda: position() == MANY)
    async with running(Shipper()):
        await done(lambda: happen(2))
        await until(lambda: Shipment.objects.get().tries > 2)
        row = await done(Shipment.objects.get)
        assert (row.number, "cannot be reached" in row.trouble, row.behind_since is None) == (MANY, True, False)
        with Collector(port=collector.port) as again:
            await until(lambda: position() == MANY + 2)
    assert again.numbers == list(range(MANY - pace.AGAIN + 1, MANY + 3))
    row = await done(Shipment.objects.get)
    assert (row.trouble, row.tries, row.behind_since) == ("", 0, None)


async def test_one_that_hangs_keeps_nobody_waiting_and_gets_all_when_it_reads_again(monkeypatch):
    monkeypatch.setattr(sockets, "CLOSES_S", 0.2)
    hanging, other = Collector(), Collector()
    hanging._does = [hanging.hang, hanging.hang, hanging._does[0]]
    with hanging, other:
        await done(lambda: (happen(MANY), factories.make_target("a hang", address=hanging.address),
                            factories.make_target("siem", address=other.address)))
        async with running(Shipper()):
            await until(lambda: position() == MANY)
            await until(lambda: position("a hang") == MANY)
    assert other.numbers == list(range(1, MANY + 1))
    assert is_complete(hanging.numbers, MANY)


async def test_what_was_taken_and_not_noted_is_sent_again(monkeypatch):
    monkeypatch.setattr(watch, "AWAY_S", 0.02)
    killed = []

    def record(*args):
        if not killed:
            killed.append(1)
            raise DatabaseError("gone")
        return cursor.record(*args)

    monkeypatch.setattr(watch, "record", record)
    with Collector() as collector:
        await done(lambda: (happen(3), factories.make_target("siem", address=collector.address)))
        async with running(Shipper()):
            await until(lambda: position() == 3)
    assert collector.numbers == [1, 2, 3, 1, 2, 3]


async def test_what_is_no_trouble_of_a_database_ends_it(monkeypatch):
    monkeypatch.setattr(watch, "due_targets", lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        await Shipper().run()


async def test_one_that_is_disabled_goes_on_where_it_was():
    with Collector() as collector:
        row = await done(lambda: factories.make_target("siem", address=collector.address, enabled=False))
        await done(lambda: happen(3))
        async with running(Shipper()):
            await asyncio.sleep(0.1)
            assert collector.got == []
            await done(lambda: AuditTarget.objects.filter(pk=row.pk).update(enabled=True, revision=2))
            await until(lambda: position() == 3)
    assert collector.numbers == [1, 2, 3]


async def test_a_target_that_was_corrected_is_tried_at_once(monkeypatch):
    monkeypatch.setattr(pace, "WAITS_S", (60.0,))
    with Collector() as gone:
        pass
    with Collector() as collector:
        row = await done(lambda: (happen(3), factories.make_target("siem", address=gone.address))[1])
        async with running(Shipper()):
            await until(lambda: Shipment.objects.get().tries == 1)
            await done(lambda: targets.update_target(
                actor=factories.ADMINISTRATOR, target_id=row.pk,
                draft=targets.TargetDraft(name="siem", address=collector.address)))
            await until(lambda: position() == 4)
    assert collector.numbers == [1, 2, 3, 4]


async def test_entries_are_sent_again_from_where_somebody_asks():
    with Collector() as collector:
        row = await done(lambda: (happen(5), factories.make_target("siem", address=collector.address))[1])
        async with running(Shipper()):
            await until(lambda: position() == 5)
            await done(lambda: targets.send_again(actor=factories.ADMINISTRATOR, target_id=row.pk, number=4))
            # That somebody asked is an entry too: it may have gone on its own before the others go again.
            await until(lambda: collector.numbers[5:][-3:] == [4, 5, 6])


def test_it_is_told_when_one_is_behind_for_an_hour_and_when_it_has_caught_up():
    row, now = factories.make_target("siem"), timezone.now()
    happen(2)
    cursor.due_targets()
    last = cursor.tell_of_lag(now=now + timedelta(minutes=59))
    assert not Event.objects.exists()
    # Whoever is started anew looks what was told last.
    for known in (last, None):
        last = cursor.tell_of_lag(known, now + timedelta(minutes=61))
    Shipment.objects.filter(target=row).update(number=2, behind_since=None)
    for known in (last, None):
        last = cursor.tell_of_lag(known, now + timedelta(minutes=62))
    assert list(Event.objects.order_by("id").values_list("number", flat=True)) == [
        Own.SHIPPING_BEHIND, Own.SHIPPING_CAUGHT_UP]


def test_what_was_asked_for_again_is_not_forgotten_by_a_batch_that_was_on_its_way():
    row = factories.make_target("siem", number=0)
    happen(6)
    batch = cursor.next_batch(row.pk, 4, 2)
    Shipment.objects.update(number=1)
    assert cursor.record(row.pk, batch, cursor.Outcome(True)) == 1
