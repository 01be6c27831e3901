"""The web process: what works beside its pages, and what happens when that ends."""

import asyncio
import contextlib
import ipaddress
import socket
import ssl

import pytest
import uvicorn

from console import connections, web
from protocol.tls import Identity, client_context
from protocol.watchdog import Watchdog
from provisioning.core import tls
from tests.certificates import Certificates
from tests.ports import free_port


class Watched(Watchdog):
    """Somebody asks for signs of life."""

    def __init__(self):
        super().__init__({})
        self.every_s = 60.0


async def pages(scope, receive, send):
    """Nobody asks for one."""


async def fails(*_):
    raise ValueError("the disk said something new")


async def serve() -> None:
    async with asyncio.timeout(20):
        await web.serve(uvicorn.Config(pages, host="127.0.0.1", port=0, lifespan="off", ws="none", log_config=None))


async def test_the_web_process_ends_when_it_does_not_show_signs_of_life_any_more(settings, monkeypatch):
    settings.PAIRWISE_WEB_TLS = False
    monkeypatch.setattr(web, "Watchdog", Watched)
    monkeypatch.setattr(Watched, "show_life", fails)
    with pytest.raises(web.PartEnded, match="show_life") as raised:
        await serve()
    assert "something new" in str(raised.value.__cause__)


async def test_the_web_process_ends_when_nobody_looks_after_its_certificate_any_more(settings, monkeypatch):
    class Shown:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    settings.PAIRWISE_WEB_TLS = True
    monkeypatch.setattr(tls, "provide", lambda: False)
    monkeypatch.setattr(tls, "identity", Shown)
    monkeypatch.setattr(tls, "look_after", fails)
    with pytest.raises(web.PartEnded, match="look_after"):
        await serve()


async def test_those_that_stall_in_their_tls_handshake_keep_nobody_out(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "PLACES", 4)
    certificates, port = Certificates(tmp_path), free_port()
    identity, trusting = Identity(*certificates.issue("127.0.0.1")), client_context(certificates.authority)
    server = web.TlsServer(uvicorn.Config(says_how_it_came, host="127.0.0.1", port=port, lifespan="off", ws="none",
                                          http=connections.Http, log_config=None), identity.context)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(20), contextlib.AsyncExitStack() as stalled:
        while not getattr(server, "servers", None):
            await asyncio.sleep(0.01)
        for number in range(30):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            stalled.callback(writer.close)
            writer.write(b"\x16\x03\x01\x00\xc8\x01\x00"[:number % 8])
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"https" in await reader.read()
            writer.close()
        assert server.servers[0].strangers <= 4
        server.should_exit = True
        await serving
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def says_how_it_came(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["scheme"].encode()})


async def test_requests_that_were_forwarded_are_noted_once_a_minute_while_no_proxy_is_named(monkeypatch):
    noted = []
    monkeypatch.setattr(connections.Forwarded, "_note", lambda self, address: noted.append(address))
    monkeypatch.setattr(connections, "forwarded", connections.Forwarded())
    monkeypatch.setattr(connections, "trusted_proxies", [ipaddress.ip_network("127.0.0.0/8")])
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(says_how_it_came, host="127.0.0.1", port=port, lifespan="off", ws="none",
                                           http=connections.Http, log_config=None))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(30):
        while not server.started:
            await asyncio.sleep(0.01)
        for proxies in (connections.trusted_proxies, [], []):
            monkeypatch.setattr(connections, "trusted_proxies", proxies)
            for header in (b"", b"X-Forwarded-For: 192.0.2.1\r\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + b"\r\n")
                assert b"http" in await reader.read()
                writer.close()
        server.should_exit = True
        await serving
    assert noted == ["127.0.0.1"]


async def test_who_takes_nothing_of_an_answer_is_cut_off_and_who_takes_it_slowly_is_not(monkeypatch):
    monkeypatch.setattr(connections, "READS_S", 0.5)
    parts = 400

    async def endless(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(parts):
            await send({"type": "http.response.body", "body": bytes(64 * 1024), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    port = free_port()
    server = uvicorn.Server(uvicorn.Config(endless, host="127.0.0.1", port=port, lifespan="off", ws="none",
                                           http=connections.Http, log_config=None))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(30):
        while not server.started:
            await asyncio.sleep(0.01)
        slow, idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
        for one in (slow, idle):
            one.setblocking(False)
            one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert await _taken(slow, pause_s=0.02) > parts * 64 * 1024
        assert await _taken(idle) < parts * 64 * 1024
        for one in (slow, idle):
            one.close()
        server.should_exit = True
        await serving


async def _taken(one: socket.socket, pause_s: float = 0.0) -> int:
    """Bytes until the end, 256 KB after each pause."""
    came = 0
    while part := await asyncio.get_running_loop().sock_recv(one, 256 * 1024):
        came += len(part)
        await asyncio.sleep(pause_s)
    return came


def test_a_process_that_lost_a_part_says_so_and_fails(monkeypatch, caplog):
    async def lost(_):
        raise web.PartEnded("look_after of the web process has ended")

    monkeypatch.setattr(web, "serve", lost)
    monkeypatch.setattr("django.setup", lambda: None)
    monkeypatch.setattr("console.up.keys.require_the_key_of_this_process", lambda: None)
    assert web.main() == 1
    assert "look_after of the web process has ended" in caplog.text
