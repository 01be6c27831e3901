"""Connections to databases that a thread keeps from one piece of its work to the next."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections


@contextmanager
def piece_of_work() -> Iterator[None]:
    """Around each piece of work of such a thread: afterwards it keeps connections to files, and none that failed. Those
    to a server are back in the pool, which gives nobody one that the server has closed meanwhile, as by a restart."""
    try:
        yield
    except Exception:
        connections.close_all()
        raise
    for connection in connections.all(initialized_only=True):
        if connection.vendor != "sqlite" or connection.errors_occurred:
            connection.close()
