"""Ports for the tests."""

import os
import random
import socket

_ports = random.Random(os.getpid())
_given: set[int] = set()


def free_port(low: int = 20_000, high: int = 32_000) -> int:
    """A port that nothing listens on now and that was not given before, below the range from which the system takes
    ports for outgoing calls."""
    while True:
        number = _ports.randrange(low, high)
        if number in _given:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            _given.add(number)
            return number
