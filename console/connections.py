"""HTTP as uvicorn speaks it, with a time and a size for a request's headers, places for those that are still sending
one, and one request of a connection at a time."""

import asyncio
import logging
import time
from collections.abc import Iterable

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from protocol.strangers import Strangers
from protocol.throttle import EVERY_S, Throttle
from provisioning.core.arrival import PEER, Network, is_among, networks

log = logging.getLogger(__name__)
HEADERS_S = 10.0
PLACES = 1000
"""Connections of which a request is not yet there as a whole, or no first one; as many may be in a TLS handshake."""
HEAD_MAX, HEADERS_MAX = 64 * 1024, 200
"""Bytes of a request before its body and of the trailers behind it, and how many headers or trailers it may have."""
PIECE = 16 * 1024
"""Bytes that are looked at before it is counted anew what of them was no body."""
LINGER_S, LINGER_MAX = 2.0, 1024 * 1024
"""So long, and so many bytes of, what still comes is thrown away when headers are refused: the end of a connection with
unread input can overtake the answer."""
FORWARDED = b"x-forwarded-for"
READS_S = 60.0
"""So long a client may take nothing of what waits for it before its connection is cut."""
_SENTENCE = (f"The headers of this request have more than {HEAD_MAX // 1024} KB, or are more than {HEADERS_MAX}. "
             "Nothing was done. A browser sends fewer when its cookies of this address are deleted.\n")
TOO_MANY_HEADERS = (
    "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\n"
    f"Content-Length: {len(_SENTENCE)}\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n{_SENTENCE}").encode()
strangers: Strangers["Http"] = Strangers(lambda: PLACES)
trusted_proxies: list[Network] = []
"""Many people come from there: each of their connections counts as one of its own."""


def _note(text: str) -> None:
    text = f"A connection to the web console was refused: {text}."
    log.warning("%s", text)
    asyncio.get_running_loop().run_in_executor(None, _record, text)


def _record(text: str) -> None:
    """An event on the console's timeline."""
    # Not above: Django is not set up yet.
    from django.db import connections

    from provisioning.core import refusals

    try:
        refusals.add(host=None, text=text, of_stranger=True)
    except Exception as error:
        log.warning("That is in this log alone: %s", error)
    finally:
        connections.close_all()


refused = Throttle(_note)
"""Tells of a stranger that was sent away, in a sentence without its end."""


class Forwarded:
    """Notes, once in EVERY_S at most, that a request was forwarded while no proxy is named."""

    def __init__(self):
        self._next_at = float("-inf")

    def __call__(self, address: str) -> None:
        now = time.monotonic()
        if now >= self._next_at:
            self._next_at = now + EVERY_S
            asyncio.get_running_loop().run_in_executor(None, self._note, address)

    def _note(self, address: str) -> None:
        # Not above: Django is not set up yet.
        from django.db import connections

        from provisioning.accounts.services.forwarded import note_forwarded

        try:
            note_forwarded(address)
        except Exception as error:
            log.warning("that requests are forwarded by %s is in this log alone: %s", address, error)
        finally:
            connections.close_all()


forwarded = Forwarded()


def trust(proxies: Iterable[str]) -> None:
    """From now on. Raises ValueError."""
    trusted_proxies[:] = networks(proxies)


def _is_proxy(host: str) -> bool:
    return bool(trusted_proxies) and is_among(host, trusted_proxies)


class NotTaken(Exception):
    """Raised out of the parser: what follows on the connection is not looked at."""


