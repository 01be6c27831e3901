"""What ``manage.py check --deploy`` asks through the proxy in front: the web process says how the request reached it.

Whoever asks shows a proof that only the console's key makes; to anybody else there is nothing at this address. A proof
is good for GOOD_S and for this alone, so a proxy that keeps one learns what it passed on itself.
"""

import asyncio
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus

from django.conf import settings

from console.gate import Receive, Scope
from console.places import Send
from provisioning.core.arrival import PEER, Arrival, is_among, networks
from provisioning.keys import all_keys, derive

PATH, STREAM, LATE = "/arrived", b"stream", b"late"
PROOF = "X-Pairwise-Proof"
GOOD_S = 120
"""So long a proof is good, and so much the clocks of two machines of the console may differ."""
HOLD_S, HELD_MAX = 2.0, 4
"""How long after its first event a stream ends, and how many answers are held back at once."""
LATE_S = 65.0
"""How long the late answer takes: longer than a verb of the API waits, and than the 60 s that proxies wait by
themselves."""
SHOWN_MAX = 300
"""Characters of a header that are told."""
EVENT = b"event: arrived\ndata: {}\n\n"


class Echo:
    """``application``, and what is answered to who has the proof."""

    def __init__(self, application):
        self._application, self._held = application, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or not is_proven(
                header(scope, PROOF), all_keys(), time.time()):
            await self._application(scope, receive, send)
        elif scope["query_string"] == STREAM:
            await self._hold(self._stream, send)
        elif scope["query_string"] == LATE:
            await self._hold(self._late, send)
        else:
            body = json.dumps(told(scope)).encode()
            await _begin(send, "application/json", (b"content-length", str(len(body)).encode()))
            await send({"type": "http.response.body", "body": body})

    async def _hold(self, answer: Callable[[Send], Awaitable[None]], send: Send) -> None:
        if self._held >= HELD_MAX:
            await _begin(send, "text/plain", status=HTTPStatus.SERVICE_UNAVAILABLE)
            await send({"type": "http.response.body", "body": b""})
            return
        self._held += 1
        try:
            await answer(send)
        finally:
            self._held -= 1

    async def _stream(self, send: Send) -> None:
        """With the headers of the console's own streams (provisioning.web.stream)."""
        await _begin(send, "text/event-stream", (b"x-accel-buffering", b"no"))
        await send({"type": "http.response.body", "body": EVENT, "more_body": True})
        await asyncio.sleep(HOLD_S)
        await send({"type": "http.response.body", "body": EVENT})

    async def _late(self, send: Send) -> None:
        await asyncio.sleep(LATE_S)
        await _begin(send, "text/plain", (b"content-length", b"0"))
        await send({"type": "http.response.body", "body": b""})


async def _begin(send: Send, kind: str, *headers: tuple[bytes, bytes], status: HTTPStatus = HTTPStatus.OK) -> None:
    # Each question has a connection of its own, and what was said to follow as a body is not read.
    await send({"type": "http.response.start", "status": status.value, "headers": [
        (b"content-type", kind.encode()), (b"cache-control", b"no-store"), (b"connection", b"close"), *headers]})


def told(scope: Scope) -> dict[str, str | bool]:
    """The fields of an Arrival, and ``process``: on which machine and port the web process is."""
    client = (scope.get("client") or ("",))[0]
    peer = scope.get(PEER, client)
    return {
        "process": f"{socket.gethostname()}:{settings.PAIRWISE_PORT}", "scheme": scope["scheme"], "peer": peer,
        "client": client[:SHOWN_MAX], "host": header(scope, "Host"), "proto": header(scope, "X-Forwarded-Proto"),
        "forwarded_for": header(scope, "X-Forwarded-For"),
        "is_trusted": is_among(peer, networks(settings.PAIRWISE_TRUSTED_PROXIES))}


def header(scope: Scope, name: str) -> str:
    """All that came under this name."""
    wanted = name.lower().encode()
    return ", ".join(value.decode("latin-1") for each, value in scope["headers"] if each == wanted)[:SHOWN_MAX]


# --- the proof


def proof(key: str, now: float) -> str:
    """What goes into the header PROOF. ``now``: Unix s."""
    return f"{now:.0f}.{_mac(key, f'{now:.0f}')}"


def is_proven(shown: str, keys: Iterable[str], now: float) -> bool:
    """Whether ``shown`` is a proof that one of ``keys`` made within GOOD_S of ``now``."""
    at, _, mac = shown.partition(".")
    if not at.isascii() or not at.isdigit() or len(at) > 12 or abs(now - int(at)) > GOOD_S:
        return False
    return any(hmac.compare_digest(mac.encode(), _mac(key, at).encode()) for key in keys)


def _mac(key: str, at: str) -> str:
    return hmac.new(derive(key, "arrival"), at.encode(), hashlib.sha256).hexdigest()


def arrival(said: object) -> tuple[str, Arrival]:
    """(process, Arrival) of what ``told`` told. Raises ValueError for anything else."""
    names = ("scheme", "host", "peer", "client", "proto", "forwarded_for")
    if not isinstance(said, dict) or not all(isinstance(said.get(name), str) for name in ("process", *names)):
        raise ValueError("no arrival")
    return said["process"], Arrival(is_trusted=said.get("is_trusted") is True, **{name: said[name] for name in names})
