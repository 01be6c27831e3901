"""What the probe load of a drill takes from a server that means it ill."""

import asyncio

import pytest

from protocol.stomp_client import FRAME_MAX, frame
from provisioning.drills.worker.load import ProbeLoad


def reader_of(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=FRAME_MAX)
    reader.feed_data(data)
    return reader


async def test_a_frame_is_read_as_far_as_it_says():
    assert await frame(reader_of(b"CONNECTED\ncontent-length:3\n\na\0b\0")) == (
        "CONNECTED", {"content-length": "3"}, b"a\0b")


@pytest.mark.parametrize("length", [FRAME_MAX + 1, 10**12, -1])
async def test_a_frame_that_says_it_is_too_long_is_not_waited_for(length):
    async with asyncio.timeout(5):
        with pytest.raises(ValueError, match=f"{length} bytes"):
            await frame(reader_of(b"CONNECTED\ncontent-length:%d\n\n" % length))


async def test_a_frame_without_an_end_is_given_up():
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.LimitOverrunError):
            await frame(reader_of(b"CONNECTED\n\n" + b"x" * (FRAME_MAX + 2)))


@pytest.fixture
def load():
    """Two messages were sent."""
    made = ProbeLoad((), "/topic/drill", "key")
    made._sent, made._pending = 2, {1: None, 2: None}
    return made


def test_only_messages_that_were_sent_are_counted(load):
    for seq, number in enumerate([1, 2, 2, 0, -1, 3, *range(1000, 2000), 10**4000], 1):
        load._take("MESSAGE", {"drill": "key", "seq": str(seq)}, b"%d ..." % number)
    load._take("MESSAGE", {"drill": "another", "seq": "9"}, b"1 ...")
    load._take("RECEIPT", {"receipt-id": "7"}, b"")
    assert (load.ledger().delivered, load.ledger().acknowledged) == ({1: 1, 2: 2}, frozenset())


@pytest.mark.parametrize("body", [b"", b" ", b"x", "²".encode(), b"9" * 5000])
def test_a_message_without_a_number_breaks_the_connection_as_other_rubbish_does(load, body):
    with pytest.raises(ValueError, match=r"invalid literal|limit|decode"):
        load._take("MESSAGE", {"drill": "key", "seq": "1"}, body)
