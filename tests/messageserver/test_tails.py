"""What SQLite puts together of stored messages is what the server makes of those in memory."""

import contextlib

import pytest

from messageserver.paired_store import PairedStore
from messageserver.reader import TAILS, Frames, Reader, Wanted
from messageserver.records import Draft
from messageserver.settings import Retention
from messageserver.tails import message_tail

DRAFTS = [
    Draft("/topic/plain", b"", b"text"),
    Draft("/topic/plain", b"kind:a\\cb\n", bytes(range(256)) * 3),
    Draft("/topic/plain", "größe:ü\n".encode(), b"", "once"),
    Draft("/topic/plain", b"", b"\0" * 5),
    Draft("/topic/" + r"a\b:c" + "\nd\r%s%d'" + '"ü', b"kind:x\n", b"%s\xff\xfe\0"),
    Draft("/topic/plain", b"", b"x\0y" * 400_000),
]


HEAD = b"MESSAGE\nsubscription:a\\cb\n"


@pytest.fixture
def reader_of(tmp_path):
    """Factory: of a log with these messages."""
    with contextlib.ExitStack() as opened:
        def open_reader(drafts: list[Draft]) -> Reader:
            store = PairedStore(tmp_path, Retention(records=0, days=0, megabytes=0, dedup_window=1000))
            opened.callback(store.close)
            store.grant("primary", 12, 1)
            store.append(drafts, 12)
            reader = Reader(tmp_path)
            opened.callback(reader.close)
            return reader

        yield open_reader


@pytest.fixture
def reader(reader_of):
    return reader_of(DRAFTS)


@pytest.mark.parametrize("pattern", ["*", "/topic/*", *sorted({draft.destination for draft in DRAFTS})])
def test_a_stored_message_goes_out_as_one_from_memory(reader, pattern):
    wanted = Wanted(pattern)
    got, at = [], 1
    while at <= len(DRAFTS):
        batch = reader.tails(at, len(DRAFTS), wanted, limit=4)
        got += batch.records
        at = batch.next_seq
    records = reader.read(1, len(DRAFTS), pattern=pattern, max_bytes=10_000_000).records
    assert records
    assert got == [(each.seq, each.headers, message_tail(*each[:6])) for each in records]


def test_a_large_message_ends_a_batch_and_one_is_always_there(reader):
    assert [each[0] for each in reader.tails(1, 6, Wanted()).records] == [1, 2, 3, 4, 5]
    last = reader.tails(6, 6, Wanted())
    assert ([each[0] for each in last.records], last.next_seq) == ([6], 7)


@pytest.mark.parametrize("pattern", ["*", "/topic/*", *sorted({draft.destination for draft in DRAFTS})])
def test_small_messages_are_joined_to_what_each_of_them_is_alone(reader, pattern):
    upto, wanted = len(DRAFTS) - 1, Wanted(pattern)
    records = reader.read(1, upto, pattern=pattern).records
    frames = reader.frames(1, upto, wanted, HEAD)
    assert frames.data == b"".join(HEAD + message_tail(*each[:6]) for each in records)
    assert (frames.messages, frames.next_seq) == (len(records), records[-1].seq + 1)
    assert reader.frames(frames.next_seq, upto, wanted, HEAD) == Frames(0, b"", upto + 1)


def test_many_small_messages_come_in_several_joined_parts_of_what_is_wanted(reader_of):
    reader = reader_of([Draft(f"/topic/{number % 2}", b"", b"%d" % number) for number in range(2 * TAILS + 20)])
    found, at = [], 1
    while at <= 2 * TAILS + 20:
        frames = reader.frames(at, 2 * TAILS + 20, Wanted("/topic/1"), HEAD)
        found.append(frames.messages)
        at = frames.next_seq
    assert found[:2] == [TAILS, 10]
    assert not any(found[2:])


@pytest.mark.parametrize("draft", [Draft("/topic/a", b"a:b\nexpires:1\n", b""), Draft("/topic/a", b"", b"x" * 2049)])
def test_where_one_is_large_or_may_have_expired_they_are_taken_one_by_one(reader_of, draft):
    reader = reader_of([Draft("/topic/a", b"", b"1"), draft, Draft("/topic/b", b"", b"3")])
    assert reader.frames(1, 3, Wanted("/topic/a"), HEAD) is None
    assert reader.frames(1, 3, Wanted("/topic/b"), HEAD).messages == 1
