"""``/stream/``: Server-Sent Events that say what changed. One stream per browser (``static/js/stream.js``)."""

import asyncio
import contextlib
import json
import signal
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Iterable
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, connections
from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from provisioning.core.signals import SIGNED_OUT, signed_out

from .fanout import Fanout, Listener, TooSlow
from .pages import page
from .sessions import user_of_session
from .stream_position import StreamTrouble

KEEPALIVE_S = 15.0
LIFE_S = 600.0
"""A stream ends by itself after so long; EventSource comes back with its Last-Event-ID and a fresh login check."""
LOOK_S = 60.0
"""So often a stream looks whether its session is still there, besides when it is told to."""
RETRY_MS, RETRY_TROUBLE_MS = 1_000, 5_000
"""How long a tab waits before it comes back: after a stream that ended, and while Redis is away."""
STREAMS_MAX, STREAMS_OF_ONE = 1_000, 30
"""Streams per web process, and of one user of it; a tab beyond that asks every few seconds instead."""

_open: WeakKeyDictionary[asyncio.Event, int] = WeakKeyDictionary()
"""One per open stream, with whose it is; set when the stream has to end because the server stops. A stream whose
browser went before it began is forgotten with it."""
_watching_signals = False
fanout = Fanout()
"""What follows the changes for all streams of this process."""


def frame(*, event: str = "", data: object = None, event_id: str = "") -> bytes:
    """One Server-Sent Event; ``data`` as JSON."""
    lines = [f"event: {event}"] if event else []
    if event_id:
        lines.append(f"id: {event_id}")
    lines.append(f"data: {json.dumps(data, separators=(',', ':'))}")
    return "\n".join(lines).encode() + b"\n\n"


def _end_streams_at_shutdown() -> None:
    """Chain to the server's signal handlers: it waits for open responses before it stops, and a stream never ends."""
    global _watching_signals
    if _watching_signals or threading.current_thread() is not threading.main_thread():
        return
    _watching_signals = True
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if not callable(before):
            continue

        def handle(received, stack, before=before):
            before(received, stack)
            for stop in list(_open):
                loop.call_soon_threadsafe(stop.set)

        signal.signal(number, handle)


async def _unless(stop: asyncio.Event, work: Awaitable):
    """The result of ``work``, or None as soon as ``stop`` is set."""
    tasks = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].result() if tasks[0].done() else None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Reader:
    """Whose stream it is, and with which session it was opened."""

    def __init__(self, user_id: int, session_key: str):
        self.user_id, self._session_key = user_id, session_key
        self._looked = float("-inf")

    async def has_left(self, topics: Iterable[str] = ()) -> bool:
        """Whether the session was ended. It is looked for when ``topics`` say that one of this user was, and every
        LOOK_S."""
        if signed_out(self.user_id) not in topics and time.monotonic() - self._looked < LOOK_S:
            return False
        self._looked = time.monotonic()
        return not await sync_to_async(self._is_signed_in, thread_sensitive=False)()

    def _is_signed_in(self) -> bool:
        try:
            return user_of_session(self._session_key).pk == self.user_id
        except DatabaseError:
            # Whoever cannot be asked about has not left: without the database there is nothing to see either.
            return True
        finally:
            connections.close_all()


async def _changes(listener: Listener, stop: asyncio.Event, whose: Reader,
                   only: frozenset[str]) -> AsyncGenerator[bytes]:
    """What ``listener`` hears until the stream's life is over, its reader has left or ``stop`` is set. Raises
    StreamTrouble, TooSlow."""
    ends = time.monotonic() + LIFE_S
    topics: list[str] = []
    while not stop.is_set() and (left := ends - time.monotonic()) > 0:
        if await whose.has_left(topics):
            # What the page shows is asked for once more, and so leads to the sign-in page.
            yield frame(event="refresh", data="This session was ended.")
            break
        news = await _unless(stop, listener.next(min(KEEPALIVE_S, left)))
        if news is not None:
            last, topics = news
            shown = [topic for topic in topics if not topic.startswith(SIGNED_OUT) and is_wanted(topic, only)]
            yield frame(data=shown, event_id=last) if shown else b": still here\n\n"
    yield frame(event="end", data="This stream was open long enough.")


def is_wanted(topic: str, only: frozenset[str]) -> bool:
    """Whether who asked for the topics ``only``, or for all by naming none, is told of this one; the word before a
    colon names all that begin with it."""
    return not only or topic in only or topic.partition(":")[0] in only


async def events(whose: Reader, stop: asyncio.Event, last_event_id: str = "", since_ms: str = "",
                 only: frozenset[str] = frozenset()) -> AsyncGenerator[bytes]:
    """What a tab of the user receives: ``ready``, ``refresh`` (something may have been missed), unnamed events (lists
    of topics), then ``end`` or ``trouble``. Ends cleanly when ``stop`` is set, when the session is ended and when the
    tab is gone."""
    try:
        yield f"retry: {RETRY_MS}\n:\n\n".encode()
        async with fanout.listen(settings.PAIRWISE_REDIS_URL, last_event_id=last_event_id,
                                 since_ms=since_ms) as listener:
            yield frame(event="ready", data=listener.start, event_id=listener.start)
            if listener.gap:
                yield frame(event="refresh", data="Some changes were missed.")
            async for part in _changes(listener, stop, whose, only):
                yield part
    except TooSlow:
        yield frame(event="end", data="More waits for this page than it takes.")
    except StreamTrouble as trouble:
        yield f"retry: {RETRY_TROUBLE_MS}\n".encode() + frame(event="trouble", data=str(trouble))
    finally:
        _open.pop(stop, None)


async def without_database(parts: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """``parts``, after the database connection that checked the login was given back: it would stay with this tab as
    long as the tab is open."""
    await sync_to_async(connections.close_all)()
    async with contextlib.aclosing(parts):
        async for part in parts:
            yield part


def place_for(user_id: int) -> asyncio.Event | None:
    """What ends a stream of this user that may be opened now, or None; nothing is awaited between the look and the
    place, so tabs that come at once are counted like others."""
    if len(_open) >= STREAMS_MAX or sum(of == user_id for of in _open.values()) >= STREAMS_OF_ONE:
        return None
    _end_streams_at_shutdown()
    stop = asyncio.Event()
    _open[stop] = user_id
    return stop


@sync_to_async
@page()
def _why_not(request) -> HttpResponse | None:
    """The refusal of somebody who may not see what changes."""


@require_safe
async def stream(request):
    """Open the stream; Last-Event-ID (or ``?after=``) resumes it, ``?since=`` is when the page was made."""
    if refusal := await _why_not(request):
        return refusal
    user_id = (await request.auser()).pk
    stop = place_for(user_id)
    if stop is None:
        return HttpResponse("Too many open pages on this server; the page asks by itself every few seconds.",
                            status=503, content_type="text/plain", headers={"Retry-After": "30"})
    whose = Reader(user_id, request.session.session_key)
    last = request.headers.get("Last-Event-ID", "") or request.GET.get("after", "")
    return StreamingHttpResponse(
        without_database(events(whose, stop, last[:40], request.GET.get("since", "")[:20])),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
