"""Connections that wait for their opening."""

import asyncio
import contextlib
import socket

import pytest

from control import server
from control.openings import BEAT, Openings
from protocol.wire import OPENING_TIMEOUT_S, dial
from provisioning.models import Event
from tests.scenarios.harness import PATIENCE

from .conftest import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pair_of_sockets():
    with contextlib.ExitStack() as opened:
        def make() -> tuple[socket.socket, socket.socket]:
            theirs, ours = (opened.enter_context(each) for each in socket.socketpair())
            ours.setblocking(False)
            return theirs, ours

        yield make


def test_an_address_that_dials_often_waits_behind_itself(pair_of_sockets):
    waiting = Openings(beats=True)
    often = [pair_of_sockets()[1] for _ in range(3)]
    for connection in often:
        waiting.add("10.0.0.1", connection)
    once = pair_of_sockets()[1]
    waiting.add("10.0.0.2", once)
    assert [waiting.next() for _ in range(5)] == [often[0], once, *often[1:], None]


def test_the_addresses_of_one_network_wait_behind_each_other(pair_of_sockets):
    waiting = Openings(beats=True)
    often = [pair_of_sockets()[1] for _ in range(3)]
    for number, connection in enumerate(often):
        waiting.add(f"2001:db8::{number}", connection)
    once = pair_of_sockets()[1]
    waiting.add("2001:db8:0:1::1", once)
    assert [waiting.next() for _ in range(5)] == [often[0], once, *often[1:], None]


def test_one_that_went_away_is_passed_over(pair_of_sockets):
    waiting = Openings(beats=True)
    gone, stays = pair_of_sockets(), pair_of_sockets()
    for _, ours in (gone, stays):
        waiting.add("10.0.0.1", ours)
    gone[0].close()
    assert (waiting.next(), len(waiting)) == (stays[1], 0)


@pytest.mark.parametrize(("beats", "heard"), [(True, BEAT), (False, b"")])
def test_those_that_wait_are_shown_a_sign_of_life_where_they_can_understand_it(pair_of_sockets, beats, heard):
    waiting = Openings(beats=beats)
    theirs, ours = pair_of_sockets()
    waiting.add("10.0.0.1", ours)
    waiting.beat()
    theirs.setblocking(False)
    assert _read(theirs) == heard


def _read(connection: socket.socket) -> bytes:
    try:
        return connection.recv(100)
    except BlockingIOError:
        return b""


@contextlib.contextmanager
def strangers(control, count, **how):
    """So many connections that say nothing."""
    with contextlib.ExitStack() as opened:
        for _ in range(count):
            opened.enter_context(socket.create_connection(("127.0.0.1", control.port), **how))
        yield


async def gets_in(control, objects):
    channel = await dial("127.0.0.1", control.port, kind="host", name="alpha", secret=objects.host.secret, pid=1,
                         started=1, timeout_s=OPENING_TIMEOUT_S)
    await channel.close()


async def test_strangers_that_say_nothing_cost_others_a_wait_and_not_their_connection(control, objects, monkeypatch):
    monkeypatch.setattr(server, "OPENINGS", 4)
    monkeypatch.setattr(server, "OPENING_TIMEOUT_S", 1.0)
    with strangers(control, 20, source_address=("127.0.0.2", 0)):
        await gets_in(control, objects)


@pytest.mark.parametrize("flood", [1, 3])
async def test_who_takes_all_places_gives_way_at_once_to_another_address(control, objects, monkeypatch, flood):
    for name, value in (("OPENINGS", 8), ("GRACE_S", 60.0), ("OPENING_TIMEOUT_S", 60.0)):
        monkeypatch.setattr(server, name, value)
    with contextlib.ExitStack() as opened:
        for number in range(60):
            opened.enter_context(socket.create_connection(
                ("127.0.0.1", control.port), source_address=(f"127.0.0.{2 + number % flood}", 0)))
        for _ in range(5):
            async with asyncio.timeout(5 * PATIENCE):
                channel = await dial("127.0.0.1", control.port, kind="host", name="alpha", secret=objects.host.secret,
                                     pid=1, started=1)
            await channel.close()


def test_one_address_may_be_asked_for_its_turn(pair_of_sockets):
    waiting = Openings(beats=True)
    first, second, gone = pair_of_sockets()[1], pair_of_sockets()[1], pair_of_sockets()
    waiting.add("10.0.0.1", first)
    waiting.add("10.0.0.2", gone[1])
    waiting.add("10.0.0.2", second)
    gone[0].close()
    assert [waiting.next("10.0.0.2"), waiting.next("10.0.0.2"), waiting.next("10.0.0.3")] == [second, None, None]
    assert (len(waiting), waiting.next()) == (1, first)


async def test_strangers_that_are_renewed_all_the_time_give_way_to_who_waits(control, objects, monkeypatch):
    monkeypatch.setattr(server, "OPENINGS", 4)
    monkeypatch.setattr(server, "GRACE_S", 0.3)
    monkeypatch.setattr(server, "OPENING_TIMEOUT_S", 60.0)
    with strangers(control, 8):
        await gets_in(control, objects)


def test_of_too_many_that_wait_the_oldest_of_the_address_with_most_is_closed(pair_of_sockets):
    waiting = Openings(beats=True)
    once, often = pair_of_sockets()[1], [pair_of_sockets()[1] for _ in range(2)]
    waiting.add("10.0.0.2", once)
    for connection in often:
        waiting.add("10.0.0.1", connection)
    assert waiting.give_way() == "10.0.0.1"
    assert often[0].fileno() == -1
    waiting.give_way()
    assert [waiting.next() for _ in range(2)] == [often[1], None]


async def test_beyond_all_bounds_the_newest_still_gets_its_turn_and_that_is_said_once(control, objects, monkeypatch,
                                                                                    caplog):
    monkeypatch.setattr(server, "WAITING_MAX", 3)
    monkeypatch.setattr(server, "OPENINGS", 1)
    monkeypatch.setattr(server, "GRACE_S", 0.1)
    with strangers(control, 10):
        await gets_in(control, objects)
    assert told(caplog) == [
        "A connection to control was refused: 127.0.0.1: more than 3 connections wait for their turn."]


def told(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if "was refused" in record.getMessage()]


async def test_strangers_that_are_silent_slow_or_give_way_are_told_of_once_a_minute(control, objects, monkeypatch,
                                                                                   caplog):
    monkeypatch.setattr(server, "OPENINGS", 2)
    monkeypatch.setattr(server, "GRACE_S", 0.1)
    with strangers(control, 8):
        await eventually(lambda: told(caplog), "nothing was told")
        await gets_in(control, objects)
    assert told(caplog) == ["A connection to control was refused: 127.0.0.1 has not shown who it is, and newer "
                            "connections wait for its place."]
    event = await eventually(Event.objects.filter(source="stranger").afirst, "no event")
    assert (event.host_id, event.level, event.text) == (None, "alarm", told(caplog)[0])


@pytest.mark.parametrize(("said", "why"), [
    (b"", "the peer did not show within 0.3 s who it is"), (b"GET / HTTP/1.1\r\n\r\n", "the peer sent "),
])
async def test_a_stranger_that_is_silent_or_says_rubbish_is_told_of(control, objects, monkeypatch, caplog, said, why):
    monkeypatch.setattr(server, "OPENING_TIMEOUT_S", 0.3)
    with socket.create_connection(("127.0.0.1", control.port)) as connection:
        connection.sendall(said)
        await eventually(lambda: told(caplog), "nothing was told")
    [text] = told(caplog)
    assert text.startswith(f"A connection to control was refused: 127.0.0.1: {why}")
