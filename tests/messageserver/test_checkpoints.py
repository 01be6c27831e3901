"""The write-ahead log is moved to the database beside the writer, and begins anew."""

import asyncio
import contextlib
import sqlite3

import pytest

from messageserver import checkpoints
from messageserver.checkpoints import Checkpoints
from messageserver.disk import Disk
from messageserver.paired_store import PairedStore
from messageserver.records import Draft
from messageserver.settings import Retention
from messageserver.store import CHECKPOINT_BYTES, page_bytes
from messageserver.store_thread import StoreThread

BODY = 100_000
COMMITS = 60


@pytest.fixture
def store(tmp_path):
    store = PairedStore(tmp_path, Retention(records=0, days=0, megabytes=0, dedup_window=1000))
    store.grant("primary", 1, 1)
    yield store
    store.close()


async def write(store: PairedStore) -> None:
    """COMMITS large messages, with the checkpoints that are due."""
    disk, tasks = Disk(), []

    def spawn(work, _name: str) -> None:
        tasks.append(asyncio.get_running_loop().create_task(work))

    thread = disk.thread("store")
    storing = StoreThread(store, thread, lambda: 10.0, lambda: None)
    done = Checkpoints(store, storing, disk.thread("checkpoints"), spawn)
    for _ in range(COMMITS):
        await storing.run(store.append, [Draft("/topic/a", b"", b"x" * BODY)], 1, None)
        done.wrote(BODY)
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert tasks


def wal_size(store: PairedStore) -> int:
    return (store.directory / "messages.db-wal").stat().st_size


def test_a_log_that_is_written_all_the_time_does_not_grow_all_the_time(store, monkeypatch):
    monkeypatch.setattr(checkpoints, "EVERY_BYTES", 5 * BODY)
    asyncio.run(write(store))
    assert wal_size(store) < COMMITS * BODY / 2
    assert store.last_seq == COMMITS


def test_without_them_it_grows(store):
    for _ in range(COMMITS):
        store.append([Draft("/topic/a", b"", b"x" * BODY)], 1)
    assert wal_size(store) > COMMITS * BODY


def test_a_large_body_takes_few_pages_of_a_new_store(store):
    store.append([Draft("/topic/a", b"", b"x" * BODY)], 1)
    assert store._db.execute("PRAGMA page_count").fetchone()[0] < BODY / 4096


def test_a_store_with_other_pages_keeps_them_and_moves_as_much_of_the_log_at_once(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "messages.db")) as former:
        former.executescript("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; CREATE TABLE other (name)")
        former.executescript("DROP TABLE other")
    store = PairedStore(tmp_path, Retention(records=0, days=0, megabytes=0, dedup_window=1000))
    try:
        assert page_bytes(store._db) == 4096
        pages = store._db.execute("PRAGMA wal_autocheckpoint").fetchone()[0]
        assert pages * 4096 == CHECKPOINT_BYTES
    finally:
        store.close()


def test_a_checkpoint_that_fails_hurts_nobody(store, monkeypatch):
    monkeypatch.setattr(checkpoints, "EVERY_BYTES", 5 * BODY)

    def full(*_arguments, **_keywords):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(checkpoints.sqlite3, "connect", full)
    asyncio.run(write(store))
    assert store.last_seq == COMMITS
