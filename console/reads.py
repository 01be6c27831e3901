"""What programs read with a token, answered by a few threads that stay, each with its connections to the databases.

Django begins a thread for each request, goes to and fro between it and the event loop once for each middleware, and
opens every database anew: for a read of the API that takes more time than all the rest. Here the same middleware and
the same view are called in one go.
"""

import asyncio
import contextvars
import io
from collections.abc import Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.urls import set_script_prefix

from console.gate import API, Receive, Scope
from console.places import Send

THREADS = 4
TOGETHER, TURN_S = 2, 0.05
"""So many threads are at work at a time, for so long each; then another one may begin beside it. The interpreter's lock
is free for a moment at each query, and threads that hand it to each other there take far longer for the same reads."""
WAIT_S = 0.5
"""A thread that is at one request for so long, as when a control or a Message Server hangs, is given no other one, and
ends with it: a new one takes its place. Whoever finds none within so long is answered as other requests are."""
KEPT_S = 10.0
"""So long a connection to a database is used: one that was given another file, or lost its server, is forgotten."""
READS = ("GET", "HEAD")
STREAM = "/api/v1/stream"
"""Its answer does not end."""
SHOWN = b"authorization"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


UNREADABLE = Answer(400, [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"0")], b"")
"""To an address that is no UTF-8: as Django answers everybody else."""
Handle = Callable[[Scope, bytes], Answer]


class Reads:
    """``application``, but for what programs read. ``handle`` is called in a thread and never raises."""

    def __init__(self, application: Any, handle: Handle | None = None, threads: int = THREADS):
        self._application, self._handle = application, handle or answer
        self._idle, self._some = [Reader() for _ in range(threads)], asyncio.Semaphore(threads)
        self._turn = asyncio.Semaphore(TOGETHER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_read(scope):
            await self._application(scope, receive, send)
            return
        # Before there is a thread for it: whoever sends slowly, which needs no token, keeps none.
        body = await _whole(receive)
        if body is None:
            return
        reader = await self._taken()
        if reader is None:
            await self._application(scope, _once_more(body, receive), send)
            return
        await _sent(await self._done(reader, scope, body), send)

    async def _done(self, reader: "Reader", scope: Scope, body: bytes) -> Answer:
        work = asyncio.ensure_future(reader.do(self._handle, scope, body))
        try:
            try:
                await asyncio.wait([work], timeout=TURN_S)
            finally:
                self._turn.release()
            await asyncio.wait([work], timeout=WAIT_S - TURN_S)
        finally:
            self._give_back(reader if work.done() else Reader())
        return await work

    async def _taken(self) -> "Reader | None":
        try:
            async with asyncio.timeout(WAIT_S):
                await self._some.acquire()
                try:
                    await self._turn.acquire()
                except asyncio.CancelledError:
                    self._some.release()
                    raise
        except TimeoutError:
            return None
        # The last one that worked: the others have their rest, and what they hold is closed.
        return self._idle.pop()

    def _give_back(self, reader: "Reader") -> None:
        self._idle.append(reader)
        self._some.release()


class Reader:
    """A thread. Its connections are closed KEPT_S after it began to use them."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "read")
        self._closes: asyncio.TimerHandle | None = None

    async def do(self, handle: Handle, scope: Scope, body: bytes) -> Answer:
        loop = asyncio.get_running_loop()
        if self._closes is None:
            self._closes = loop.call_later(KEPT_S, self._close)
        return await loop.run_in_executor(self._thread, contextvars.Context().run, _done, handle, scope, body)

    def _close(self) -> None:
        self._closes = None
        # After what it is at.
        self._thread.submit(connections.close_all)


def is_read(scope: Scope) -> bool:
    """Whether a program asks with a token for what it only reads, and not as long as something changes."""
    return (scope["type"] == "http" and scope["method"] in READS and scope["path"].startswith(API)
            and scope["path"] != STREAM and any(name == SHOWN for name, _ in scope["headers"]))


async def _whole(receive: Receive) -> bytes | None:
    """The body of a request; None of one whose sender has gone."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _once_more(body: bytes, receive: Receive) -> Receive:
    """``receive`` of a request whose ``body`` was received already."""
    parts: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> MutableMapping[str, Any]:
        return parts.pop() if parts else await receive()

    return received


async def _sent(found: Answer, send: Send) -> None:
    start: MutableMapping[str, Any] = {
        "type": "http.response.start", "status": found.status, "headers": found.headers}
    await send(start)
    await send({"type": "http.response.body", "body": found.body})


# --- in a thread


def _done(handle: Handle, scope: Scope, body: bytes) -> Answer:
    try:
        return handle(scope, body)
    finally:
        for connection in connections.all(initialized_only=True):
            # Of a server they are in a pool, where others want them.
            if connection.vendor != "sqlite" or connection.errors_occurred or connection.in_atomic_block:
                connection.close()


@cache
def _handler() -> BaseHandler:
    """Django without an event loop. Made when somebody asks, as it has a middleware of its own each."""
    made = BaseHandler()
    made.load_middleware()
    return made


def answer(scope: Scope, body: bytes) -> Answer:
    """What Django answers."""
    set_script_prefix(get_script_prefix(scope))
    try:
        request = ASGIRequest(scope, io.BytesIO(body))
    except UnicodeDecodeError:
        return UNREADABLE
    try:
        found = _handler().get_response(request)
    finally:
        request.close()
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in found.items()]
    headers += [(b"Set-Cookie", each.OutputString().encode("ascii")) for each in found.cookies.values()]
    # But for the stream nothing is answered bit by bit.
    return Answer(found.status_code, headers, found.content)  # type: ignore[attr-defined]
