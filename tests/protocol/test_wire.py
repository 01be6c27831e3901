"""The wire over real sockets: who is let in, what ends a connection, and what never blocks."""

import asyncio
import contextlib

import pytest

from protocol.messages import Configuration, Heartbeat, Ping, Pong, Report
from protocol.wire import MAX_LINE_BEFORE_WELCOME, Channel, Opening, RefusedError, WireError, decode, dial, encode


@contextlib.asynccontextmanager
async def listener(handle):
    """A real listener on a free loopback port that hands each opening to ``handle(opening)``; yields the port and the
    errors that ended connections."""
    errors: asyncio.Queue = asyncio.Queue()
    writers = []

    async def connected(reader, writer):
        writers.append(writer)
        try:
            await handle(await Opening.read(reader, writer, timeout_s=2))
        except WireError as error:
            await errors.put(str(error))
            writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], errors
    for writer in writers:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def echo_pings(opening):
    if not opening.proves("secret"):
        await opening.refuse("unknown application or wrong secret", event=3007)
        return
    channel = await opening.accept("secret", heartbeat_s=0.1)
    while True:
        await channel.receive()
        await channel.send(Pong(facts={"peer": channel.peer}))


def who(**changes):
    return {"kind": "application", "name": "MS_Primary", "secret": "secret", **changes}


async def test_both_sides_know_the_secret_and_speak():
    async with listener(echo_pings) as (port, _):
        channel = await dial("127.0.0.1", port, **who())
        await channel.send(Ping())
        assert isinstance(await channel.receive(), Pong)
        await channel.close()


async def test_a_wrong_secret_is_refused_with_the_event_number():
    async with listener(echo_pings) as (port, _):
        with pytest.raises(RefusedError, match="wrong secret") as refused:
            await dial("127.0.0.1", port, **who(secret="guess"))
        assert refused.value.event == 3007


async def test_a_listener_that_does_not_know_the_secret_is_not_believed():
    async def impostor(opening):
        await opening.accept("made up")

    async with listener(impostor) as (port, _):
        with pytest.raises(WireError, match="does not know the shared secret"):
            await dial("127.0.0.1", port, **who())


async def test_heartbeats_keep_a_quiet_connection_alive_longer_than_the_silence_limit():
    async with listener(echo_pings) as (port, errors):
        channel = await dial("127.0.0.1", port, **who())
        with pytest.raises(TimeoutError):
            # The silence limit is 0.3 s on both sides: only heartbeats can explain that 1 s passes without an error.
            await asyncio.wait_for(channel.receive(), 1.0)
        await channel.send(Ping())
        assert isinstance(await channel.receive(), Pong)
        assert errors.empty()
        await channel.close()


async def test_a_peer_that_stops_its_heartbeats_is_taken_for_gone():
    async with listener(echo_pings) as (port, errors):
        channel = await dial("127.0.0.1", port, **who())
        channel._beat.cancel()
        assert "silent" in await asyncio.wait_for(errors.get(), 3)
        await channel.close()


async def test_a_stranger_cannot_make_the_listener_read_a_long_line():
    async with listener(echo_pings) as (port, errors):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        writer.write(b"x" * (MAX_LINE_BEFORE_WELCOME * 4))
        assert "more than" in await asyncio.wait_for(errors.get(), 3)
        writer.close()


async def test_a_stranger_that_says_nothing_is_dropped():
    async with listener(echo_pings) as (port, errors):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        assert "silent" in await asyncio.wait_for(errors.get(), 5)
        writer.close()


NO_MESSAGES = [b"not json", b"[]", b'{"type":"nobody"}', b"\xff\xfe", b"[" * 100_000, b'{"type":"ping","a":"\\ud800"}']


@pytest.mark.parametrize("line", NO_MESSAGES)
def test_a_line_that_is_no_message_is_a_wire_error(line):
    with pytest.raises(WireError, match="no message"):
        decode(line)


def test_a_line_holds_any_text_without_breaking():
    message = Report(state="ready", reason="two\nlines, Ünïcode, \x00")
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message


def test_a_message_over_the_limit_is_refused_by_the_sender():
    with pytest.raises(WireError, match="limit"):
        encode(Configuration(application={"text": "x" * (5 * 1024 * 1024)}))


async def test_sending_on_a_closed_channel_is_a_wire_error():
    async with listener(echo_pings) as (port, _):
        channel = await dial("127.0.0.1", port, **who())
        await channel.close()
        with pytest.raises(WireError):
            await channel.send(Heartbeat())


def test_a_channel_reads_many_messages_of_one_packet_in_order():
    async def read() -> list[str]:
        reader = asyncio.StreamReader()
        reader.feed_data(b"".join(encode(Report(state="ready", last_seq=n)) for n in range(100)))
        channel = Channel(reader, writer=None)
        return [(await channel.receive()).last_seq for _ in range(100)]

    assert asyncio.run(read()) == list(range(100))
