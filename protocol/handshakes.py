"""Listeners over TLS: a stranger in its handshake holds one of so many places, and gives way as any other stranger."""

import asyncio
import functools
import socket
import ssl
from collections.abc import Callable, Iterable

from .lines import OPENING_TIMEOUT_S
from .strangers import Strangers
from .tls import why_refused

ACCEPT_AGAIN_S = 1.0


class SecuredListener:
    """Takes connections on ``listening`` sockets until ``close``; each whose handshake is done gets a ``protocol``.

    ``places``: how many may be in their handshake at once, each for ``within_s``. ``failed`` is told address and reason
    of each that did not agree on TLS, was too slow or gave way to others; it bounds what it says of them.
    """

    def __init__(self, listening: Iterable[socket.socket], protocol: Callable[[], asyncio.BaseProtocol],
                 context: ssl.SSLContext, *, places: Callable[[], int], within_s: float = OPENING_TIMEOUT_S,
                 failed: Callable[[str, str], None] = lambda address, why: None):
        self._protocol, self._context, self._within_s, self._failed = protocol, context, within_s, failed
        self._strangers: Strangers[asyncio.Task[None]] = Strangers(places)
        self._loop = asyncio.get_running_loop()
        self._accepting: list[asyncio.Task[None]] = []
        for each in listening:
            each.setblocking(False)
            task = self._loop.create_task(self._accept(each), name="accept")
            # Also of one that is cancelled before it began.
            task.add_done_callback(functools.partial(_close, each))
            self._accepting.append(task)

    @property
    def strangers(self) -> int:
        """How many are in their handshake."""
        return len(self._strangers)

    def close(self) -> None:
        """Take nobody any more; those that have shaken hands go on."""
        for task in (*self._accepting, *self._strangers):
            task.cancel()

    async def wait_closed(self) -> None:
        await asyncio.gather(*self._accepting, *self._strangers, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                self._take((await self._loop.sock_accept(listening))[0])
            except ConnectionAbortedError:
                continue  # who dialled has left already
            except OSError:
                # Out of files or of memory: those that are connected go on.
                await asyncio.sleep(ACCEPT_AGAIN_S)

    def _take(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            address = str(connection.getpeername()[0])
        except OSError:
            connection.close()
            return
        task = self._loop.create_task(self._shake_hands(connection, address), name=address)
        gives_way = self._strangers.came(task, address, self._loop.time())
        if gives_way is not None:
            gives_way.cancel()
            self._failed(gives_way.get_name(),
                         "its TLS handshake is not done, and newer connections wait for its place")

        def ended(_: object) -> None:
            self._strangers.gone(task)
            if task.cancelled():
                # Also of one that was cancelled before it began.
                connection.close()

        task.add_done_callback(ended)

    async def _shake_hands(self, connection: socket.socket, address: str) -> None:
        begun = self._loop.time()
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection, ssl=self._context,
                                                     ssl_handshake_timeout=self._within_s)
        except ssl.SSLError as error:
            self._failed(address, why_refused(error, address))
        except (OSError, TimeoutError):
            # Who left by itself is not told of.
            if self._loop.time() - begun >= self._within_s:
                self._failed(address, f"its TLS handshake was not done within {self._within_s:g} s")


def _close(listening: socket.socket, _: object) -> None:
    listening.close()
