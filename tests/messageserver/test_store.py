"""The durable log: order, dedup, digest, epochs, retention, faults."""

import os
import sqlite3

import pytest

from messageserver.ownership import Promised, StaleEpoch, StoreError, StoreLocked, peek_held
from messageserver.reader import Reader
from messageserver.records import Draft, Record
from messageserver.settings import Retention
from messageserver.store import TRIM_ROWS, Store

KEEP_ALL = Retention(records=0, days=0, megabytes=0, dedup_window=1000)


def draft(number: int, dedup: str | None = None, destination: str = "/topic/a") -> Draft:
    return Draft(destination, b"n:%d\n" % number, b"body %d" % number, dedup)


@pytest.fixture
def open_store(tmp_path):
    """Factory: a store under tmp_path, closed with the test."""
    stores = []

    def opened(name: str = "data", retention: Retention = KEEP_ALL, epoch: int = 1) -> Store:
        store = Store(tmp_path / name, retention)
        stores.append(store)
        if epoch:
            store.grant("primary", epoch, 1)
        return store

    yield opened
    for store in stores:
        store.close()


def everything(store: Store) -> list[Record]:
    reader = Reader(store.directory)
    try:
        found, at = [], 1
        while at <= store.last_seq:
            batch = reader.read(at, store.last_seq)
            found, at = found + batch.records, batch.next_seq
        return found
    finally:
        reader.close()


def test_records_keep_their_order_across_a_reopen(open_store):
    store = open_store()
    assert store.append([draft(i) for i in range(100)], 1).seqs == list(range(1, 101))
    store.append([draft(100)], 1)
    digest = store.digest
    store.close()
    again = open_store(epoch=0)
    assert (again.last_seq, again.digest) == (101, digest)
    assert [r.body for r in everything(again)] == [b"body %d" % i for i in range(101)]
    assert all(r.epoch == 1 and r.destination == "/topic/a" for r in everything(again))


def test_a_retried_draft_counts_once_and_has_the_first_place(open_store):
    store = open_store()
    assert store.append([draft(1, "x"), draft(2), draft(1, "x")], 1).seqs == [1, 2, 1]
    assert store.append([draft(1, "x"), draft(3, "y")], 1).seqs == [1, 3]
    assert store.append([draft(1, "x", "/topic/other")], 1).seqs == [4], "another destination is another message"
    store.close()
    again = open_store(epoch=0)
    assert again.append([draft(1, "x")], 1).seqs == [1], "known after a restart"
    assert again.last_seq == 4


def test_the_dedup_window_is_bounded(open_store):
    store = open_store(retention=Retention(0, 0, 0, dedup_window=10))
    store.append([draft(0, "x")], 1)
    store.append([draft(i, f"d{i}") for i in range(1, 12)], 1)
    assert len(store._dedup) == 10
    assert store.append([draft(0, "x")], 1).seqs == [13], "beyond the window it is a new message"
    assert store.append([draft(0, "x")], 1).seqs == [13]


def test_only_the_granted_primary_epoch_may_write_and_epochs_only_grow(open_store):
    store = open_store(epoch=5)
    for epoch in (4, 6):
        with pytest.raises(StaleEpoch):
            store.append([draft(1)], epoch)
    with pytest.raises(StaleEpoch):
        store.grant("primary", 4, 9)
    store.grant("backup", 6, 2)
    with pytest.raises(StaleEpoch):
        store.append([draft(1)], 6)
    assert (store.last_seq, store.held.epoch, store.held.role) == (0, 6, "backup")
    assert peek_held(store.directory) == store.held


def test_a_commit_waits_for_the_disk(open_store):
    store = open_store()
    assert store._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert store._db.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_nothing_is_held_before_the_first_grant(tmp_path):
    assert peek_held(tmp_path / "none").epoch == 0


