"""Frames of the sync link, however the bytes come."""

import asyncio
from types import SimpleNamespace

import pytest

from messageserver.synclink import AHEAD_BYTES, SyncLink
from messageserver.syncwire import Kind, SyncError, frame

FRAMES = [(Kind.ACK, b"a"), (Kind.BATCH, b"b" * 3 * AHEAD_BYTES), (Kind.ECHO, b""), (Kind.BATCH, b"c" * AHEAD_BYTES),
          (Kind.TRIM, b"d" * 8)]


class CountingReader(asyncio.StreamReader):
    reads = 0

    async def read(self, n: int = -1) -> bytes:
        self.reads += 1
        return await super().read(n)


def received(data: bytes, rest: bytes = b"", *, piece: int, count: int) -> tuple[list[tuple[Kind, bytes]], int]:
    """``count`` frames of ``rest``, which was read with the greeting, and of ``data``, which comes in pieces; and how
    often the connection was read."""
    async def receive() -> tuple[list[tuple[Kind, bytes]], int]:
        reader = CountingReader(limit=len(data) + 1)
        link = SyncLink(SimpleNamespace(detach=lambda: (reader, None, rest)), lambda: 5.0)

        async def feed() -> None:
            for at in range(0, len(data), piece):
                reader.feed_data(data[at : at + piece])
                await asyncio.sleep(0)
            reader.feed_eof()

        feeding = asyncio.create_task(feed())
        found = [await link.receive() for _ in range(count)]
        await feeding
        return found, reader.reads

    return asyncio.run(receive())


@pytest.mark.parametrize("piece", [1000, AHEAD_BYTES, 10 * AHEAD_BYTES])
@pytest.mark.parametrize("early", [0, 3, 50])
def test_frames_come_whole_and_in_order(piece, early):
    data = b"".join(frame(*each) for each in FRAMES)
    assert received(data[early:], data[:early], piece=piece, count=len(FRAMES))[0] == FRAMES


def test_small_frames_that_came_together_are_read_at_once():
    small = [(Kind.ACK, b"x" * 32)] * 5
    assert received(b"".join(frame(*each) for each in small), piece=10_000, count=5) == (small, 1)


def test_a_connection_that_ends_within_a_frame_is_an_error():
    with pytest.raises(SyncError, match="closed the connection"):
        received(frame(Kind.ACK, b"x" * 32)[:-1], piece=10_000, count=1)
