"""Whoever takes many places takes them from himself."""

import asyncio

import pytest

from protocol.door import Door
from protocol.lines import WireError
from protocol.strangers import Strangers
from protocol.throttle import Throttle


def strangers(places: int, *guests: tuple[str, str]) -> Strangers:
    made = Strangers(lambda: places)
    for at, (guest, address) in enumerate(guests):
        assert made.came(guest, address, float(at)) is None
    return made


def test_nobody_is_bounded_while_places_are_free():
    made = strangers(1000, *((f"fleet {number}", "10.0.0.1") for number in range(1000)))
    assert len(made) == 1000


def test_the_oldest_of_the_address_that_holds_most_gives_way():
    made = strangers(4, ("honest", "a"), ("flood 1", "b"), ("flood 2", "b"), ("flood 3", "b"))
    assert [made.came(f"flood {number}", "b") for number in (4, 5)] == ["flood 1", "flood 2"]
    assert made.came("another", "c") == "flood 3"
    assert "honest" in made


def test_the_addresses_of_one_network_are_one_machine():
    made = strangers(4, ("honest 1", "192.0.2.1"), ("honest 2", "192.0.2.2"),
                     *((f"flood {number}", f"2001:db8::{number}") for number in (1, 2)))
    assert [made.came(f"flood {number}", f"2001:db8::{number}") for number in (3, 4, 5)] == [
        "flood 1", "flood 2", "flood 3"]


def test_one_that_has_got_further_goes_last():
    made = strangers(3, ("says hello", "a"), ("silent 1", "a"), ("silent 2", "a"))
    made.got_further("says hello")
    assert [made.came(f"silent {number}", "a") for number in (3, 4)] == ["silent 1", "silent 2"]
    for name in ("silent 3", "silent 4"):
        made.got_further(name)
    assert made.came("one more", "a") == "says hello"


def test_a_place_is_free_again_when_its_stranger_is_known_or_gone():
    made = strangers(1, ("first", "a"))
    made.gone("first")
    made.gone("first")
    assert made.came("second", "a") is None
    assert list(made) == ["second"]


def test_who_came_a_moment_ago_or_has_got_further_is_not_among_those_that_hold_up_others():
    made = strangers(9, ("first", "a"), ("second", "a"))
    assert made.oldest(before=0.0, further=False) is None
    assert made.oldest(before=1.0, further=False) == "first"
    made.got_further("first")
    assert made.oldest(before=1.0, further=False) is None
    assert made.oldest(before=2.0, further=False) == "second"


def test_at_once_only_the_address_that_would_still_hold_more_gives_way():
    made = strangers(9, ("flood 1", "b"), ("flood 2", "b"), ("flood 3", "b"), ("honest", "a"))
    assert made.gives_way_to("b") is None
    assert made.gives_way_to("a") == "flood 1"
    made.got_further("flood 1")
    assert made.gives_way_to("new") == "flood 2"
    made.gone("flood 2")
    assert made.gives_way_to("a") is None
    assert made.gives_way_to("new") == "flood 3"
    made.gone("flood 3")
    assert made.gives_way_to("new") is None
    assert strangers(9).gives_way_to("new") is None


@pytest.fixture
async def door_of_two(monkeypatch):
    """(port, outcomes, who was refused): two places, and for how long strangers may stay cut short."""
    monkeypatch.setattr("protocol.door.OPENING_TIMEOUT_S", 0.5)
    outcomes, told = asyncio.Queue(), []
    door = Door(2, told.append)

    async def connected(reader, writer):
        try:
            async with door.opening(reader, writer) as opening:
                outcomes.put_nowait(opening.hello.name)
        except (WireError, OSError) as error:
            outcomes.put_nowait(str(error))
        writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], outcomes, told
    server.close()


async def test_one_that_drips_is_ended_in_time_however_often_it_sends_something(door_of_two):
    port, outcomes, told = door_of_two
    _, writer = await asyncio.open_connection("127.0.0.1", port)

    async def drip():
        while True:
            writer.write(b" ")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    async with asyncio.timeout(5):
        assert await outcomes.get() == "the peer did not show within 0.5 s who it is"
    assert told == ["127.0.0.1: the peer did not show within 0.5 s who it is"]
    dripping.cancel()
    writer.transport.abort()


async def test_a_newcomer_takes_the_place_of_one_that_only_waits(door_of_two):
    port, outcomes, told = door_of_two
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    async with asyncio.timeout(0.4):
        assert "closed" in await outcomes.get()
    assert told == ["127.0.0.1 has not shown who it is, and newer connections wait for its place"]
    for _, writer in held:
        writer.transport.abort()


async def test_who_sends_rubbish_is_told_of_and_who_leaves_is_not(door_of_two):
    port, outcomes, told = door_of_two
    for sent in (b"", b"GET / HTTP/1.1\r\n\r\n"):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(5):
            if not sent:
                writer.close()
            await outcomes.get()
        writer.transport.abort()
    (text,) = told
    assert text.startswith("127.0.0.1: the peer sent ")


def test_strangers_are_told_of_once_a_minute_with_how_many_there_were():
    said, now = [], 0.0
    tell = Throttle(said.append, clock=lambda: now)
    for now in (0.0, 1.0, 59.0, 60.0, 60.5, 125.0, 200.0):
        tell(f"at {now:g}")
    assert said == ["at 0", "at 60 (2 more since the last such line.)", "at 125 (1 more since the last such line.)",
                    "at 200"]
