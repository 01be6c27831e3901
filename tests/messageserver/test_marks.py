"""Marks in two copies: what the log says of positions and queues, after trims, cuts, full copies and upgrades."""

import contextlib
import sqlite3
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messageserver import mark_table, marks, places
from messageserver.mark_table import MarkTable
from messageserver.marks import POSITION, QUEUE, Mark, Since
from messageserver.paired_store import PairedStore
from messageserver.records import Draft

from .test_paired_store import batches, open_store  # noqa: F401  a fixture
from .test_places import FormerRelease
from .test_store import draft, everything

SEQS = st.sets(st.integers(1, 10**12), max_size=20)


def note(store: PairedStore, name: str, seq: int, epoch: int = 1, messages: int = 0) -> None:
    """Append ``messages`` messages and a mark of ``name``; seq 0 ends the name."""
    say(store, name, Mark(seq, destination="/topic/a") if seq else None, epoch, messages)


def say(store: PairedStore, name: str, said: Mark | Since | None, epoch: int = 1, messages: int = 0) -> None:
    store.append([draft(number) for number in range(messages)], epoch, lambda rows: [marks.as_draft(name, said)])


def state(store: PairedStore) -> dict[str, Mark]:
    return store.marks.all(POSITION) | store.marks.all(QUEUE)


def folded(store: PairedStore) -> dict[str, Mark]:
    """The same as ``state``, from all records of a store that has lost none."""
    whole: dict[str, bytes] = {}
    since: dict[str, bytes] = {}
    for row in everything(store):
        if row.destination.startswith(marks.SINCE):
            since[marks.whole_name(row.destination)] = row.body
        elif row.destination.startswith(marks.PREFIX):
            whole[row.destination] = row.body
            since.pop(row.destination, None)
    return {name: marks.read(body, since.get(name, marks.GONE)) for name, body in whole.items() if body != marks.GONE}


@given(st.integers(0, 10**12), SEQS, st.text(max_size=9), st.text(max_size=9))
def test_a_mark_is_read_as_it_was_written(seq, open_seqs, destination, selector):
    mark = Mark(seq, tuple(sorted(open_seqs)), destination, selector)
    assert marks.read(body_of(mark)) == mark


def body_of(said: Mark | Since) -> bytes:
    return marks.as_draft(f"{QUEUE}q", said)[2]


@given(SEQS, SEQS, st.data())
def test_a_mark_that_tells_what_differs_gives_what_a_whole_one_would(open_seqs, later, data):
    settled = data.draw(st.sets(st.sampled_from(sorted(open_seqs)))) if open_seqs else set()
    upto = max(open_seqs, default=0)
    taken = tuple(sorted(upto + seq for seq in later))
    whole, now = Mark(upto, tuple(sorted(open_seqs)), "/topic/a", "b = 1"), 3 * 10**12
    left = (*sorted(open_seqs - settled), *taken)
    since = body_of(Since(now, taken, tuple(sorted(settled))))
    assert marks.read(body_of(whole), since) == Mark(now, left, "/topic/a", "b = 1")
    assert marks.read(marks.GONE, since) == Mark(now, taken)


@pytest.mark.parametrize("body", [b"x", b"[]", b"{}", b'{"seq":1,"open":5}'])
def test_what_is_no_mark_is_refused(body):
    with pytest.raises(ValueError, match="cannot be read"):
        marks.read(body)


def test_the_newest_mark_counts_in_both_copies(open_store):  # noqa: F811
    first, second = open_store("a"), open_store("b", "backup")
    for seq in (1, 2, 3):
        note(first, f"{POSITION}a", seq, messages=2)
    note(first, f"{QUEUE}q", 4)
    note(first, f"{POSITION}b", 5)
    note(first, f"{POSITION}b", 0)
    second.append_foreign(batches(1, everything(first)))
    assert state(first) == state(second) == folded(first)
    assert list(state(first)) == [f"{POSITION}a", f"{QUEUE}q"]
    assert second.digest == first.digest