def test_a_second_process_cannot_open_the_same_store(open_store, tmp_path):
    open_store()
    with pytest.raises(StoreLocked, match=str(os.getpid())):
        Store(tmp_path / "data", KEEP_ALL)


def test_a_file_that_is_no_store_is_an_error(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "messages.db").write_bytes(b"not a database, only text" * 100)
    with pytest.raises(StoreError, match=r"messages\.db"):
        Store(tmp_path / "data", KEEP_ALL)
    (tmp_path / "data" / "messages.db").unlink()
    Store(tmp_path / "data", KEEP_ALL).close()


def trim(store: Store) -> int:
    """One step of what a server does every second."""
    removal = store.to_trim()
    return store.trim_to(removal.last) if removal else 0


def test_retention_by_count_keeps_the_newest_and_the_digest(open_store):
    store = open_store(retention=Retention(records=10, days=0, megabytes=0, dedup_window=100))
    store.append([draft(i) for i in range(30)], 1)
    digest, at_twenty = store.digest, everything(store)[19].digest
    assert "retention-records" in store.to_trim().reason
    assert trim(store) == 20
    assert trim(store) == 0
    assert [r.seq for r in everything(store)] == list(range(21, 31))
    assert store.first_digest == at_twenty
    store.close()
    again = open_store(epoch=0, retention=Retention(10, 0, 0, 100))
    assert (again.first_seq, again.last_seq, again.digest, again.first_digest) == (21, 30, digest, store.first_digest)


class Time:
    """What has really passed since the machine was started, and what its clock shows, in seconds."""

    def __init__(self, monkeypatch):
        self.real, self.boot, self.wall = 1000.0, "this boot", 1_800_000_000.0
        monkeypatch.setattr("messageserver.system.since_boot", lambda: self.real)
        monkeypatch.setattr("messageserver.retention.boot_id", lambda: self.boot)
        monkeypatch.setattr("messageserver.store.time.time_ns", lambda: int(self.wall * 1e9))

    def passes(self, seconds: float) -> None:
        self.real += seconds
        self.wall += seconds


@pytest.fixture
def clock(monkeypatch):
    return Time(monkeypatch)


DAY_S = 86_400
ONE_DAY = Retention(records=0, days=1, megabytes=0, dedup_window=100)


def test_retention_by_age_may_empty_the_log_without_losing_its_position(open_store, clock):
    store = open_store(retention=ONE_DAY)
    store.append([draft(i) for i in range(5)], 1)
    store.note_age()
    assert trim(store) == 0
    clock.passes(DAY_S + 1)
    store.append([draft(5)], 1)
    store.note_age()
    assert "retention-days" in store.to_trim().reason
    assert trim(store) == 5
    clock.passes(DAY_S + 1)
    assert trim(store) == 1
    digest = store.digest
    store.close()
    again = open_store(epoch=0)
    assert (again.last_seq, again.digest) == (6, digest)
    assert again.append([draft(6)], 1).seqs == [7]


@pytest.mark.parametrize("days", [-100, -31, 31, 365, 40_000])
def test_a_clock_that_is_wrong_removes_nothing_whatever_it_shows(open_store, clock, days):
    store = open_store(retention=ONE_DAY)
    store.append([draft(i) for i in range(5)], 1)
    store.note_age()
    clock.wall += days * DAY_S
    store.append([draft(5)], 1)
    clock.passes(3600)
    store.note_age()
    assert store.to_trim() is None
    clock.wall -= days * DAY_S
    assert store.to_trim() is None
    store.close()
    assert open_store(epoch=0, retention=ONE_DAY).to_trim() is None


def test_a_record_from_the_future_does_not_hold_retention_up(open_store, clock):
    store = open_store(retention=ONE_DAY)
    clock.wall += 365 * DAY_S
    store.append([draft(0)], 1)
    clock.wall -= 365 * DAY_S
    store.append([draft(i) for i in range(1, 6)], 1)
    store.note_age()
    clock.passes(DAY_S + 1)
    assert trim(store) == 6


