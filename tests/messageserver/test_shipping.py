"""The active server's side of the sync link by itself; test_pair.py has it between two servers."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from messageserver.disk import Disk
from messageserver.shipping import Shipping
from messageserver.syncwire import SyncError


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