def test_a_cut_back_brings_back_what_the_log_says_there(open_store):  # noqa: F811
    store = open_store("a")
    note(store, f"{POSITION}a", 1)
    note(store, f"{POSITION}a", 2)
    note(store, f"{POSITION}b", 3)
    store.truncate_after(1)
    assert state(store) == folded(store) == {f"{POSITION}a": Mark(1, destination="/topic/a")}


@pytest.mark.parametrize("name", [f"{POSITION}a", f"{QUEUE}a"])
def test_marks_that_tell_what_differs_follow_every_cut(open_store, name):  # noqa: F811
    store, second = open_store("a"), open_store("b", "backup")
    said = [Mark(4, (2, 4), "/topic/a"), Since(5, (5,)), Since(7, (6, 7), (2,)), Mark(8, (7, 8), "/topic/a"),
            Since(8, (), (7,)), None, Mark(9, (9,), "/topic/a")]
    expected = [said[0], Mark(5, (2, 4, 5), "/topic/a"), Mark(7, (4, 6, 7), "/topic/a"), said[3],
                Mark(8, (8,), "/topic/a"), None, said[6]]
    for each in said:
        say(store, name, each)
    second.append_foreign(batches(1, everything(store)))
    for count in range(len(said), 0, -1):
        store.truncate_after(count)
        assert store.marks.newest(name) == expected[count - 1]
        assert state(store) == folded(store)
    assert second.marks.newest(name) == said[6]


def test_of_marks_that_tell_what_differs_retention_leaves_what_they_say(open_store):  # noqa: F811
    store = open_store("a")
    store.append([draft(number) for number in range(4)], 1)
    say(store, f"{POSITION}a", Mark(4, (2, 4), "/topic/a"))  # record 5
    say(store, f"{QUEUE}q", Mark(4, (3, 4)))
    store.append([draft(4)], 1)  # record 7
    say(store, f"{POSITION}a", Since(7, (7,), (2,)))
    say(store, f"{QUEUE}q", Since(7, (7,), (3,)))
    store.trim_to(6)
    assert state(store) == {f"{POSITION}a": Mark(7, (7,), "/topic/a")}
    assert store.marks.newest(f"{QUEUE}q") == Mark(7, (7,))
    store.trim_to(9)
    assert state(store) == {f"{POSITION}a": Mark(7, (), "/topic/a")}
    assert store.marks.newest(f"{QUEUE}q") is None
    assert len(store.marks.told(9)) == 1


def test_a_release_that_knows_whole_marks_only_finds_the_last_one(open_store):  # noqa: F811
    store = open_store("a")
    whole = Mark(4, (2, 4), "/topic/a")
    say(store, f"{POSITION}a", whole)
    say(store, f"{POSITION}a", Since(7, (7,), (2,)))
    rows = [(row.destination, row.body) for row in everything(store)]
    assert [body for destination, body in rows if destination == f"{POSITION}a"] == [body_of(whole)]


def test_positions_outlive_their_records_and_queues_begin_with_what_is_kept(open_store):  # noqa: F811
    store = open_store("a")
    note(store, f"{POSITION}a", 1)
    note(store, f"{POSITION}a", 2)
    note(store, f"{POSITION}b", 2)
    note(store, f"{POSITION}b", 0)
    note(store, f"{QUEUE}q", 3, messages=3)
    store.trim_to(store.last_seq)
    assert state(store) == {f"{POSITION}a": Mark(2, destination="/topic/a")}
    note(store, f"{POSITION}a", 9)
    store.truncate_after(store.last_seq - 1)
    assert state(store) == {f"{POSITION}a": Mark(2, destination="/topic/a")}


@pytest.mark.parametrize("name", [POSITION + "a", QUEUE + "a"])
def test_a_mark_that_cannot_be_read_keeps_nothing_from_being_removed(open_store, name):  # noqa: F811
    store = open_store("a")
    store.append([Draft(name, b"", b"of a later release"), Draft("/topic/a", b"", b"x")], 1)
    store.trim_to(2)
    assert not list(everything(store))
    # That of a queue speaks of what was removed.
    with pytest.raises(ValueError, match="cannot be read") if name.startswith(POSITION) else contextlib.nullcontext():
        assert store.marks.newest(name) is None


