"""What a server says by itself of its disk."""

import calendar
import re
import time
from types import SimpleNamespace

import pytest

from messageserver.housekeeping import Housekeeping
from messageserver.store_thread import StoreThread
from protocol.events import Own


@pytest.fixture
async def server():
    """As much of a server as looks at its disk; ``said`` is its log, ``broker.disk.silent_s`` what the disk does."""
    said, limit_s = [], 2.0
    broker = SimpleNamespace(
        disk=SimpleNamespace(silent_s=0.0), storing=StoreThread(None, None, lambda: limit_s, lambda: None),
        settings=SimpleNamespace(redundancy=SimpleNamespace(standby_timeout_s=limit_s)))
    log = SimpleNamespace(standard=lambda number, text: said.append((number, text)))
    return SimpleNamespace(broker=broker, said=said, look=Housekeeping(broker, log).look_at_disk)


async def test_what_is_said_of_a_disk_that_hangs_is_still_true_after_an_hour(server):
    disk, storing = server.broker.disk, server.broker.storing
    for disk.silent_s in (1.0, 2.5, 3600.0):
        server.look()
    found = re.fullmatch(r"The disk has not answered since (.*) UTC\.", storing.unavailable)
    since = calendar.timegm(time.strptime(found[1], "%Y-%m-%d %H:%M:%S"))
    assert time.time() - 60 < since <= time.time() - 2
    assert server.said == [(Own.DISK_SILENT, storing.unavailable)]


async def test_that_the_disk_answers_again_is_said_once(server):
    disk = server.broker.disk
    for disk.silent_s in (2.5, 0.0, 0.0):
        server.look()
    assert [number for number, _ in server.said] == [Own.DISK_SILENT, Own.DISK_ANSWERS]
