"""The frames between the members: what goes in comes out, and nothing that is damaged gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messageserver import syncwire
from messageserver.syncwire import Kind, SyncError

HEADER = syncwire.HEADER.size
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
record = st.tuples(st.integers(1, 2**40), st.integers(0, 2**50), text, st.binary(max_size=20), st.binary(max_size=40),
                   st.none() | text, st.binary(min_size=16, max_size=16))


def rows_of(records, first_seq):
    return [(first_seq + i, *columns) for i, columns in enumerate(records)]


@given(st.lists(record, min_size=1, max_size=20), st.integers(1, 2**40), st.integers(1, 2**40))
def test_a_batch_comes_out_as_it_went_in(records, epoch, first_seq):
    rows = rows_of(records, first_seq)
    found = syncwire.read_batch(syncwire.batch(epoch, rows)[HEADER:])
    assert (found.epoch, found.first_seq, found.digest) == (epoch, first_seq, rows[-1][7])
    assert found.columns == [row[1:7] for row in rows]


@given(st.lists(record, min_size=1, max_size=5), st.data())
def test_a_batch_that_was_cut_or_lengthened_is_refused(records, data):
    payload = syncwire.batch(1, rows_of(records, 1))[HEADER:]
    cut = data.draw(st.integers(0, len(payload) - 1))
    for damaged in (payload[:cut], payload + b"x"):
        with pytest.raises(SyncError):
            syncwire.read_batch(damaged)


@given(st.binary(max_size=200))
def test_rubbish_is_refused_by_every_reader(payload):
    for read in (syncwire.read_batch, lambda data: syncwire.read_words(data, reason=str, epoch=int)):
        try:
            read(payload)
        except SyncError:
            continue
    for read, size in ((syncwire.read_ack, 32), (syncwire.read_echo, 8)):
        if len(payload) != size:
            with pytest.raises(SyncError):
                read(payload)


def test_small_frames_come_out_as_they_went_in():
    assert syncwire.read_ack(syncwire.ack(3, 77, b"d" * 16)[HEADER:]) == (3, 77, b"d" * 16)
    assert syncwire.read_echo(syncwire.echo(9)[HEADER:]) == 9
    frame = syncwire.words(Kind.REFUSE, reason="no", epoch=4)
    assert syncwire.header(frame[:HEADER]) == (Kind.REFUSE, len(frame) - HEADER)
    assert syncwire.read_words(frame[HEADER:], reason=str, epoch=int) == {"reason": "no", "epoch": 4}


@pytest.mark.parametrize("head", [b"\x63\x00\x00\x00\x00", b"\x01\xff\xff\xff\xff", b"\x04\xff\xff\xff\xff"])
def test_an_unknown_kind_or_an_absurd_length_is_refused(head):
    with pytest.raises(SyncError):
        syncwire.header(head)