def test_ages_go_on_while_the_server_is_down_but_not_while_the_machine_is(open_store, clock):
    store = open_store(retention=ONE_DAY)
    store.append([draft(0)], 1)
    store.note_age()
    store.close()
    clock.passes(DAY_S / 2)
    again = open_store(epoch=0, retention=ONE_DAY)
    again.note_age()
    again.close()
    # The machine is started anew: what its clock says of the time since then is not believed.
    clock.boot, clock.real, clock.wall = "another boot", 10.0, clock.wall + 100 * DAY_S
    third = open_store(epoch=0, retention=ONE_DAY)
    assert third.to_trim() is None
    clock.passes(DAY_S / 2 + 1)
    assert trim(third) == 1


def test_records_of_a_store_that_knows_no_ages_count_from_now_on(open_store, clock):
    store = open_store(retention=ONE_DAY)
    store.append([draft(i) for i in range(5)], 1)
    store._db.execute("DROP TABLE ages")
    store.close()
    clock.passes(300 * DAY_S)
    again = open_store(epoch=0, retention=ONE_DAY)
    again.note_age()
    assert again.to_trim() is None
    clock.passes(DAY_S + 1)
    assert trim(again) == 5


def test_a_tail_that_is_cut_takes_its_ages_along(open_store, clock):
    store = open_store(retention=ONE_DAY)
    store.append([draft(i) for i in range(5)], 1)
    store.note_age()
    store.truncate_after(2)
    clock.passes(DAY_S - 60)
    store.append([draft(i) for i in range(10, 13)], 1)
    store.note_age()
    clock.passes(61)
    assert trim(store) == 0, "records 1 and 2 have no note of their own any more, and 3 to 5 are new"
    clock.passes(DAY_S)
    assert trim(store) == 5


def test_retention_by_size_removes_the_oldest(open_store):
    store = open_store(retention=Retention(records=0, days=0, megabytes=1, dedup_window=0))
    for _ in range(6):
        store.append([Draft("/topic/a", b"", b"x" * 1000)] * 1000, 1)
    assert store.bytes_used() > 6_000_000
    assert "retention-mb" in store.to_trim().reason
    assert trim(store) == TRIM_ROWS
    while trim(store):
        pass
    assert store.bytes_used() <= 1_000_000
    assert everything(store)[-1].seq == 6000


