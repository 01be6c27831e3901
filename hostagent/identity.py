"""Holding on to one process by a pidfd, which no other process can get."""

import os
import select

from protocol.identity import is_alive


def open_pidfd(pid: int, started: int) -> int | None:
    """A pidfd of exactly that process, None when it has ended. The caller closes it."""
    if pid <= 0:
        return None
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return None
    # Checked after opening: the pidfd cannot change hands any more.
    if not is_alive(pid, started):
        os.close(descriptor)
        return None
    return descriptor


def has_ended(pidfd: int) -> bool:
    """True when the process of ``pidfd`` has ended (also when its parent has not yet fetched the exit code)."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))
