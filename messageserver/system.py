"""What differs between operating systems: locks, signals, limits and what makes a rename durable."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

# Written out again where a system has what others lack: the type checker passes over the other systems' code only then.
WINDOWS = sys.platform == "win32"
LOCKED_BYTE = 1 << 30
"""Windows locks bytes and hides them from readers; this one is far behind what the file says."""

if sys.platform == "win32":
    import msvcrt
    import shutil
else:
    import fcntl


def lock(descriptor: int) -> None:
    """Hold the open file against every other process until it is closed. Raises BlockingIOError when another does."""
    if sys.platform == "win32":
        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, error.strerror) from error
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def since_boot() -> float:
    """Seconds since the machine was started, those in which it slept included: nobody can set this clock."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    else:
        return time.monotonic()


def disk_space(directory: Path) -> tuple[int, int]:
    """(free, total) bytes of the disk that it is on, as this account may use them; (0, 0) where that is not told."""
    try:
        if sys.platform == "win32":
            there = shutil.disk_usage(directory)
            return there.free, there.total
        else:
            found = os.statvfs(directory)
            return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    except OSError:
        return 0, 0


def outlive_terminal() -> None:
    """A terminal that is closed, or one that somebody else closes, does not end this process."""
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def show_as(name: str) -> None:
    """Have ``ps`` and ``pgrep`` show this process by ``name``, of at most 15 bytes, where the system lets it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name, encoding="ascii")


def on_signals(loop: "asyncio.AbstractEventLoop", *, stop: Callable[[], None], suspend: Callable[[], None],
               hangup: Callable[[], None]) -> None:
    """Call ``stop`` or ``suspend`` in ``loop`` when somebody asks this process to end, ``hangup`` for SIGHUP. Windows
    has Ctrl-C and Ctrl-Break to end it, and hears of neither outside of the main thread, where a service runs."""
    if sys.platform == "win32":
        with contextlib.suppress(ValueError):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGBREAK):
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
    else:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        loop.add_signal_handler(signal.SIGUSR1, suspend)
        loop.add_signal_handler(signal.SIGHUP, hangup)
