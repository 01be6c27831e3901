"""The store as one of a pair: foreign records, the common point, a divergent tail, a full copy."""

import json

import pytest

from messageserver.ownership import StaleEpoch, StoreError
from messageserver.paired_store import PairedStore
from messageserver.syncwire import batch, header, read_batch
from protocol.epochs import common_point

from .test_store import DAY_S, KEEP_ALL, ONE_DAY, Retention, Time, draft, everything, trim


@pytest.fixture
def open_store(tmp_path):
    """Factory: a store under tmp_path that holds ``role`` in ``epoch``, closed with the test."""
    stores = []

    def opened(name: str, role: str = "primary", epoch: int = 1, retention=KEEP_ALL) -> PairedStore:
        store = PairedStore(tmp_path / name, retention)
        stores.append(store)
        if role:
            store.grant(role, epoch, epoch)
        return store

    yield opened
    for store in stores:
        store.close()


def batches(epoch: int, rows) -> list:
    """The batch that a standby reads when the active server of ``epoch`` sends ``rows``."""
    return [read_batch(batch(epoch, rows)[5:])]


def test_two_copies_of_the_same_records_have_the_same_digest(open_store):
    first, second = open_store("a"), open_store("b", "backup", 2)
    first.append([draft(i, f"d{i}") for i in range(5)], 1)
    first.grant("primary", 2, 2)
    first.append([draft(i) for i in range(5, 150)], 2)
    records = everything(first)
    second.append_foreign(batches(2, records[:3]))
    second.append_foreign(batches(2, records[3:100]) + batches(2, records[100:]))
    assert (second.last_seq, second.digest) == (first.last_seq, first.digest)
    assert everything(second) == records
    assert second.epochs() == first.epochs() == [(1, 1), (2, 6)]
    second.grant("primary", 3, 3)
    assert second.append([draft(0, "d0")], 3).seqs == [1], "the dedup-ids came along"


def test_a_gap_another_digest_or_an_epoch_from_the_future_is_refused_and_nothing_is_stored(open_store):
    first, second = open_store("a"), open_store("b", "backup")
    first.append([draft(i) for i in range(5)], 1)
    records = everything(first)
    with pytest.raises(StoreError, match="does not follow record 0"):
        second.append_foreign(batches(1, records[1:]))
    with pytest.raises(StoreError, match="digests differ"):
        second.append_foreign(batches(1, [records[0], records[1]._replace(body=b"changed")]))
    with pytest.raises(StoreError, match="epoch 2 does not follow"):
        second.append_foreign(batches(1, [records[0]._replace(epoch=2)]))
    assert second.last_seq == 0


@pytest.mark.parametrize(("role", "held"), [("backup", 3), ("backup", 1), ("primary", 2), ("", 0)])
def test_only_a_standby_of_exactly_that_epoch_takes_records(open_store, role, held):
    first, second = open_store("a", epoch=2), open_store("b", role, held)
    first.append([draft(0)], 2)
    with pytest.raises(StaleEpoch, match="refused"):
        second.append_foreign(batches(2, everything(first)))
    assert second.last_seq == 0


def test_a_divergent_tail_is_cut_back_to_the_common_point_and_kept_in_a_file(open_store):
    first, second = open_store("a"), open_store("b", "backup")
    first.append([draft(i, f"d{i}") for i in range(10)], 1)
    second.append_foreign(batches(1, everything(first)[:6]))
    first.grant("backup", 2, 2)
    assert first.cut_back(6) == 4
    assert (first.last_seq, first.digest) == (6, second.digest)
    kept = [json.loads(line) for path in first.directory.glob("discarded-*.jsonl")
            for line in path.read_text().splitlines()]
    assert [(r["seq"], r["epoch"], r["body"], r["dedup-id"]) for r in kept] == [
        (seq, 1, f"body {seq - 1}", f"d{seq - 1}") for seq in range(7, 11)]
    assert first.cut_back(6) == 0
    assert len([*first.directory.glob("discarded-*.jsonl")]) == 1
    first.grant("primary", 3, 3)
    assert first.append([draft(9, "d9")], 3).seqs == [7], "a cut record does not make its retry a duplicate"


