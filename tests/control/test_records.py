"""The durable record and the rows: conditional writes, links made and undone, a database that is away."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from control import records
from control.database import Database, DatabaseAway
from control.decide import Record
from control.facts import EventRow, StatusRow
from control.writer import Writer
from provisioning.models import Event, PairState, RuntimeStatus

from .conftest import new_application


@pytest.fixture
def backup(objects):
    return new_application("MS_B", objects.template, objects.host)


def test_a_record_is_written_only_over_the_version_that_was_read(objects, term):
    before = records.load_record(objects.server.id, None, term=term)
    new = Record(version=1, epoch=1, active="MS")
    assert records.save_record(objects.server.id, None, expected_version=before.version, record=new, reason="first",
                               term=term)
    late = Record(version=1, epoch=2, active="MS")
    assert not records.save_record(objects.server.id, None, expected_version=0, record=late, reason="late", term=term)
    assert records.load_record(objects.server.id, None, term=term) == new


def test_an_active_member_that_does_not_exist_is_not_written(objects, term):
    records.load_record(objects.server.id, None, term=term)
    new = Record(version=1, epoch=1, active="Nobody")
    assert not records.save_record(objects.server.id, None, expected_version=0, record=new, reason="", term=term)
    assert PairState.objects.get().version == 0


def test_a_new_link_starts_from_the_higher_record_of_both(objects, backup, term):
    PairState.objects.create(primary=objects.server, version=3, epoch=2, active=objects.server, standby_in_sync=True)
    PairState.objects.create(primary=backup, version=9, epoch=7, active=backup)
    assert records.load_record(objects.server.id, backup.id, term=term) == Record(version=10, epoch=7, active="MS")


def test_a_backup_that_is_unlinked_again_knows_every_epoch_it_was_told(objects, backup, term):
    records.load_record(objects.server.id, backup.id, term=term)
    new = Record(version=5, epoch=4, active="MS")
    assert records.save_record(objects.server.id, backup.id, expected_version=0, record=new, reason="", term=term)
    assert records.load_record(backup.id, None, term=term) == Record(version=5, epoch=4, active="")


async def test_a_busy_database_is_tried_again():
    database, calls = Database(), []

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
    database = Database()
    with pytest.raises(DatabaseAway, match="does not answer"):
        await database.run(away, patience_s=0.1)
    await database.close()


async def test_what_could_not_be_written_is_written_when_the_database_is_back(objects, monkeypatch, term):
    database = Database(term)
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
    database = Database(term)
    writer = Writer(database)
    writer.put_status(StatusRow(application_id=objects.server.id, status="Started"))
    writer.put_status(StatusRow(application_id=10**6, status="Started"))
    writer.put_event(EventRow(at=timezone.now(), text="gone", host_id=10**6))
    await writer.flush()
    assert [row.application_id async for row in RuntimeStatus.objects.all()] == [objects.server.id]
    await database.close()


async def test_only_heard_at_is_not_worth_a_write_each_time(objects, term):
    database = Database(term)
    writer = Writer(database)
    now = timezone.now()
    row = StatusRow(application_id=objects.server.id, status="Started", heard_at=now)
    writer.put_status(row)
    await writer.flush()
    for seconds, written in ((1, now), (2.5, now + timedelta(seconds=2.5))):
        writer.put_status(replace(row, heard_at=now + timedelta(seconds=seconds)))
        await writer.flush()
        assert (await RuntimeStatus.objects.aget()).heard_at == written
    await database.close()


def test_the_timeline_keeps_its_newest_entries(transactional_db, monkeypatch, term):
    monkeypatch.setattr(records, "EVENTS_KEPT", 3)
    for number in range(5):
        Event.objects.create(at=timezone.now(), text=str(number))
    assert records.prune_events(term=term) == 2
    assert sorted(Event.objects.values_list("text", flat=True)) == ["2", "3", "4"]


async def test_a_record_that_somebody_else_wrote_is_read_again_before_the_grant(control, peers, objects):
    control.solution.pairs._records[objects.server.id] = Record(version=0, epoch=0)
    await PairState.objects.acreate(primary=objects.server, version=4, epoch=4, active=objects.server)
    _, grant = await asyncio.wait_for(peers.started(objects.server), 5)
    assert (grant.epoch, grant.record_version) == (5, 5)
