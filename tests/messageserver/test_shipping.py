"""The active server's side of the sync link by itself; test_pair.py has it between two servers."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from messageserver.disk import Disk
from messageserver.shipping import Shipping
from messageserver.syncwire import SyncError, batch


class Stranger:
    """A link whose other end says something else than where it stands."""

    async def expect(self, kind):
        raise SyncError(f"the other member sent READY where {kind.name} was due")


def test_a_standby_that_cannot_be_met_leaves_no_thread_behind():
    async def meet() -> list[threading.Thread]:
        disk, before = Disk(), set(threading.enumerate())
        shipping = Shipping(Stranger(), SimpleNamespace(disk=disk), 1)
        begun = [thread for thread in threading.enumerate() if thread not in before]
        with pytest.raises(SyncError, match="POSITION was due"):
            await shipping.run()
        assert disk._threads == []
        return begun

    [thread] = asyncio.run(meet())
    thread.join(timeout=10)
    assert not thread.is_alive()


class Line:
    """A link that keeps what is sent; ``is_open`` until it is lost."""

    def __init__(self):
        self.sent, self.is_open = [], True

    def send(self, data: bytes) -> None:
        self.sent.append(data)


def rows_from(first: int, count: int = 1) -> list[tuple]:
    return [(seq, 1, 0, "/topic/a", b"", b"x", None, bytes([seq] * 16)) for seq in range(first, first + count)]


def formed(*groups: list[tuple], line: Line, sent_seq: int = 0) -> Shipping:
    """What becomes of ``groups`` at a standby that has been sent everything up to ``sent_seq``."""
    async def form() -> Shipping:
        shipping = Shipping(line, SimpleNamespace(disk=Disk()), 1)
        shipping._sent_seq = sent_seq
        for rows in groups:
            shipping._formed(rows)
        return shipping

    return asyncio.run(form())


def test_a_standby_that_lacks_nothing_is_sent_records_as_they_are_formed():
    line, groups = Line(), [rows_from(1, 3), rows_from(4)]
    formed(*groups, line=line)
    assert line.sent == [batch(1, rows) for rows in groups]


def test_records_wait_behind_those_that_a_standby_lacks():
    line, missing = Line(), rows_from(3)
    shipping = formed(missing, rows_from(4), line=line, sent_seq=1)
    assert line.sent == []
    assert shipping._from_memory() is None, "record 2 comes first, from the disk"
    shipping._sent_seq = 2
    assert [shipping._from_memory(), line.sent] == [missing, []]


def test_nothing_is_written_to_a_link_that_was_lost():
    line = Line()
    line.is_open = False
    shipping = formed(rows_from(1), line=line)
    assert (line.sent, shipping._from_memory()) == ([], rows_from(1))
