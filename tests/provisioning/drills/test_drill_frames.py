"""What the probe load of a drill takes from a server that means it ill."""

import asyncio

import pytest

from provisioning.drills.worker.load import FRAME_MAX, _frame


def reader_of(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=FRAME_MAX)
    reader.feed_data(data)
    return reader


async def test_a_frame_is_read_as_far_as_it_says():
    assert await _frame(reader_of(b"CONNECTED\ncontent-length:3\n\na\0b\0")) == (
        "CONNECTED", {"content-length": "3"}, b"a\0b")


@pytest.mark.parametrize("length", [FRAME_MAX + 1, 10**12, -1])
async def test_a_frame_that_says_it_is_too_long_is_not_waited_for(length):
    async with asyncio.timeout(5):
        with pytest.raises(ValueError, match=f"{length} bytes"):
            await _frame(reader_of(b"CONNECTED\ncontent-length:%d\n\n" % length))


async def test_a_frame_without_an_end_is_given_up():
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.LimitOverrunError):
            await _frame(reader_of(b"CONNECTED\n\n" + b"x" * (FRAME_MAX + 2)))
