"""A deadline over all that happens on a connection: a peer that sends a byte now and then keeps nobody."""

import os
import socket
import threading
from contextlib import suppress


class Cut:
    """Ends the connection of ``sock`` in both directions after ``after_s``, whatever runs on it then, also when TLS
    took it over since. ``happened``: it did."""

    def __init__(self, sock: socket.socket, after_s: float):
        # Of its own, so that the file that the other one had cannot mean another connection by then.
        self._sock = socket.socket(fileno=os.dup(sock.fileno()))
        self._timer = threading.Timer(max(0.0, after_s), self._cut)
        self._timer.daemon = True
        self.happened = False

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        self._timer.cancel()
        self._timer.join()
        self._sock.close()

    def __enter__(self) -> "Cut":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _cut(self) -> None:
        self.happened = True
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