def test_a_failed_commit_counts_for_nothing_and_recover_goes_on(open_store):
    store = open_store()
    store.append([draft(1)], 1)
    store._db.execute(f"PRAGMA max_page_count={store._db.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(StoreError, match="full"):
        store.append([Draft("/topic/a", b"", b"x" * 100_000, "big")], 1)
    assert store.last_seq == 1
    store.recover()
    assert store.append([Draft("/topic/a", b"", b"x" * 100_000, "big")], 1).seqs == [2]


def promised_and_not_stored(store: Store) -> list[tuple]:
    """The other member was given records 2 and 3 of epoch 1, then this disk did not take them."""
    given: list[tuple] = []
    store.append([draft(1)], 1)
    store._db.execute(f"PRAGMA max_page_count={store._db.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(Promised, match="full"):
        store.append([Draft("/topic/a", b"", b"x" * 100_000, "big"), draft(3)], 1, promise=given.extend)
    assert ([row[0] for row in given], store.last_seq) == ([2, 3], 1)
    return given


def test_records_are_promised_before_they_are_on_disk(open_store):
    store, seen = open_store(), []
    store.append([draft(1), draft(2)], 1, promise=lambda rows: seen.append((len(rows), len(everything(store)))))
    assert (seen, len(everything(store))) == ([(2, 0)], 2)


def test_what_the_other_member_was_given_is_what_is_stored_next(open_store):
    store = open_store()
    given = promised_and_not_stored(store)
    with pytest.raises(StoreError, match="full"):
        store.append([draft(4)], 1)
    assert store.last_seq == 1
    store.recover()
    assert (store.last_seq, store.digest) == (3, given[-1][7])
    assert store.append([Draft("/topic/a", b"", b"x" * 100_000, "big"), draft(4)], 1).seqs == [2, 4]
    assert [tuple(record) for record in everything(store)][1:3] == given


def test_a_disk_that_has_room_again_takes_nothing_before_it_has_recovered(open_store):
    store = open_store()
    given = promised_and_not_stored(store)
    store._db.execute("PRAGMA max_page_count=100000")
    with pytest.raises(StoreError, match="full"):
        # Whoever hands out what is stored would not know of what lies before it.
        store.append([draft(4)], 1)
    store.recover()
    assert store.append([draft(4)], 1).seqs == [4]
    assert [tuple(record) for record in everything(store)][1:3] == given


def test_a_newer_epoch_owes_nothing_of_an_older_one(open_store):
    store = open_store()
    promised_and_not_stored(store)
    store.grant("primary", 1, 5)
    store._db.execute("PRAGMA max_page_count=100000")
    store.grant("primary", 2, 6)
    assert store.append([draft(4)], 2).seqs == [2]
    assert store.epochs() == [(1, 1), (2, 2)]


def test_while_it_is_closed_after_a_failure_it_tells_what_failed(open_store):
    store = open_store()
    assert store.why(sqlite3.OperationalError("disk I/O error")) == "disk I/O error"
    store._db.close()
    with pytest.raises(StoreError, match=r"^disk I/O error$"):
        store.append([draft(1)], 1)


def test_a_foreign_format_is_refused_with_both_numbers(open_store, tmp_path):
    open_store().close()
    with sqlite3.connect(tmp_path / "data" / "messages.db") as db:
        db.execute("PRAGMA user_version=7")
    db.close()
    with pytest.raises(StoreError, match="format 7"):
        Store(tmp_path / "data", KEEP_ALL)


def test_the_reader_filters_by_destination_and_says_where_to_go_on(open_store):
    store = open_store()
    store.append([draft(i, destination="/topic/a.x" if i % 2 else "/log/standard") for i in range(20)], 1)
    reader = Reader(store.directory)
    assert [r.seq for r in reader.read(1, 20, pattern="/topic/a.*").records] == list(range(2, 21, 2))
    assert [r.seq for r in reader.read(5, 9, pattern="/log/standard").records] == [5, 7, 9]
    assert reader.read(1, 20, pattern="/topic/none") == ([], 21)
    first = reader.read(1, 20, limit=3)
    assert ([r.seq for r in first.records], first.next_seq) == ([1, 2, 3], 4)
    assert len(reader.read(1, 20, max_bytes=1).records) == 1, "at least one, however small the budget"
    reader.close()


def test_records_that_are_formed_are_the_next_ones_once_they_are_put(open_store):
    store = open_store()
    formed = store.form([draft(1), draft(2)], 1)
    assert (store.last_seq, everything(store)) == (0, [])
    assert store.put(formed, promised=True).seqs == [1, 2]
    assert [tuple(record) for record in everything(store)] == formed.rows


def test_what_was_formed_and_given_to_the_other_member_is_stored_next_whatever_the_disk_does(open_store):
    store = open_store()
    formed = store.form([Draft("/topic/a", b"", b"x" * 100_000)], 1)
    store._db.execute(f"PRAGMA max_page_count={store._db.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(Promised):
        store.put(formed, promised=True)
    store._db.execute("PRAGMA max_page_count=100000")
    with pytest.raises(StoreError, match="full"):
        store.form([draft(2)], 1)
    store.recover()
    assert store.append([draft(2)], 1).seqs == [2]
    assert [record.body for record in everything(store)] == [b"x" * 100_000, draft(2).body]


def test_nothing_is_formed_for_an_epoch_that_is_not_held(open_store):
    with pytest.raises(StaleEpoch):
        open_store().form([draft(1)], 2)
