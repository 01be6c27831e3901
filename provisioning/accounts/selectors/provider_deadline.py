"""Connections to a provider of single sign-on that are cut when the time for its answer is over: the time-outs of a
connection begin anew with every byte that comes, also of its headers and while TLS is agreed upon."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection


class Cut:
    """The sockets of one session, for as long as ``after`` runs."""

    def __init__(self) -> None:
        self._lock, self._is_over = threading.Lock(), False
        self._sockets: list[socket.socket] = []

    def watch(self, opened: socket.socket) -> None:
        with self._lock:
            # One of our own: TLS takes over what the other one holds.
            self._sockets.append(opened.dup())
            if self._is_over:
                self._shut()

    @contextlib.contextmanager
    def after(self, seconds: float) -> Iterator[None]:
        """Whatever waits for the provider in here meets the end of its connection after ``seconds``."""
        timer = threading.Timer(seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                for each in self._sockets:
                    each.close()
                self._sockets, self._is_over = [], False

    def _end(self) -> None:
        with self._lock:
            self._is_over = True
            self._shut()

    def _shut(self) -> None:
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class Adapter(HTTPAdapter):
    """Tells ``cut`` of every connection that it opens."""

    def __init__(self, cut: Cut):
        self._cut = cut
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **more: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **more)
        pool.ConnectionCls = _watched(type(pool).ConnectionCls, self._cut)  # type: ignore[arg-type]  # one with TLS, too
        return pool


def _watched(kind: type[HTTPConnection], cut: Cut) -> type[HTTPConnection]:
    class Watched(kind):  # type: ignore[misc, valid-type]
        def _new_conn(self) -> socket.socket:
            opened = super()._new_conn()
            cut.watch(opened)
            return opened

    return Watched