def test_a_full_copy_begins_anew_and_keeps_what_only_this_copy_had(open_store):
    first = open_store("a", retention=Retention(records=3, days=0, megabytes=0, dedup_window=100))
    second = open_store("b", "primary", 1)
    first.append([draft(i) for i in range(10)], 1)
    trim(first)
    second.append([draft(i + 100) for i in range(2)], 1)
    second.grant("backup", 1, 2)
    assert second.begin_anew(0, first.first_seq - 1, first.digest_at(first.first_seq - 1)) == 2
    assert (second.last_seq, second.first_seq) == (7, 8)
    second.append_foreign(batches(1, everything(first)))
    assert (second.last_seq, second.digest) == (first.last_seq, first.digest)
    assert len([*second.directory.glob("discarded-*.jsonl")]) == 1


def test_a_full_copy_takes_the_ages_of_its_records_along(open_store, monkeypatch):
    clock = Time(monkeypatch)
    first, second = open_store("a", retention=ONE_DAY), open_store("b", "backup", retention=ONE_DAY)
    for number in range(3):
        first.append([draft(number)], 1)
        first.note_age()
        clock.passes(DAY_S / 4)
    second.begin_anew(0, 0, bytes(16), first.ages.told())
    second.append_foreign(batches(1, everything(first)))
    assert second.ages.told() == first.ages.told()
    clock.passes(DAY_S / 2)
    assert (first.to_trim().last, second.to_trim().last) == (2, 2)
    second.begin_anew(0, 0, bytes(16), [["x", 1], [1], [2, -5.0], [3, "old"], 7, [-1, 1.0]])
    assert second.ages.told() == []


def test_what_was_put_aside_counts_until_somebody_takes_the_files_away(open_store):
    first = open_store("a")
    first.append([draft(i) for i in range(10)], 1)
    first.cut_back(7)
    first.cut_back(5)
    assert first.discarded == 5
    first.close()
    again = open_store("a", role="")
    assert again.discarded == 5
    sorted(again.directory.glob("discarded-*.jsonl"))[0].unlink()
    again.close()
    assert open_store("a", role="").discarded == 2


def test_a_store_keeps_its_name_and_one_made_anew_has_another(open_store):
    first = open_store("a")
    name = first.copy
    first.close()
    assert open_store("a", role="").copy == name
    assert open_store("b").copy != name


def test_the_digest_is_known_for_every_record_that_is_kept(open_store):
    store = open_store("a", retention=Retention(records=5, days=0, megabytes=0, dedup_window=100))
    assert store.digest_at(0) == bytes(16)
    store.append([draft(i) for i in range(10)], 1)
    digests = {record.seq: record.digest for record in everything(store)}
    trim(store)
    assert [store.digest_at(seq) for seq in range(5, 11)] == [digests[seq] for seq in range(5, 11)]
    assert store.digest_at(4) is None
    assert store.digest_at(11) is None


@pytest.mark.parametrize(("ours", "our_last", "theirs", "their_last", "common"), [
    ([], 0, [], 0, 0),
    ([(1, 1)], 5, [], 0, 0),
    ([(1, 1)], 5, [(1, 1)], 3, 3),
    ([(1, 1), (3, 6)], 9, [(1, 1)], 8, 5),
    ([(1, 1), (3, 6)], 9, [(1, 1), (2, 5)], 8, 4),
    ([(1, 1), (2, 6), (3, 6)], 9, [(1, 1), (3, 6)], 7, 7),
    ([(4, 10)], 20, [(1, 1), (4, 10)], 15, 15),
    ([(4, 10)], 20, [(1, 1), (2, 6)], 9, 0),
])
def test_the_common_point_is_the_last_record_of_one_epoch_in_both(ours, our_last, theirs, their_last, common):
    assert common_point(ours, our_last, theirs, their_last) == common
    assert common_point(theirs, their_last, ours, our_last) == common


def test_a_frame_tells_its_length_before_it_is_read():
    data = batch(3, [(1, 3, 5, "/topic/a", b"", b"body", None, bytes(16))])
    kind, length = header(data[:5])
    assert (kind.name, length) == ("BATCH", len(data) - 5)
