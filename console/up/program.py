"""What `up` runs, and how a process of it is begun."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import IO, Protocol

from console.up import processes

NOTHING_MORE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run. ``stop_signal`` asks for a clean end. ``silent_s``: seconds without a sign of life after which it
    hangs; 0 for one that shows none."""

    name: str
    label: str
    arguments: list[str]
    environment: Mapping[str, str]
    directory: Path
    stop_signal: int = signal.SIGTERM
    umask: int = 0o077
    silent_s: float = 0.0


class Process(Protocol):
    """What of ``subprocess.Popen`` is needed of it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def send_signal(self, number: int, /) -> None: ...

    def kill(self) -> None: ...


Begin = Callable[[Program, IO[bytes], Mapping[str, str]], Process]
"""Begins a process of a program, with its output in a file and more in its environment. Raises OSError."""


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


@contextlib.contextmanager
def appending(log: Path) -> Iterator[IO[bytes]]:
    """The file, which only our account reads. Raises OSError."""
    with open(log, "ab", opener=partial(os.open, mode=0o600)) as file:
        yield file


def spawn(program: Program, log: IO[bytes], more: Mapping[str, str] = NOTHING_MORE,
          stdin: int = subprocess.DEVNULL) -> subprocess.Popen:
    """A process in a session of its own, as ``Begin``. Raises OSError."""
    # `up` killed with -9 must not leave the console behind; SIGTERM lets the agent's servers run on.
    return subprocess.Popen(program.arguments, stdin=stdin, stdout=log, stderr=log, cwd=program.directory,
                            env={**program.environment, **more}, start_new_session=True, umask=program.umask,
                            preexec_fn=processes.following_us())
