"""What a request may send and take up before Django, which would first keep all of its body, looks at it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
BODY_MAX = 2 * 1024 * 1024
"""Bytes of a body, but for the files of those that may import."""
BODY_S, SLOWEST_BYTES_A_SECOND = 30.0, 32 * 1024
"""So long a body may take, and so much longer for what of it has come."""
LINGER_S = 2.0
REQUESTS, SIGN_INS, WAIT_S = 64, 4, 10.0
"""Requests at work at once, and those of them that have a password to be looked at, which takes memory; who finds no
place within WAIT_S is asked to come again."""


class Refused(Exception):
    """``status`` and a sentence."""

    def __init__(self, status: HTTPStatus, sentence: str):
        super().__init__(sentence)
        self.status = status


class Gate:
    """``application`` behind bounds. ``most``: how many bytes the body of a request may have, for those that may send
    more than BODY_MAX. ``signs_in``: whether a request brings a password; ``streams``: whether it stays for long and
    takes up next to nothing."""

    def __init__(self, application, *, most: Callable[[Scope], Awaitable[int]],
                 signs_in: Callable[[Scope], bool], streams: Callable[[Scope], bool]):
        self._application, self._most, self._signs_in, self._streams = application, most, signs_in, streams
        self._places, self._sign_ins = asyncio.Semaphore(REQUESTS), asyncio.Semaphore(SIGN_INS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        place = self._place(scope)
        try:
            body = Body(receive, await self._limit(scope), place.take)
            await self._application(scope, body.receive, place.until_answered(send))
        except Refused as refused:
            await answer(receive, send, refused)
        finally:
            place.give_back()

    def _place(self, scope: Scope) -> "Place":
        if self._streams(scope):
            return Place(None)
        return Place(self._sign_ins if self._signs_in(scope) else self._places)

    async def _limit(self, scope: Scope) -> int:
        told = _content_length(scope)
        most = BODY_MAX if 0 <= told <= BODY_MAX else await self._most(scope)
        if told > most:
            raise _too_large(most)
        return most


class Body:
    """The body of one request. ``receive`` raises Refused when it is larger than ``most`` bytes or comes too slowly;
    ``whole`` is awaited once all of it is there."""

    def __init__(self, receive: Receive, most: int, whole: Callable[[], Awaitable[None]]):
        self._receive, self._most, self._when_whole, self._came, self._whole = receive, most, whole, 0, False
        self._begun = asyncio.get_running_loop().time()

    async def receive(self) -> MutableMapping[str, Any]:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._begun + BODY_S + self._came / SLOWEST_BYTES_A_SECOND):
                message = await self._receive()
        except TimeoutError:
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, "What was sent came too slowly. Nothing was kept of it: send it "
                          "again.") from None
        self._came += len(message.get("body", b""))
        if self._came > self._most:
            raise _too_large(self._most)
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        if self._whole:
            await self._when_whole()
        return message


class Place:
    """One of the places of ``semaphore`` (None: nobody counts), from when the request is there until its answer begins:
    whoever sends or reads slowly holds none."""

    def __init__(self, semaphore: asyncio.Semaphore | None):
        self._semaphore, self._taken = semaphore, False

    async def take(self) -> None:
        """Raises Refused when none was free within WAIT_S."""
        if self._semaphore is None:
            return
        try:
            async with asyncio.timeout(WAIT_S):
                await self._semaphore.acquire()
        except TimeoutError:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "The console is busy with the requests of others. Try again "
                          "in a moment.") from None
        self._taken = True

    def give_back(self) -> None:
        if self._taken:
            self._taken = False
            self._semaphore.release()

    def until_answered(self, send: Send) -> Send:
        """``send``, which gives the place back when the answer begins."""
        async def sent(message: MutableMapping[str, Any]) -> None:
            self.give_back()
            await send(message)

        return sent


async def answer(receive: Receive, send: Send, refused: Refused) -> None:
    """Say why, and end the connection. For LINGER_S what still comes is read and thrown away: closed with unread input
    a connection is reset, and the reset can overtake the answer."""
    text = f"{refused}\n".encode()
    await send({"type": "http.response.start", "status": refused.status.value, "headers": [
        (b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"), (b"cache-control", b"no-store"), (b"retry-after", b"5"),
        (b"x-pairwise-sentence", quote(str(refused)).encode())]})
    await send({"type": "http.response.body", "body": text, "more_body": True})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": b""})


def _too_large(most: int) -> Refused:
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"This is larger than the {most // 1024**2} MB that are taken "
                   "here. Nothing was kept of it.")


def _content_length(scope: Scope) -> int:
    """-1 when the request does not say how long its body is, though it has one."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return -1
    told = headers.get(b"content-length", b"0")
    return int(told) if told.isdigit() else -1
