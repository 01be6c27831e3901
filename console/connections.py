"""HTTP as uvicorn speaks it, with a time for a request's headers and places for those that are still sending one."""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from console.proxies import Network, networks
from protocol.sparing import EVERY_S, Sparing
from protocol.strangers import Strangers

log = logging.getLogger(__name__)
HEADERS_S = 10.0
PLACES = 1000
"""Connections of which a request is not yet there as a whole, or no first one; as many may be in a TLS handshake."""
FORWARDED = b"x-forwarded-for"
READS_S = 60.0
"""So long a client may take nothing of what waits for it before its connection is cut."""
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


refused = Sparing(_note)
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
    return bool(trusted_proxies) and any(ipaddress.ip_address(host) in each for each in trusted_proxies)


class Http(HttpToolsProtocol):
    _deadline: asyncio.TimerHandle | None = None
    _reads_by: asyncio.TimerHandle | None = None
    _said_something = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._take_place()
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        self._said_something = True
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._take_place()
        self._await_headers()

    def on_headers_complete(self) -> None:
        self._have_headers()
        if not trusted_proxies and self.client and any(name == FORWARDED for name, _ in self.headers):
            forwarded(self.client[0])
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        strangers.gone(self)
        super().on_message_complete()

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
        refused(f"{self.client[0] if self.client else 'somebody'}: {why}")
        self.transport.abort()

    def _have_headers(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
