"""Facts about processes from /proc: who is it, is it still the same one, who belongs to its session."""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from protocol.identity import is_alive, start_ticks, stat_fields

RUN_MARK = "_PAIRWISE_RUN"
"""Environment variable that every process of one run carries; proof that a leftover is ours."""
KILLED_S = 3.0
"""A process that was killed may take so long to be gone. What the kernel holds for longer must not hold us."""

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)


def following_us() -> Callable[[], None]:
    """For ``preexec_fn``: the process gets SIGTERM when the thread of ours that started it ends, and so when we are
    killed."""
    return partial(follow, os.getpid())


def follow(parent: int) -> None:
    """As ``following_us``, in the child of the process ``parent``."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


@contextlib.contextmanager
def adopting() -> Iterator[None]:
    """Inside, processes below us whose parent ends become children of ours."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 0)


def has_terminal() -> bool:
    """True when this process was started from a terminal, which will say when it is closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def carries_mark(pid: int, mark: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{RUN_MARK}={mark}".encode() in environment.split(b"\0")


def session_members(session: int, mark: str) -> list[int]:
    """Living processes of ``session`` that carry ``mark`` (a Celery pool outlives its killed parent)."""
    members = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = stat_fields(int(entry))
            if fields and fields[0] != "Z" and int(fields[3]) == session and carries_mark(int(entry), mark):
                members.append(int(entry))
    return members


def send(pid: int, number: int) -> bool:
    """Send a signal; False when the process is gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def end_all(pids: list[int], *, within_s: float) -> None:
    """SIGTERM to ``pids``, SIGKILL to those that are still there after ``within_s``; returns once all are gone, or
    KILLED_S after that."""
    alive = {pid: start_ticks(pid) for pid in pids}
    for pid in pids:
        send(pid, signal.SIGTERM)
    deadline, killed = time.monotonic() + within_s, False
    while alive := {pid: ticks for pid, ticks in alive.items() if is_alive(pid, ticks)}:
        if time.monotonic() > deadline + KILLED_S:
            return
        if not killed and time.monotonic() > deadline:
            killed = True
            for pid in alive:
                send(pid, signal.SIGKILL)
        time.sleep(0.02)
