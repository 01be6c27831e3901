"""The wire over plain sockets, with the asyncio side as the peer."""

import asyncio

import pytest

from protocol.lines import MAX_LINE_BEFORE_WELCOME, RefusedError, StrangerError, WireError
from protocol.messages import Configuration, Ping, Pong
from protocol.socket_line import dial

from .test_wire import echo_pings, listener, who


def opened(port: int, **changes):
    return asyncio.to_thread(dial, "127.0.0.1", port, **who(**changes))


async def test_both_sides_know_the_secret_and_speak():
    async with listener(echo_pings) as (port, _):
        line = await opened(port)
        line.send(Ping())
        assert isinstance(await asyncio.to_thread(line.receive), Pong)
        line.close()
        with pytest.raises(WireError, match="broke"):
            line.send(Ping())


async def test_a_wrong_secret_is_refused_with_the_event_number():
    async with listener(echo_pings) as (port, _):
        with pytest.raises(RefusedError, match="wrong secret") as refused:
            await opened(port, secret="guess")
        assert refused.value.event == 3007


async def test_a_listener_that_does_not_know_the_secret_is_not_believed():
    async def impostor(opening):
        await opening.accept("made up")

    async with listener(impostor) as (port, _):
        with pytest.raises(StrangerError, match="does not know the shared secret"):
            await opened(port)


async def test_who_waits_longer_than_the_silence_limit_is_kept_by_its_heartbeats():
    async with listener(echo_pings) as (port, errors):
        line = await opened(port)
        # The silence limit is 0.3 s on both sides.
        waiting = asyncio.create_task(asyncio.to_thread(line.receive))
        await asyncio.wait([waiting], timeout=1.0)
        assert not waiting.done()
        line.send(Ping())
        assert isinstance(await waiting, Pong)
        assert errors.empty()
        line.close()


async def test_a_peer_that_stops_its_heartbeats_is_taken_for_gone():
    async def silent(opening):
        channel = await opening.accept("secret", heartbeat_s=0.1)
        channel._beat.cancel()
        await asyncio.sleep(3)

    async with listener(silent) as (port, _):
        line = await opened(port)
        with pytest.raises(WireError, match="silent"):
            await asyncio.to_thread(line.receive)
        line.close()


async def test_a_configuration_is_longer_than_what_a_stranger_may_send():
    async def long(opening):
        channel = await opening.accept("secret")
        await channel.send(Configuration(application={"text": "x" * MAX_LINE_BEFORE_WELCOME * 4}))

    async with listener(long) as (port, _):
        line = await opened(port)
        assert isinstance(await asyncio.to_thread(line.receive), Configuration)
        line.close()


async def test_a_stranger_cannot_make_the_dialler_read_a_long_line():
    async def rambling(reader, writer):
        writer.write(b"x" * MAX_LINE_BEFORE_WELCOME * 4)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(rambling, "127.0.0.1", 0) as server:
        with pytest.raises(WireError, match="more than"):
            await opened(server.sockets[0].getsockname()[1])
