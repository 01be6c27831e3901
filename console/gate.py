"""What a request may send and take up before Django, which would first keep all of its body, looks at it."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from console.places import REQUESTS, SIGN_INS, Place, Places, Refused, Send

Scope = MutableMapping[str, Any]
API = "/api/"
"""Where programs ask, which read no sentences in plain text."""
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
STRANGER_BODY_MAX, BODY_MAX = 64 * 1024, 2 * 1024 * 1024
"""Bytes of a body, of whoever sends it and of those that are signed in; but for the files of those that may import."""
BODIES_MAX, UNCOUNTED = 64 * 1024 * 1024, 4096
"""Bytes of all bodies that are under way; what of each does not count: who signs in or presses a button needs no more,
and is not kept out by the large bodies of others."""
BODY_S, SLOWEST_BYTES_A_SECOND = 30.0, 32 * 1024
"""So long a body may take, and so much longer for what of it has come."""
LINGER_S = 2.0
LENGTH_DIGITS = 18
"""Of a length that a request may say of its body; a longer one is no length."""


class Gate:
    """``application`` behind bounds. ``most``: how many bytes the body of a request may have, for those that may send
    more than STRANGER_BODY_MAX. ``signs_in``: whether a request brings a password."""

    def __init__(self, application, *, most: Callable[[Scope], Awaitable[int]], signs_in: Callable[[Scope], bool]):
        self._application, self._most, self._signs_in = application, most, signs_in
        self._places, self._sign_ins, self._bodies = Places(REQUESTS), Places(SIGN_INS), Bodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        place = Place(self._sign_ins if self._signs_in(scope) else self._places, (scope.get("client") or ("",))[0])
        body = None
        try:
            body = Body(receive, await self._limit(scope), self._bodies, place.take)
            await self._application(scope, body.receive, place.until_answered(send))
        except Refused as refused:
            await answer(receive, send, refused, to_program=scope["path"].startswith(API))
        finally:
            place.give_back()
            if body is not None:
                body.is_gone()

    async def _limit(self, scope: Scope) -> int:
        told = _content_length(scope)
        most = STRANGER_BODY_MAX if 0 <= told <= STRANGER_BODY_MAX else await self._most(scope)
        if told > most:
            raise _too_large(most)
        return most


class Bodies:
    """The bytes of all bodies that are under way: they come, wait for a place or are looked at."""

    def __init__(self):
        self._bytes = 0

    def add(self, size: int) -> None:
        """Raises Refused when there would be more than BODIES_MAX."""
        if self._bytes + size > BODIES_MAX:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "The console is busy with what others send. Nothing was kept "
                          "of this: send it again in a moment.")
        self._bytes += size

    def gone(self, size: int) -> None:
        self._bytes -= size


class Body:
    """The body of one request, one of ``bodies`` until it ``is_gone``. ``receive`` raises Refused when it is larger
    than ``most`` bytes, comes too slowly or is too much with those of others; ``whole`` is awaited once it is there.
    What those that may import send goes to the disk and does not count."""

    def __init__(self, receive: Receive, most: int, bodies: Bodies, whole: Callable[[], Awaitable[None]]):
        self._receive, self._most, self._when_whole, self._came, self._whole = receive, most, whole, 0, False
        self._bodies, self._counted = bodies, 0
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
        self._count()
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        if self._whole:
            await self._when_whole()
        return message


    def _count(self) -> None:
        more = self._came - UNCOUNTED - self._counted
        if more > 0 and self._most <= BODY_MAX:
            self._bodies.add(more)
            self._counted += more

    def is_gone(self) -> None:
        self._bodies.gone(self._counted)
        self._counted = 0


async def answer(receive: Receive, send: Send, refused: Refused, *, to_program: bool = False) -> None:
    """Say why, ``to_program`` as the API says it, and end the connection. For LINGER_S what still comes is read and
    thrown away: closed with unread input a connection is reset, and the reset can overtake the answer."""
    text = _problem(refused) if to_program else f"{refused}\n".encode()
    kind = b"application/problem+json" if to_program else b"text/plain; charset=utf-8"
    await send({"type": "http.response.start", "status": refused.status.value, "headers": [
        (b"content-type", kind), (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"), (b"cache-control", b"no-store"), (b"retry-after", b"5"),
        (b"x-pairwise-sentence", quote(str(refused)).encode())]})
    await send({"type": "http.response.body", "body": text, "more_body": True})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": b""})


def _problem(refused: Refused) -> bytes:
    """As ``api.problems`` has it, without what only a request that was read has."""
    return json.dumps({"type": "about:blank", "title": refused.status.phrase, "status": refused.status.value,
                       "detail": str(refused), "instance": "", "request_id": "", "refusals": []}).encode()


def _too_large(most: int) -> Refused:
    if most == STRANGER_BODY_MAX:
        return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"This is larger than the {most // 1024} KB that are "
                       "taken of those who are not signed in. Nothing was kept of it: sign in, then send it again.")
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"This is larger than the {most // 1024**2} MB that are taken "
                   "here. Nothing was kept of it.")


def _content_length(scope: Scope) -> int:
    """-1 when the request does not say how long its body is, though it has one."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return -1
    told = headers.get(b"content-length", b"0")
    return int(told) if told.isdigit() and len(told) <= LENGTH_DIGITS else -1
