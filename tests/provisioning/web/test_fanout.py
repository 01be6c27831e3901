"""One reader of the stream of changes for all tabs of a process, against a real Valkey."""

import asyncio
import contextlib
import time

import pytest
import redis

from provisioning.core.signals import STREAM
from provisioning.web import fanout
from provisioning.web.fanout import TOPICS_MAX, Fanout, Listener, TooSlow
from provisioning.web.stream_position import StreamTrouble
from tests.waiting import wait_for

TABS = 200
SOON_S = 5.0


@pytest.fixture
def changes(valkey):
    client = redis.Redis.from_url(valkey, decode_responses=True)
    client.delete(STREAM)
    client.add = lambda topic: client.xadd(STREAM, {"topic": topic})
    client.ids = lambda: {each["id"] for each in client.client_list()}
    yield client
    client.close()


async def heard(listener, last):
    """All topics until the one that was announced last."""
    topics = []
    async with asyncio.timeout(SOON_S):
        while last not in topics:
            topics += (await listener.next(SOON_S))[1]
    return topics


async def test_two_hundred_tabs_are_one_reader_at_redis_and_hear_at_once(valkey, changes):
    shared, before = Fanout(), changes.ids()
    async with contextlib.AsyncExitStack() as tabs:
        opened = await asyncio.gather(*[tabs.enter_async_context(shared.listen(valkey)) for _ in range(TABS)])
        await asyncio.to_thread(wait_for, lambda: blocked(changes) == 1, SOON_S)
        ours = [each for each in changes.client_list() if each["id"] not in before]
        assert len(ours) == 2  # the reader, and who looks up where a tab goes on
        assert [each["cmd"] for each in ours].count("xread") == 1
        for number in range(20):
            changes.add(f"application:{number}")
        began = time.monotonic()
        for topics in await asyncio.gather(*[heard(tab, "application:19") for tab in opened]):
            assert topics == [f"application:{number}" for number in range(20)]
        assert time.monotonic() - began < 2
    await asyncio.to_thread(wait_for, lambda: changes.ids() == before, SOON_S)


def blocked(changes):
    return changes.info("clients")["blocked_clients"]


async def test_a_tab_goes_on_after_its_last_event_and_misses_nothing_that_comes_meanwhile(valkey, changes):
    shared = Fanout()
    seen = changes.add("application:1")
    changes.add("application:2")
    async with shared.listen(valkey) as first:
        changes.add("application:3")
        assert await heard(first, "application:3") == ["application:3"]
        async with shared.listen(valkey, last_event_id=seen) as second:
            assert (second.start, second.gap) == (seen, False)
            changes.add("application:4")
            assert await heard(second, "application:4") == [f"application:{number}" for number in (2, 3, 4)]


async def test_events_that_come_while_a_tab_catches_up_are_heard_after_what_it_missed(valkey, changes, monkeypatch):
    shared, looked = Fanout(), fanout.locate
    seen = changes.add("application:1")
    changes.add("application:2")

    async def located(*args, **kwargs):
        position = await looked(*args, **kwargs)
        changes.add("application:3")
        # The reader has it, and the tab will find it once more in what it missed.
        await asyncio.to_thread(wait_for, lambda: blocked(changes) == 1, SOON_S)
        return position

    async with shared.listen(valkey):
        monkeypatch.setattr(fanout, "locate", located)
        async with shared.listen(valkey, last_event_id=seen) as tab:
            assert await heard(tab, "application:3") == ["application:2", "application:3"]


async def test_a_tab_that_takes_nothing_is_dropped_and_comes_back_by_its_last_event(valkey, changes, monkeypatch):
    monkeypatch.setattr(fanout, "TOPICS_MAX", 50)
    shared = Fanout()
    async with shared.listen(valkey) as quick, shared.listen(valkey) as slow:
        topics = []
        for number in range(60):
            changes.add(f"application:{number}")
            topics += await heard(quick, f"application:{number}")
        assert topics == [f"application:{number}" for number in range(60)]
        with pytest.raises(TooSlow):
            await slow.next(SOON_S)
        assert not slow._topics  # nothing is kept for it any more
        async with shared.listen(valkey, last_event_id=slow.start) as again:
            # What it missed is more than is kept for one tab: it asks for everything instead.
            assert again.gap
        last = changes.xrevrange(STREAM, count=3)[-1][0]
        async with shared.listen(valkey, last_event_id=last) as again:
            assert (await heard(again, "application:59"), again.gap) == (["application:58", "application:59"], False)


def test_what_waits_for_a_tab_is_bounded_however_often_the_same_changes():
    tab = Listener()
    for number in range(TOPICS_MAX * 3):
        tab.put(f"{number + 1}-0", [f"application:{number % 10}"])
    assert asyncio.run(tab.next(SOON_S)) == (f"{TOPICS_MAX * 3}-0", [f"application:{number}" for number in range(10)])


async def test_redis_that_ends_the_reader_is_told_to_each_tab_and_the_next_one_reads_anew(valkey, changes):
    shared = Fanout()
    async with shared.listen(valkey) as one, shared.listen(valkey) as other:
        await asyncio.to_thread(wait_for, lambda: blocked(changes) == 1, SOON_S)
        for each in changes.client_list():
            if each["cmd"] == "xread":
                changes.client_kill(each["addr"])
        for tab in (one, other):
            with pytest.raises(StreamTrouble):
                await tab.next(SOON_S)
        async with shared.listen(valkey) as anew:
            changes.add("jobs")
            assert await heard(anew, "jobs") == ["jobs"]
