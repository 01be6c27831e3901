"""What SQLite puts together of stored messages is what the server makes of those in memory."""

import pytest

from messageserver.paired_store import PairedStore
from messageserver.reader import Reader, Wanted
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


@pytest.fixture
def reader(tmp_path):
    store = PairedStore(tmp_path, Retention(records=0, days=0, megabytes=0, dedup_window=1000))
    store.grant("primary", 12, 1)
    store.append(DRAFTS, 12)
    reader = Reader(tmp_path)
    yield reader
    reader.close()
    store.close()


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
