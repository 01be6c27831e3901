"""What waits is written together, and every open page that shows it hears of it."""

from datetime import UTC, datetime

from control.database import DatabaseAway
from control.facts import EventRow, StatusRow
from control.writer import Writer


class Database:
    """Keeps what it was asked to write."""

    def __init__(self):
        self.written = []

    async def write(self, function, batch):
        self.written.append((batch.statuses, batch.events, batch.topics))


def event(application_id: int | None, text: str = "It happened.") -> EventRow:
    return EventRow(at=datetime.now(UTC), text=text, application_id=application_id)


async def test_since_when_nothing_can_be_written_is_known_until_it_is_written():
    database, writer = Database(), None
    write, seen = database.write, []

    async def away(function, batch):
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
