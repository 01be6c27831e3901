"""Frames of the sync link, however the bytes come."""

import asyncio
import socket
import struct
from types import SimpleNamespace

import pytest
import uvloop

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


async def sending(link: SyncLink) -> None:
    while True:
        link.send(frame(Kind.ACK, b"x" * 32))
        await link.drained()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_what_is_sent_after_the_other_member_was_killed_ends_the_link_and_nothing_else(new_loop):
    """Its end may be noticed by whoever writes first, and that must not be an error that ends the server."""
    async def killed() -> None:
        taken: asyncio.Queue = asyncio.Queue()
        server = await asyncio.start_server(lambda reader, writer: taken.put_nowait((reader, writer)), "127.0.0.1", 0)
        _, far = await asyncio.open_connection(*server.sockets[0].getsockname())
        reader, writer = await taken.get()
        link = SyncLink(SimpleNamespace(detach=lambda: (reader, writer, b"")), lambda: 5.0)
        # As the kernel does it of a process that is killed with something unread.
        far.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.transport.abort()
        async with asyncio.timeout(10):
            with pytest.raises(ConnectionError):
                await sending(link)
            while link.is_open:
                await asyncio.sleep(0)
        # Whatever is closed by now.
        for _ in range(3):
            await asyncio.sleep(0)
            link.send(frame(Kind.BEAT))
        await link.close()
        server.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(killed())
