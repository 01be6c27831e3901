"""Which process a pid names: pid and start time together, so that a reused pid is never taken for the old process."""

import os
import select
from pathlib import Path


def boot_id() -> str:
    """Identity of this boot of the machine; start times of different boots cannot be compared."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def start_ticks(pid: int) -> int:
    """Start time of ``pid`` in clock ticks since boot; 0 when there is no such process or only its zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    fields = stat.rpartition(")")[2].split()
    return 0 if fields[0] in "ZX" else int(fields[19])


def is_alive(pid: int, started: int) -> bool:
    """True when the process that was ``pid`` since ``started`` ticks still runs."""
    return pid > 0 and started > 0 and start_ticks(pid) == started


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
