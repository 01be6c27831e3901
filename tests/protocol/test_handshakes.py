"""TLS handshakes of a listener, with sockets that stall in them, on each event loop that is used."""

import asyncio
import contextlib
import socket

import pytest
import uvloop

from protocol.handshakes import ACCEPT_AGAIN_S, SecuredListener
from protocol.tls import Identity, client_context
from tests.certificates import Certificates

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
HELLO = bytes.fromhex("16030100c8010000c40303")
"""How a ClientHello begins; the rest never comes."""
SOON_S = 5.0


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("tls"))


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def eof_received(self):
        return False


class Listener:
    def __init__(self, certificates, places=4, within_s=SOON_S):
        self.told, self.places, self.within_s, self.connections = [], places, within_s, []
        self._identity = Identity(*certificates.issue("localhost", "127.0.0.1"))
        self.trusting = client_context(certificates.authority)

    async def __aenter__(self):
        held = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = held.getsockname()[1]
        self.listener = SecuredListener(
            [held], Echo, self._identity.context, places=lambda: self.places, within_s=self.within_s,
            failed=lambda address, why: self.told.append((address, why)))
        return self

    async def __aexit__(self, *_):
        for writer in self.connections:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        self.listener.close()
        await self.listener.wait_closed()

    async def stall(self, said=HELLO, source="127.0.0.1"):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        self.connections.append(writer)
        writer.write(said)
        return reader, writer

    async def member(self, text=b"let me in"):
        """What comes back of ``text``, which is sent at once, over TLS."""
        async with asyncio.timeout(SOON_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.trusting)
            writer.write(text)
            try:
                return await reader.readexactly(len(text))
            finally:
                self.connections.append(writer)

    async def until(self, condition):
        async with asyncio.timeout(SOON_S):
            while not condition():
                await asyncio.sleep(0.01)


def with_listener(**settings):
    """The coroutine runs as a test on each event loop, with a Listener; nothing is left unheard of by the loop."""
    def decorate(test):
        @pytest.mark.parametrize("loop", LOOPS)
        def run(loop, certificates):
            async def main():
                troubles = []
                asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
                async with Listener(certificates, **settings) as listener:
                    await test(listener)
                assert troubles == []

            with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
                runner.run(main())

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


@with_listener()
async def test_a_member_is_served_and_holds_no_place_afterwards(listener):
    for size in (1, 100, 300_000):
        assert await listener.member(b"x" * size) == b"x" * size
    assert listener.listener.strangers == 0
    assert listener.told == []


@with_listener()
async def test_those_that_stall_hold_so_many_places_and_a_member_gets_in_among_them(listener):
    stalled = [await listener.stall(said) for said in (HELLO, b"", HELLO[:3]) for _ in range(20)]
    await listener.until(lambda: listener.listener.strangers == 4)
    for _ in range(5):
        assert await listener.member() == b"let me in"
    ended = [asyncio.ensure_future(_ended(reader)) for reader, _ in stalled]
    await listener.until(lambda: sum(each.done() for each in ended) >= 56)
    assert listener.listener.strangers <= 4
    for each in ended:
        each.cancel()


@with_listener()
async def test_the_one_that_gives_way_is_of_the_address_that_has_most(listener):
    lone, _ = await listener.stall(source="127.0.0.2")
    await listener.until(lambda: listener.listener.strangers == 1)
    crowd = [await listener.stall() for _ in range(12)]
    await _ended(crowd[0][0])
    assert not lone.at_eof()
    assert set(listener.told) == {
        ("127.0.0.1", "its TLS handshake is not done, and newer connections wait for its place")}
    assert listener.listener.strangers == 4


@with_listener(within_s=0.3)
async def test_who_stalls_is_ended_in_time(listener):
    reader, _ = await listener.stall()
    await _ended(reader)
    await listener.until(lambda: listener.listener.strangers == 0)
    assert await listener.member() == b"let me in"
    assert listener.told == [("127.0.0.1", "its TLS handshake was not done within 0.3 s")]


@with_listener()
async def test_who_speaks_no_tls_is_told_of(listener):
    reader, _ = await listener.stall(b"CONNECT\naccept-version:1.2\n\n\0")
    await _ended(reader)
    await listener.until(lambda: len(listener.told) == 1)
    await listener.until(lambda: listener.listener.strangers == 0)
    (address, why), = listener.told
    assert address == "127.0.0.1"
    assert "TLS" in why


def test_who_has_left_before_being_taken_keeps_nobody_waiting(certificates):
    async def main():
        loop, left = asyncio.get_running_loop(), [ConnectionAbortedError("it left")] * 20
        accept = loop.sock_accept
        loop.sock_accept = lambda held: accept(held) if not left else _raise(left.pop())
        async with Listener(certificates) as listener:
            begun = loop.time()
            assert await listener.member() == b"let me in"
            assert loop.time() - begun < ACCEPT_AGAIN_S
        assert left == []

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(main())


async def _raise(error):
    raise error


async def _ended(reader):
    async with asyncio.timeout(SOON_S):
        with contextlib.suppress(ConnectionError):
            while await reader.read(4096):
                pass
