"""What strangers can take up of the web process, over real connections."""

import asyncio
import contextlib
import json
import queue

import pytest
import uvicorn
from asgiref.sync import async_to_sync
from django.urls import reverse

from console import bounds, connections, gate, places
from console.gate import BODY_MAX, STRANGER_BODY_MAX, Gate
from protocol.throttle import Throttle
from provisioning.catalog.services.packages import MAX_BYTES
from provisioning.core import refusals
from provisioning.states import Role
from tests import factories


class Application:
    """Reads what comes and answers how much it was and from whom; a sign-in waits until it is let go."""

    def __init__(self):
        self.free, self.at_work = asyncio.Event(), 0

    async def __call__(self, scope, receive, send):
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        self.at_work += 1
        if scope["path"] in ("/login/", "/late/"):
            await self.free.wait()
        body = json.dumps([size, scope["client"][0]]).encode()
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-length", str(len(body)).encode())]})
        if scope["path"] == "/stream/":
            await self.free.wait()
        await send({"type": "http.response.body", "body": body})


class Web:
    """A console's listener in front of ``application``."""

    def __init__(self, port: int, application: Application):
        self.port, self.application = port, application

    async def ask(self, head: str, body: bytes = b"", source: str = "127.0.0.1") -> tuple[int, str]:
        """(status, text) of the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        with contextlib.suppress(ConnectionError):
            writer.write(f"{head}\r\nHost: x\r\nConnection: close\r\n\r\n".encode() + body)
            await writer.drain()
        answer = (await reader.read()).decode()
        writer.close()
        return int(answer.split(" ", 2)[1]), answer.partition("\r\n\r\n")[2]

    async def at_work(self, requests: int) -> None:
        """Until so many have come through to the application."""
        while self.application.at_work < requests:
            await asyncio.sleep(0.01)


@pytest.fixture
async def start():
    """``await start(**settings)``: a Web; ended with the test."""
    async with contextlib.AsyncExitStack() as stack:
        async def made(**given) -> Web:
            async def importers(scope):
                return 3 * BODY_MAX if scope["path"] == "/import/" else BODY_MAX

            application = Application()
            config = uvicorn.Config(
                Gate(application, most=importers, signs_in=lambda scope: scope["path"] == "/login/"),
                host="127.0.0.1", port=0, lifespan="off", ws="none", log_config=None, http=connections.Http,
                **{"proxy_headers": False, **given})
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server._serve())
            while not server.started:
                await asyncio.sleep(0.01)

            async def end():
                application.free.set()
                server.should_exit = True
                await serving

            stack.push_async_callback(end)
            return Web(server.servers[0].sockets[0].getsockname()[1], application)

        yield made


async def test_a_body_is_refused_before_it_is_kept_when_it_says_that_it_is_too_large(start):
    web = await start()
    status, text = await web.ask(f"POST /nowhere HTTP/1.1\r\nContent-Length: {10**11}")
    assert (status, text) == (413, "This is larger than the 2 MB that are taken here. Nothing was kept of it.\n")
    assert web.application.at_work == 0


async def test_a_body_that_says_nothing_of_its_size_is_counted(start):
    web = await start()
    chunk = b"40000\r\n" + b"x" * 0x40000 + b"\r\n"
    status, _ = await web.ask("POST /nowhere HTTP/1.1\r\nTransfer-Encoding: chunked", chunk * 9 + b"0\r\n\r\n")
    assert status == 413
    assert web.application.at_work == 0
    assert (await web.ask("POST /nowhere HTTP/1.1\r\nTransfer-Encoding: chunked", chunk + b"0\r\n\r\n"))[0] == 200


async def test_whoever_may_import_sends_more_and_not_without_bound(start):
    web = await start()
    for times, status in ((2, 200), (4, 413)):
        body = b"x" * (times * BODY_MAX)
        assert (await web.ask(f"POST /import/ HTTP/1.1\r\nContent-Length: {len(body)}", body))[0] == status


async def test_a_body_that_drips_is_given_up(start, monkeypatch):
    monkeypatch.setattr(gate, "BODY_S", 0.3)
    web = await start()
    assert (await web.ask("POST /nowhere HTTP/1.1\r\nContent-Length: 10", b"x"))[0] == 408


async def test_only_so_many_sign_ins_are_at_work_and_others_are_answered_meanwhile(start, monkeypatch):
    monkeypatch.setattr(places, "WAIT_S", 0.3)
    web = await start()
    first = [asyncio.create_task(web.ask("POST /login/ HTTP/1.1")) for _ in range(gate.SIGN_INS)]
    await web.at_work(gate.SIGN_INS)
    status, text = await web.ask("POST /login/ HTTP/1.1")
    assert (status, "Try again in a moment" in text) == (503, True)
    assert (await web.ask("GET / HTTP/1.1"))[0] == 200
    web.application.free.set()
    assert [status for status, _ in await asyncio.gather(*first)] == [200] * gate.SIGN_INS


async def test_of_too_many_that_wait_the_oldest_of_the_address_with_most_is_sent_away_at_once(start, monkeypatch):
    monkeypatch.setattr(places, "WAITING", 3)
    web = await start()
    first = [asyncio.create_task(web.ask("POST /login/ HTTP/1.1")) for _ in range(gate.SIGN_INS)]
    await web.at_work(gate.SIGN_INS)
    lone = asyncio.create_task(web.ask("POST /login/ HTTP/1.1", source="127.0.0.3"))
    crowd = [asyncio.create_task(web.ask("POST /login/ HTTP/1.1", source="127.0.0.2")) for _ in range(5)]
    async with asyncio.timeout(places.WAIT_S / 2):
        while sum(each.done() for each in crowd) < 3:
            await asyncio.sleep(0.01)
    assert not lone.done()
    web.application.free.set()
    statuses = [status for status, _ in await asyncio.gather(*first, lone, *crowd)]
    assert statuses[:gate.SIGN_INS + 1] == [200] * (gate.SIGN_INS + 1)
    assert sorted(statuses[gate.SIGN_INS + 1:]) == [200, 200, 503, 503, 503]


async def test_a_stream_holds_a_place_until_its_answer_begins(start, monkeypatch):
    monkeypatch.setattr(gate, "REQUESTS", 1)
    monkeypatch.setattr(places, "WAIT_S", 0.3)
    web = await start()
    streams = [asyncio.create_task(web.ask("GET /stream/ HTTP/1.1")) for _ in range(3)]
    await web.at_work(3)
    late = asyncio.create_task(web.ask("GET /late/ HTTP/1.1"))
    await web.at_work(4)
    assert (await web.ask("GET /stream/ HTTP/1.1"))[0] == 503
    web.application.free.set()
    assert [status for status, _ in await asyncio.gather(late, *streams)] == [200] * 4


async def test_bodies_together_are_bounded_and_small_ones_come_through(start, monkeypatch):
    monkeypatch.setattr(gate, "BODIES_MAX", 3 * 40_000)
    web = await start()
    head, most = "POST /nowhere HTTP/1.1\r\nContent-Length: ", STRANGER_BODY_MAX
    slow = [await asyncio.open_connection("127.0.0.1", web.port) for _ in range(3)]
    for _, writer in slow:
        writer.write(f"{head}{most}\r\nHost: x\r\n\r\n".encode() + b"x" * 44_000)
        await writer.drain()
    async with asyncio.timeout(5):
        while (answer := await web.ask(f"{head}{most}", b"x" * most))[0] == 200:
            await asyncio.sleep(0.01)
    assert answer == (503, "The console is busy with what others send. Nothing was kept of this: send it again in a "
                           "moment.\n")
    assert (await web.ask(f"{head}{gate.UNCOUNTED}", b"x" * gate.UNCOUNTED))[0] == 200
    for _, writer in slow:
        writer.close()
    async with asyncio.timeout(5):
        while (await web.ask(f"{head}{most}", b"x" * most))[0] != 200:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("role", "name", "expected"), [
    (None, "login", STRANGER_BODY_MAX), (None, "package-import", STRANGER_BODY_MAX),
    (Role.SUPPORT, "package-import", BODY_MAX), (Role.ADMINISTRATOR, "host-new", BODY_MAX),
    (Role.ADMINISTRATOR, "package-import", MAX_BYTES + bounds.FORM_BYTES),
])
@pytest.mark.django_db(transaction=True)
def test_large_bodies_are_taken_of_sessions_alone(client, settings, role, name, expected):
    key = "x" * 32
    if role is not None:
        client.force_login(factories.make_user("somebody", roles=(role,)))
        key = client.session.session_key
    cookie = f"{settings.SESSION_COOKIE_NAME}={key}".encode()
    scope = {"method": "POST", "path": reverse(name), "headers": [(b"cookie", cookie)]}
    assert async_to_sync(bounds.most)(scope) == expected
    assert async_to_sync(bounds.most)({**scope, "headers": []}) == STRANGER_BODY_MAX


def test_what_strangers_may_send_is_all_that_a_request_keeps_in_memory(settings):
    assert settings.FILE_UPLOAD_MAX_MEMORY_SIZE <= STRANGER_BODY_MAX


async def test_whoever_sends_slowly_holds_no_place(start, monkeypatch):
    monkeypatch.setattr(gate, "REQUESTS", 2)
    monkeypatch.setattr(places, "WAIT_S", 0.3)
    web = await start()
    slow = [await asyncio.open_connection("127.0.0.1", web.port) for _ in range(5)]
    for _, writer in slow:
        writer.write(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
        await writer.drain()
    assert (await web.ask("GET / HTTP/1.1"))[0] == 200
    for _, writer in slow:
        writer.close()


async def test_bodies_that_do_not_come_keep_nobody_out_of_the_places_of_connections(start, monkeypatch):
    monkeypatch.setattr(connections, "PLACES", 5)
    web = await start()
    slow = [await asyncio.open_connection("127.0.0.1", web.port, local_addr=("127.0.0.2", 0)) for _ in range(8)]
    for _, writer in slow:
        with contextlib.suppress(ConnectionError):
            writer.write(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
    assert (await web.ask("GET / HTTP/1.1"))[0] == 200
    assert len(connections.strangers) <= 5
    for _, writer in slow:
        writer.close()


async def test_headers_that_do_not_come_end_the_connection(start, monkeypatch):
    monkeypatch.setattr(connections, "HEADERS_S", 0.3)
    told = []
    monkeypatch.setattr(connections, "refused", told.append)
    web = await start()
    for said in (b"GET / HTTP/1.1\r\nX-One: 1\r\n", b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
        writer.write(said)
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()
    # A browser that opened a connection ahead of time and needed none was not refused.
    assert told == ["127.0.0.1: the headers of its request were not there after 0.3 s"]


async def test_who_was_refused_is_an_event_at_most_once_a_minute(monkeypatch):
    added = queue.Queue()
    monkeypatch.setattr(refusals, "add", lambda **what: added.put(what))
    told = Throttle(connections._note)
    assert [told(f"127.0.0.{number}: too late") for number in (1, 2, 3)] == [True, False, False]
    async with asyncio.timeout(5):
        what = await asyncio.to_thread(added.get)
    assert what == {"host": None, "of_stranger": True,
                    "text": "A connection to the web console was refused: 127.0.0.1: too late."}
    assert added.empty()


async def test_connections_that_only_wait_keep_nobody_out(start, monkeypatch):
    monkeypatch.setattr(connections, "PLACES", 20)
    web = await start()
    held = [await asyncio.open_connection("127.0.0.1", web.port, local_addr=("127.0.0.2", 0)) for _ in range(60)]
    assert (await web.ask("GET / HTTP/1.1"))[0] == 200
    for _, writer in held:
        writer.close()


async def test_only_a_trusted_proxy_says_where_somebody_comes_from(start):
    web = await start()
    asked = "GET / HTTP/1.1\r\nX-Forwarded-For: 198.51.100.7"
    assert json.loads((await web.ask(asked))[1])[1] == "127.0.0.1"
    behind = await start(proxy_headers=True, forwarded_allow_ips=["127.0.0.9/32"])
    assert json.loads((await behind.ask(asked))[1])[1] == "127.0.0.1"
    assert json.loads((await behind.ask(asked, source="127.0.0.9"))[1])[1] == "198.51.100.7"


@pytest.mark.parametrize(("method", "path", "expected"), [
    ("POST", "/login/", True), ("POST", "/account/password/", True), ("GET", "/login/", False),
    ("POST", "/logout/", False),
])
def test_what_brings_a_password_takes_one_of_few_places(method, path, expected):
    assert bounds.signs_in({"method": method, "path": path}) is expected
