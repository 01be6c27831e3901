"""What is kept of the Configuration Database: read together, followed, never older than a change that was told."""

import asyncio
import threading

import pytest

from control.database import Database, DatabaseAway
from control.directory import READ_TOGETHER, Shelf


class Source:
    """Stands for the database: ``rows`` are read by ``read``, which waits while ``held``."""

    def __init__(self):
        self.rows, self.reads, self.error = {}, [], None
        self.held, self.entered = threading.Event(), threading.Event()
        self.held.set()

    def read(self, keys):
        found = {key: self.rows[key] for key in keys if key in self.rows}
        self.reads.append(sorted(keys))
        self.entered.set()
        self.held.wait(5)
        if self.error is not None:
            raise self.error
        return found


@pytest.fixture
async def source():
    return Source()


@pytest.fixture
async def shelf(source):
    database = Database("the test's database")
    made = Shelf(database, source.read)
    yield made
    source.held.set()
    await made.close()
    await database.close()


async def test_who_asks_together_is_read_together_and_then_kept(shelf, source):
    source.rows = {number: f"row {number}" for number in range(READ_TOGETHER + 50)}
    found = await asyncio.gather(*(shelf.get(number) for number in source.rows))
    assert found == list(source.rows.values())
    assert [len(keys) for keys in source.reads] == [READ_TOGETHER, 50]
    assert await shelf.get(7) == "row 7"
    assert len(source.reads) == 2


async def test_what_is_not_there_is_asked_for_again(shelf, source):
    assert await shelf.get("new") is None
    source.rows["new"] = 1
    assert await shelf.get("new") == 1


async def test_a_change_is_seen_by_who_was_being_read_when_it_came(shelf, source):
    source.rows["a"] = "old"
    source.held.clear()
    reading = asyncio.create_task(shelf.get("a"))
    await asyncio.to_thread(source.entered.wait, 5)
    source.rows["a"] = "new"
    following = asyncio.create_task(shelf.follow(["a", "nobody asked for this"]))
    await asyncio.sleep(0)
    source.held.set()
    assert await reading == "old"
    assert await following == {"a": "new"}
    assert await shelf.get("a") == "new"
    assert source.reads == [["a"], ["a"]]


async def test_what_is_gone_is_not_kept(shelf, source):
    source.rows["a"] = 1
    await shelf.get("a")
    del source.rows["a"]
    assert await shelf.follow(["a"]) == {}
    assert "a" not in shelf


async def test_a_database_that_is_away_is_told_to_who_waits_and_what_is_kept_stays(shelf, source):
    source.rows["a"] = 1
    await shelf.get("a")
    source.error = DatabaseAway("away")
    with pytest.raises(DatabaseAway):
        await shelf.get("b")
    assert await shelf.get("a") == 1


async def test_whatever_keeps_the_database_from_answering_nobody_waits_for_ever(shelf, source):
    source.error = ValueError("nobody expected that")
    async with asyncio.timeout(5):
        for asked in await asyncio.gather(shelf.get(1), shelf.get(2), return_exceptions=True):
            assert asked is source.error
    source.error, source.rows = None, {1: "row 1"}
    assert await shelf.get(1) == "row 1"