def test_a_full_copy_takes_the_positions_that_have_no_record_any_more(open_store):  # noqa: F811
    first, second = open_store("a"), open_store("b", "backup")
    note(first, f"{POSITION}a", 1)
    first.trim_to(1)
    note(first, f"{POSITION}b", 2)
    second.begin_anew(0, 1, first.first_digest, [], first.marks.told(1))
    second.append_foreign(batches(1, everything(first)))
    assert state(second) == state(first)
    assert len(state(first)) == 2


def complete(store: PairedStore) -> None:
    while store.fill_marks():
        pass


def test_what_a_former_release_stored_as_standby_is_found_before_the_first_question(
        open_store, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(mark_table, "FILL_RECORDS", 4)
    store = open_store("a")
    note(store, f"{POSITION}a", 1, messages=5)
    expected = state(store)
    store.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "a" / "messages.db")) as db:
        db.executescript("DROP TABLE marks; DELETE FROM meta WHERE key = 'marks_complete'")
    again = PairedStore(tmp_path / "a", store.retention)
    try:
        assert not again.marks.is_complete
        assert again.fill_marks()
        complete(again)
        assert state(again) == expected
    finally:
        again.close()


class NoMarks(MarkTable):
    """Of a release that keeps none."""

    def __init__(self, *_):
        pass

    note = forget_after = trim = take = complete = lambda self, *_: None


def cut_back_and_go_on(store: PairedStore, back: int, more: int) -> None:
    store.truncate_after(store.last_seq - back)
    for seq in range(more):
        note(store, f"{POSITION}a", 100 + seq, messages=1)
        note(store, f"{QUEUE}q", 200 + seq)


@pytest.mark.parametrize("block", [4, 2048])
@pytest.mark.parametrize("work", [
    lambda store: cut_back_and_go_on(store, 0, 1), lambda store: cut_back_and_go_on(store, 0, 9),
    lambda store: cut_back_and_go_on(store, 2, 0), lambda store: cut_back_and_go_on(store, 11, 0),
    lambda store: cut_back_and_go_on(store, 1, 1), lambda store: cut_back_and_go_on(store, 11, 9)])
def test_what_a_former_release_did_meanwhile_is_noticed(
        open_store, tmp_path, monkeypatch, block: int, work: Callable[[PairedStore], None]):  # noqa: F811
    monkeypatch.setattr(places, "BLOCK", block)
    store = open_store("a")
    for seq in range(1, 8):
        note(store, f"{POSITION}a", seq, messages=1)
        note(store, f"{POSITION}b", seq)
    store.close()
    with monkeypatch.context() as former:
        former.setattr("messageserver.store.MarkTable", NoMarks)
        former.setattr("messageserver.store.Places", FormerRelease)
        store = open_store("a")
        work(store)
        store.close()
    again = open_store("a")
    complete(again)
    assert state(again) == folded(again)
    again.truncate_after(again.last_seq - 1)
    assert state(again) == folded(again)


def test_what_a_former_release_removed_is_noticed(open_store, monkeypatch):  # noqa: F811
    store = open_store("a")
    for seq in (1, 2):
        note(store, f"{POSITION}a", seq)
        note(store, f"{QUEUE}q", seq)
    note(store, f"{POSITION}b", 3)
    store.close()
    with monkeypatch.context() as former:
        former.setattr("messageserver.store.MarkTable", NoMarks)
        former.setattr("messageserver.store.Places", FormerRelease)
        store = open_store("a")
        store.trim_to(4)
        store.close()
    again = open_store("a")
    complete(again)
    assert {name: mark.seq for name, mark in state(again).items()} == {f"{POSITION}a": 2, f"{POSITION}b": 3}
    assert len(again.marks.told(4)) == 1
