"""The durable record and the rows: conditional writes, links made and undone, a database that is away."""

import asyncio
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from django.utils import timezone

from control import copies
from control import ledger as ledger_module
from control.copies import Batch
from control.database import CONFIGURATION, RECORD, Database, DatabaseAway
from control.event_budget import EventBudget
from control.facts import EventRow, HostRow, StatusRow
from control.ledger import Change, Ledger, Row, load, prune
from control.main import Control
from control.writer import Writer
from provisioning.models import Event, HostRuntime, RuntimeStatus
from provisioning.record.models import PairRecord


@pytest.fixture
async def ledger(term):
    """Of a control that leads, as it began."""
    database = Database(RECORD, term)
    made = Ledger(database)
    await made.load()
    yield made
    await made.close()
    await database.close()


def record(**values) -> Row:
    return Row(**{"application_id": 1, "version": 1, "epoch": 1, "active_id": 1} | values)


@sync_to_async
def stored(application_id: int = 1) -> Row:
    return load([application_id])[application_id]


async def test_a_record_is_written_only_over_the_version_that_was_read(ledger):
    assert await ledger.write(Change(record(), 0))
    assert not await ledger.write(Change(record(epoch=2), 0))
    assert await stored() == ledger.row(1) == record()
    assert await ledger.write(Change(record(version=2, reason="next"), 1))
    assert await stored() == record(version=2, reason="next")


async def test_many_records_are_written_together_and_each_on_its_own_condition(ledger, monkeypatch):
    calls = []
    real = ledger._database.write

    async def counted(*args, **kwargs):
        calls.append(args)
        return await real(*args, **kwargs)
    monkeypatch.setattr(ledger._database, "write", counted)
    changes = [Change(record(application_id=number), number % 2) for number in range(1, 300)]
    written = await asyncio.gather(*(ledger.write(change) for change in changes))
    # Whoever expects a record that is not there gets one all the same: it was lost, not overwritten.
    assert all(written)
    assert len(calls) <= 2
    again = await asyncio.gather(*(ledger.write(change) for change in changes))
    assert list(again) == [number % 2 == 1 for number in range(1, 300)]


async def test_the_other_member_knows_every_epoch_that_it_was_told(ledger):
    other = record(application_id=2, version=5, epoch=4, active_id=None)
    assert await ledger.write(Change(record(version=5, epoch=4), 0, other))
    assert ledger.row(2) == await stored(2) == other
    late = replace(other, version=3, epoch=2)
    assert await ledger.write(Change(record(version=6, epoch=4), 5, late))
    assert ledger.row(2) == await stored(2) == other


async def test_a_record_that_could_not_be_written_is_told_to_whoever_waits(ledger, monkeypatch):
    async def away(*args, **kwargs):
        raise DatabaseAway("away")
    with monkeypatch.context() as patched:
        patched.setattr(ledger._database, "write", away)
        with pytest.raises(DatabaseAway):
            await ledger.write(Change(record(), 0))
    assert await ledger.write(Change(record(), 0))


async def test_records_of_applications_that_are_gone_are_kept_for_a_while(ledger, term):
    for number in (1, 2):
        await ledger.write(Change(record(application_id=number), 0))
    await ledger.exist([2])
    assert (ledger.row(1).gone_at is not None, ledger.row(2).gone_at) == (True, None)
    await sync_to_async(prune)(time.time(), term=term)
    assert (await stored()).version == 1
    await ledger.exist([1, 2])
    assert ledger.row(1).gone_at is None
    await ledger.exist([2])
    await sync_to_async(prune)(time.time() + 31 * 86_400, term=term)
    assert await sync_to_async(lambda: list(load()))() == [2]


async def test_a_start_with_a_clock_that_is_ahead_forgets_no_record(objects, settings_of_control, monkeypatch):
    await PairRecord.objects.acreate(application_id=4711, version=1, gone_at=timezone.now() - timedelta(days=40))
    pruned = threading.Event()

    def prune(*args, **kwargs):
        real(*args, **kwargs)
        pruned.set()

    real = ledger_module.prune
    monkeypatch.setattr(ledger_module, "prune", prune)
    async with Control(settings_of_control):
        assert await asyncio.to_thread(pruned.wait, 10)
    assert await PairRecord.objects.filter(application_id=4711).aexists()


async def test_a_busy_database_is_tried_again():
    database, calls = Database(CONFIGURATION), []

    def busy_twice():
        calls.append(1)
        if len(calls) < 3:
            raise OperationalError("database is locked")
        return "done"
    assert await database.run(busy_twice) == "done"
    assert len(calls) == 3
    await database.close()


async def test_a_database_that_stays_away_is_reported_after_a_while():
    def away():
        raise OperationalError("unable to open database file")
    database = Database(CONFIGURATION)
    with pytest.raises(DatabaseAway, match="does not answer"):
        await database.run(away, patience_s=0.1)
    await database.close()