class Http(HttpToolsProtocol):
    """One request of a connection at a time: what comes before the answer to it is complete waits unread, up to
    HEAD_MAX bytes, and whoever sends more, or several requests at once, gets one answer, and the connection ends."""

    _deadline: asyncio.TimerHandle | None = None
    _reads_by: asyncio.TimerHandle | None = None
    _said_something = False
    _takes_no_more = False
    _ahead = b""
    """What came before the answer to the last request was complete."""
    _no_body = _headers = 0
    """Bytes since the request began, or since a part of its body, and headers and trailers of the request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._take_place()
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        self._said_something = True
        if self._takes_no_more:
            self._throw_away(data)
            return
        if self._is_at_work() and not self.cycle.more_body:
            self._keep_for_later(data)
            return
        if not self._is_at_work() and self._deadline is None:
            # Also of bytes with which no request begins, like empty lines.
            self._take_place()
            self._await_headers()
        self._unset_keepalive_if_required()
        for at in range(0, len(data), PIECE):
            if self._takes_no_more or self.transport.is_closing():
                return
            self._parse(data[at:at + PIECE])

    def _throw_away(self, data: bytes) -> None:
        self._no_body += len(data)
        # While a request is at work, whoever waits for the end of the connection has resumed it.
        if self._no_body > LINGER_MAX or (self._is_at_work() and not self.cycle.disconnected):
            self.flow.pause_reading()

    def _parse(self, piece: bytes) -> None:
        self._no_body += len(piece)
        if self._no_body > HEAD_MAX:
            self._refuse_headers()
            return
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self._unsupported_upgrade_warning()
        except httptools.HttpParserError:
            if not self._takes_no_more:
                self.logger.warning("Invalid HTTP request received.")
                self.send_400_response("Invalid HTTP request received.")

    def _is_at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _keep_for_later(self, data: bytes) -> None:
        self.flow.pause_reading()
        if len(self._ahead) + len(data) <= HEAD_MAX:
            self._ahead += data
        else:
            self._end_after_answer()

    def _end_after_answer(self) -> None:
        self.flow.pause_reading()
        self._takes_no_more, self._ahead, self.cycle.keep_alive = True, b"", False

    def on_message_begin(self) -> None:
        if self._is_at_work():
            self._end_after_answer()
            raise NotTaken
        super().on_message_begin()
        self._headers = 0
        self._take_place()
        self._await_headers()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers += 1
        if self._headers > HEADERS_MAX:
            self._refuse_headers()
            raise NotTaken
        if not self._is_at_work():
            # Else it is a trailer, which nothing here asks for.
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._no_body = 0
        self._have_headers()
        self.scope[PEER] = self.client[0] if self.client else ""  # type: ignore[literal-required]  # one of ours
        if not trusted_proxies and self.client and any(name == FORWARDED for name, _ in self.headers):
            forwarded(self.client[0])
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        self._no_body = 0

    def on_body(self, body: bytes) -> None:
        self._no_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._no_body = 0
        strangers.gone(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        ahead, self._ahead = self._ahead, b""
        if ahead and not self.transport.is_closing():
            self.data_received(ahead)

    def _refuse_headers(self) -> None:
        """431, and nothing else is done of the request."""
        self._takes_no_more = True
        self._have_headers()
        self._tell(f"the headers of its request had more than {HEAD_MAX // 1024} KB, or were more than {HEADERS_MAX}")
        if self._is_at_work():
            # Its body is not read to the end, so it has no answer yet: trailers were too many.
            has_begun, self.cycle.disconnected = self.cycle.response_started, True
            self.cycle.message_event.set()
            if has_begun:
                self.transport.close()
                return
        self.transport.write(TOO_MANY_HEADERS)
        self._deadline = self.loop.call_later(LINGER_S, self.transport.abort)

    def _take_place(self) -> None:
        strangers.gone(self)
        host, port = self.client or ("", 0)
        gives_way = strangers.came(self, f"[{host}]:{port}" if _is_proxy(host) else host)
        if gives_way is not None:
            gives_way.send_away("it has sent no request, and newer connections wait for its place")

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reads_by = self.loop.call_later(READS_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._takes_something()

    def _takes_something(self) -> None:
        if self._reads_by is not None:
            self._reads_by.cancel()
            self._reads_by = None

    def connection_lost(self, error: Exception | None) -> None:
        strangers.gone(self)
        self._have_headers()
        self._takes_something()
        super().connection_lost(error)

    def _await_headers(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEADERS_S, self._is_late)

    def _is_late(self) -> None:
        if not self._said_something:
            # Browsers open connections ahead of time, and may need none of them.
            self.transport.abort()
        else:
            self.send_away(f"the headers of its request were not there after {HEADERS_S:g} s")

    def send_away(self, why: str) -> None:
        self._tell(why)
        self.transport.abort()

    def _tell(self, why: str) -> None:
        refused(f"{self.client[0] if self.client else 'somebody'}: {why}")

    def _have_headers(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
