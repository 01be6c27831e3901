"""Processes that begin as forks of one that has loaded what they use (``console.up.fork_server``)."""

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from console.up import processes
from console.up.program import Process, Program, appending, spawn

ANSWERS_S = 60.0
"""It answers once it has loaded everything: after a second or two, on a busy machine later."""
ENDS_S = 5.0
LINE_MAX = 4096


class Fork:
    """A child of ours that another process made, to be used as ``subprocess.Popen`` is."""

    def __init__(self, pid: int):
        self.pid = pid
        self.is_ours = False
        """False while the one that made it is there."""
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.is_ours and self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                # It had ended before it could become ours.
                self.returncode = -signal.SIGKILL
            else:
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            processes.send(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """Between ``begin`` and ``release`` ``fork`` gives forks, which run from the release on; else, and when there can
    be none, a process that loads everything itself: that goes on by itself whatever becomes of this one."""

    def __init__(self, program: Program, log_dir: Path):
        self._program, self._log = program, log_dir / f"{program.name}.log"
        self._process: subprocess.Popen | None = None
        self._socket: socket.socket | None = None
        self._forks: list[Fork] = []

    def begin(self) -> None:
        """Returns before anything is loaded."""
        ours, theirs = socket.socketpair()
        try:
            with theirs, appending(self._log) as log:
                self._process = spawn(self._program, log, stdin=theirs.fileno())
        except OSError:
            ours.close()
            return
        self._socket = ours
        ours.settimeout(ANSWERS_S)

    def fork(self, program: Program, log: IO[bytes], more: Mapping[str, str]) -> Process:
        """As ``program.Begin``."""
        if self._socket is not None:
            request = {"title": f"pairwise: {program.name}", "arguments": program.arguments[1:], "log": log.name,
                       "umask": program.umask, "environment": dict(more)}
            with contextlib.suppress(OSError, ValueError):
                self._socket.sendall(json.dumps(request).encode() + b"\n")
                answer = json.loads(self._socket.recv(LINE_MAX))
                if "pid" in answer:
                    self._forks.append(Fork(answer["pid"]))
                    return self._forks[-1]
        return spawn(program, log, more)

    def release(self) -> None:
        """The one that forks ends, and its forks, which become children of ours, run."""
        if self._socket is None or self._process is None:
            return
        with processes.adopting():
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            if not self._forks:
                self._process.kill()
            try:
                self._process.wait(ENDS_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for fork in self._forks:
            fork.is_ours = True
        self._socket.close()
        self._socket = None