async def test_what_could_not_be_written_is_written_when_the_database_is_back(objects, monkeypatch, term):
    database = Database(CONFIGURATION, term)
    writer = Writer(database)
    real, failures = database.write, []

    async def away_once(*args, **kwargs):
        if not failures:
            failures.append(1)
            raise DatabaseAway("away")
        return await real(*args, **kwargs)
    monkeypatch.setattr(database, "write", away_once)
    writer.put_status(StatusRow(application_id=objects.server.id, status="Started"))
    writer.put_event(EventRow(at=timezone.now(), text="one"))
    await writer.flush()
    assert await Event.objects.acount() == 0
    await writer.flush()
    assert (await RuntimeStatus.objects.aget()).status == "Started"
    assert await Event.objects.acount() == 1
    await database.close()


async def test_rows_of_deleted_objects_do_not_keep_the_others_back(objects, term):
    database = Database(CONFIGURATION, term)
    writer = Writer(database)
    writer.put_status(StatusRow(application_id=objects.server.id, status="Started"))
    writer.put_status(StatusRow(application_id=10**6, status="Started"))
    writer.put_event(EventRow(at=timezone.now(), text="gone", host_id=10**6))
    await writer.flush()
    assert [row.application_id async for row in RuntimeStatus.objects.all()] == [objects.server.id]
    await database.close()


async def test_what_happened_to_a_server_outlives_the_host_that_it_was_on(objects, term):
    database = Database(CONFIGURATION, term)
    writer = Writer(database)
    writer.put_event(EventRow(at=timezone.now(), text="kept", application_id=objects.server.id, host_id=10**6))
    await writer.flush()
    assert await Event.objects.values_list("text", "host_id").aget() == ("kept", None)
    await database.close()


async def test_what_happened_to_what_was_deleted_meanwhile_keeps_its_name(objects, term):
    database = Database(CONFIGURATION, term)
    writer = Writer(database, EventBudget(names_of=lambda application_id, host_id: ("MS_Gone", "alpha")))
    writer.put_event(EventRow(at=timezone.now(), text="kept", application_id=10**6, host_id=objects.host.id))
    await writer.flush()
    assert await Event.objects.values_list("application_id", "application_name", "host_id", "host_name").aget() == (
        None, "MS_Gone", objects.host.id, "alpha")
    await database.close()


async def test_who_is_connected_is_written_as_heard_of_from_time_to_time(objects, term, monkeypatch):
    database = Database(CONFIGURATION, term)
    writer = Writer(database)
    long_ago = timezone.now() - timedelta(hours=1)
    row = StatusRow(application_id=objects.server.id, status="Started", connected=True, heard_at=long_ago)
    writer.put_status(row)
    writer.put_host(HostRow(host_id=objects.host.id, status="Disconnected", heard_at=long_ago))
    await writer.flush()
    heard = (await RuntimeStatus.objects.aget()).heard_at
    assert timezone.now() - heard < timedelta(minutes=1)
    assert (await HostRuntime.objects.aget()).heard_at == long_ago
    writer.put_status(replace(row, heard_at=timezone.now()))
    assert await writer.flush() == 0
    assert (await RuntimeStatus.objects.aget()).heard_at == heard
    monkeypatch.setattr("control.writer.HEARD_S", 0.0)
    await writer.flush()
    assert (await RuntimeStatus.objects.aget()).heard_at > heard
    await database.close()


async def test_to_a_control_that_begins_nobody_is_connected(objects, term):
    database = Database(CONFIGURATION, term)
    await database.write(copies.write, Batch([StatusRow(application_id=objects.server.id, status="Started",
                                                        connected=True)]))
    await database.write(copies.begin)
    assert not (await RuntimeStatus.objects.aget()).connected
    await database.close()


def test_the_timeline_keeps_its_newest_entries(transactional_db, monkeypatch, term):
    monkeypatch.setattr(copies, "EVENTS_KEPT", 3)
    for number in range(5):
        Event.objects.create(at=timezone.now(), text=str(number))
    assert copies.prune_events(term=term) == 2
    assert sorted(Event.objects.values_list("text", flat=True)) == ["2", "3", "4"]


async def test_a_record_that_somebody_else_wrote_is_read_again_before_the_grant(control, peers, objects):
    await PairRecord.objects.acreate(application_id=objects.server.id, version=4, epoch=4, active_id=objects.server.id)
    _, grant = await asyncio.wait_for(peers.started(objects.server), 5)
    assert (grant.epoch, grant.record_version) == (5, 5)


async def test_a_new_pair_starts_from_the_higher_record_of_both(objects, backup, control, peers):
    for row, version, epoch in ((objects.server, 3, 2), (backup, 9, 7)):
        await PairRecord.objects.acreate(application_id=row.id, version=version, epoch=epoch, active_id=row.id)
        await control.reign.ledger.reread(row.id)
    _, grant = await asyncio.wait_for(peers.started(objects.server), 5)
    assert (grant.epoch, grant.record_version) == (8, 11)


async def test_an_application_with_the_id_of_another_one_does_not_inherit_what_that_one_had(control, peers, objects):
    await PairRecord.objects.acreate(application_id=objects.server.id, version=4, epoch=4, identity="another",
                                     active_id=objects.server.id, active_copy="its store", automatic_failover=False)
    await control.reign.ledger.reread(objects.server.id)
    _, grant = await asyncio.wait_for(peers.started(objects.server), 5)
    assert (grant.epoch, grant.reason) == (5, "MS is ready and nobody has served before: it is the configured primary.")
    row = control.reign.ledger.row(objects.server.id)
    assert (row.identity != "another", row.automatic_failover) == (True, True)
