"""What waits is written together, and every open page that shows it hears of it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from control import copies
from control.copies import Batch
from control.database import DatabaseAway
from control.event_budget import EventBudget
from control.facts import COUNTERS, EventRow, StatusRow
from control.writer import Writer
from tests import factories


class Database:
    """Keeps what it was asked to write."""

    def __init__(self):
        self.written, self.batches, self.begun = [], [], 0

    async def write(self, function, batch=None):
        if function is copies.begin:
            self.begun += 1
            return
        self.batches.append(batch)
        self.written.append((batch.statuses, batch.events, batch.topics))


def event(application_id: int | None, text: str = "It happened.") -> EventRow:
    return EventRow(at=datetime.now(UTC), text=text, application_id=application_id)


async def test_since_when_nothing_can_be_written_is_known_until_it_is_written():
    database, writer = Database(), None
    write, seen = database.write, []

    async def away(function, batch=None):
        seen.append(writer.unwritten_since)
        raise DatabaseAway("held")

    writer, database.write = Writer(database), away
    assert writer.unwritten_since is None
    writer.put_event(event(1))
    await writer.flush()
    await writer.flush()
    assert seen[0] is not None
    assert seen == [writer.unwritten_since] * 2
    database.write = write
    await writer.flush()
    assert writer.unwritten_since is None


async def test_an_event_names_the_host_that_its_application_is_on():
    """Whoever adds it: the list of events has a column for it."""
    database = Database()
    writer = Writer(database, EventBudget({1: 11, 2: None}.get))
    for application_id in (1, 2, None):
        writer.put_event(event(application_id))
    writer.put_event(replace(event(1), host_id=12))
    await writer.flush()
    [(_, events, _)] = database.written
    assert [row.host_id for row in events] == [11, None, None, 12]


async def test_an_event_keeps_the_names_of_its_application_and_of_the_host_that_this_is_on():
    database = Database()
    names = {(1, 11): ("MS_1", "alpha")}
    writer = Writer(database, EventBudget({1: 11}.get, lambda *keys: names.get(keys, ("", ""))))
    for application_id in (1, None):
        writer.put_event(event(application_id))
    await writer.flush()
    [(_, events, _)] = database.written
    assert [(row.application_name, row.host_name) for row in events] == [("MS_1", "alpha"), ("", "")]


async def test_an_event_that_comes_after_the_status_is_announced_as_well():
    database = Database()
    writer = Writer(database)
    writer.put_status(StatusRow(application_id=1, status="Started"))
    await writer.flush()
    writer.put_event(event(1))
    await writer.flush()
    assert [topics for _, _, topics in database.written] == [["application:1", "applications", "status"], ["events:1"]]


async def test_many_events_of_one_application_are_announced_once_and_those_of_hosts_not_by_it():
    database = Database()
    writer = Writer(database)
    for application_id in (2, 1, 2, None):
        writer.put_event(event(application_id))
    await writer.flush()
    [(_, events, topics)] = database.written
    assert (len(events), topics) == (4, ["events:2", "events:1"])


async def test_before_anything_else_it_is_written_that_nobody_is_connected_and_not_again():
    database = Database()
    writer = Writer(database)
    order, write = [], database.write

    async def noted(function, batch=None):
        order.append(function)
        if len(order) == 1:
            raise DatabaseAway("held")
        await write(function, batch)

    database.write = noted
    writer.put_event(event(1))
    await writer.flush()
    assert writer.unwritten_since is not None
    await writer.flush()
    writer.put_event(event(2))
    await writer.flush()
    assert order == [copies.begin, copies.begin, copies.write, copies.write]


async def test_counters_are_written_alone_while_nothing_else_has_changed():
    database = Database()
    writer = Writer(database)
    first = StatusRow(application_id=1, status="Started")
    writer.put_status(first)
    writer.put_progress(replace(first, last_seq=5))
    await writer.flush()
    assert database.batches[0].statuses == [replace(first, last_seq=5)], "a row that is not there yet is written whole"
    writer.put_progress(replace(first, last_seq=6))
    await writer.flush()
    writer.put_progress(replace(first, last_seq=7))
    writer.put_status(replace(first, last_seq=8, status="Stopped"))
    writer.put_progress(replace(first, last_seq=9, status="Stopped"))
    await writer.flush()
    assert [(batch.statuses, batch.counted) for batch in database.batches[1:]] == [
        ([], [replace(first, last_seq=6)]), ([replace(first, last_seq=9, status="Stopped")], [])]


async def test_what_was_dropped_is_written_whole_the_next_time():
    database, tried = Database(), asyncio.Event()
    writer, write = Writer(database), database.write

    async def broken(function, batch=None):
        tried.set()
        raise ValueError("a row that no database takes")

    first = StatusRow(application_id=1, status="Started")
    writer.put_status(first)
    await writer.flush()
    database.write = broken
    writer.put_status(replace(first, status="Stopped"))
    run = asyncio.create_task(writer.run())
    await tried.wait()
    await asyncio.sleep(0)
    database.write = write
    writer.put_progress(replace(first, status="Stopped", last_seq=2))
    await writer.flush()
    run.cancel()
    assert database.batches[-1].statuses == [replace(first, status="Stopped", last_seq=2)]


@pytest.mark.django_db(transaction=True)
def test_counters_written_alone_are_the_same_as_a_whole_row():
    application = factories.make_application()
    first = StatusRow(application_id=application.id, status="Started", ports=({"id": "default"},))
    later = replace(first, **{name: f"{name} 2" if isinstance(getattr(first, name), str) else 2 for name in COUNTERS})
    copies.write(Batch(statuses=[first]), term=1)
    copies.write(Batch(counted=[later]), term=1)
    assert copies.status_rows() == [later]
