"""How much a connection may send besides bodies, and that it has one request at work, over real connections."""

import asyncio
import contextlib
import itertools
import json

import pytest
import uvicorn

from console import connections
from console.connections import HEAD_MAX, HEADERS_MAX
from console.gate import BODY_MAX, Gate

GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"


class Application:
    """Answers with the path and how much came, at "/late" once it is let go; ``begun``: the paths of all requests."""

    def __init__(self):
        self.free, self.begun = asyncio.Event(), []

    async def __call__(self, scope, receive, send):
        self.begun.append(scope["path"])
        size, message = 0, {"more_body": True}
        while message.get("more_body"):
            message = await receive()
            size += len(message.get("body", b""))
        disconnect = asyncio.create_task(receive())
        if scope["path"] == "/late":
            await self.free.wait()
        disconnect.cancel()
        body = json.dumps([scope["path"], size]).encode()
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body,
                    "more_body": True})
        if scope["path"] == "/ends-late":
            await self.free.wait()
        await send({"type": "http.response.body", "body": b""})


class Connection:
    def __init__(self, reader, writer, application):
        self.reader, self.writer, self.application = reader, writer, application

    async def send(self, *parts: bytes) -> bool:
        """Whether all of it could be sent."""
        with contextlib.suppress(ConnectionError):
            for part in parts:
                self.writer.write(part)
                await self.writer.drain()
            return True
        return False

    async def answer(self, *, has_body=True) -> tuple[int, dict[str, str], str]:
        """(status, headers, text)."""
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await self.reader.readexactly(int(headers["content-length"])) if has_body else b""
        return int(first.split(" ")[1]), headers, body.decode()

    async def ends(self) -> bool:
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read() == b""
            return True


@pytest.fixture
async def connect():
    """``await connect()``: a Connection to a console's listener in front of an Application."""
    async def most(scope):
        return BODY_MAX

    application = Application()
    config = uvicorn.Config(Gate(application, most=most, signs_in=lambda scope: False), host="127.0.0.1", port=0,
                            lifespan="off", ws="none", log_config=None, http=connections.Http, proxy_headers=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    opened = []

    async def made() -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.servers[0].sockets[0].getsockname()[1])
        opened.append(writer)
        return Connection(reader, writer, application)

    yield made
    for writer in opened:
        writer.close()
    application.free.set()
    server.should_exit = True
    await serving


@pytest.fixture
def told(monkeypatch):
    sentences = []
    monkeypatch.setattr(connections, "refused", sentences.append)
    monkeypatch.setattr(connections, "LINGER_S", 0.2)
    return sentences


@pytest.mark.parametrize("sent", [
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a:b\r\n" * (HEADERS_MAX + 1),
    b"GET / HTTP/1.1\r\nHost: x\r\nCookie: a=" + b"x" * HEAD_MAX,
    b"GET / HTTP/1.1\r\nHost: x\r\nCookie: a=" + b"x" * (HEAD_MAX + connections.PIECE) + b"\r\n\r\n",
    b"GET /" + b"x" * HEAD_MAX,
    CHUNKED + b"a:b\r\n" * (HEADERS_MAX + 1),
    CHUNKED + b"a: " + b"x" * (HEAD_MAX + connections.PIECE),
], ids=["many", "a large one without end", "a large one", "the address", "many trailers", "a large trailer"])
async def test_headers_and_trailers_are_bounded(connect, told, sent):
    connection = await connect()
    await connection.send(sent)
    status, headers, text = await connection.answer()
    assert (status, headers["connection"]) == (431, "close")
    assert text.startswith("The headers of this request have more than 64 KB, or are more than 200.")
    assert told == ["127.0.0.1: the headers of its request had more than 64 KB, or were more than 200"]
    assert await connection.ends()


async def test_headers_without_end_end_the_connection_while_they_come(connect, told):
    connection = await connect()
    endless = itertools.repeat(b"a:b\r\n" * 13_000, 5_000)
    async with asyncio.timeout(5):
        assert not await connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n", *endless)
    assert connection.application.begun == []


async def test_as_many_headers_as_may_be_are_taken_again_and_again(connect, told):
    connection = await connect()
    for _ in range(3):
        await connection.send(b"GET /a HTTP/1.1\r\nHost: x\r\n" + b"a:b\r\n" * (HEADERS_MAX - 2) + b"Cookie: "
                              + b"x" * 60_000 + b"\r\n\r\n")
        assert (await connection.answer())[0] == 200
    assert told == []


async def test_a_body_in_many_chunks_with_trailers_comes_as_a_whole(connect, told):
    connection = await connect()
    for _ in range(2):
        await connection.send(b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
                              b"2\r\nxy\r\n" * 60_000, b"0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n")
        assert (await connection.answer())[2] == '["/a", 120000]'
    assert told == []


async def test_of_requests_at_once_one_is_done_and_the_connection_ends(connect):
    connection = await connect()
    await connection.send(*[GET % b"late" * 2_000] * 4)
    while not connection.application.begun:
        await asyncio.sleep(0.01)
    connection.application.free.set()
    status, headers, _ = await connection.answer()
    assert (status, headers["connection"]) == (200, "close")
    assert await connection.ends()
    assert connection.application.begun == ["/late"]


async def test_requests_one_upon_the_other_without_their_answers_are_not_kept(connect):
    connection = await connect()
    await connection.send(GET % b"late")
    while not connection.application.begun:
        await asyncio.sleep(0.01)
    more = asyncio.create_task(connection.send(*[GET % b"a" * 2_000] * 1_000))
    done, _ = await asyncio.wait({more}, timeout=0.5)
    assert not done, "All was read while a request was at work."
    connection.application.free.set()
    assert await connection.ends() or (await connection.answer())[0] == 200
    assert connection.application.begun == ["/late"]
    more.cancel()


@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
async def test_a_request_that_comes_before_the_end_of_an_answer_that_is_all_there_is_done_next(connect, method):
    connection = await connect()
    await connection.send((GET % b"ends-late").replace(b"GET", method))
    assert (await connection.answer(has_body=method == b"GET"))[0] == 200
    await connection.send(b"POST /next HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n", b"abc")
    await asyncio.sleep(0.1)
    assert connection.application.begun == ["/ends-late"]
    connection.application.free.set()
    assert (await connection.answer())[2] == '["/next", 3]'
    await connection.send(GET % b"last")
    assert (await connection.answer())[2] == '["/last", 0]'


async def test_a_connection_on_which_only_empty_lines_come_ends_like_one_without_headers(connect, told, monkeypatch):
    monkeypatch.setattr(connections, "HEADERS_S", 0.3)
    connection = await connect()
    await connection.send(GET % b"a")
    assert (await connection.answer())[0] == 200
    await connection.send(b"\r\n")
    assert await connection.ends()
    assert told == ["127.0.0.1: the headers of its request were not there after 0.3 s"]
