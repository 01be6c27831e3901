"""Runs a program as an account and reads what it says: no longer than a time, no more than a number of bytes."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """``code`` is the exit code, None when it was ended because it took too long. ``text``: what it said, the
    beginning of it when it said too much."""

    code: int | None
    text: str


def ask(argv: Sequence[str], *, directory: str, account: tuple[int, int, list[int]] | None,
        environment: Mapping[str, str], within_s: float, limit: int) -> Answer:
    """``account`` is (uid, gid, other groups), None for this process's own. Raises OSError when it cannot be run."""
    user, group, extra_groups = account or (None, None, None)
    process = subprocess.Popen(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, env=environment, start_new_session=True, user=user,
                               group=group, extra_groups=extra_groups)
    output, until = bytearray(), time.monotonic() + within_s
    with process:
        try:
            _read(process, output, until, limit)
            process.wait(max(0.0, until - time.monotonic()) if len(output) < limit else 0)
        except subprocess.TimeoutExpired:
            pass
        finally:
            code = process.poll()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    return Answer(code, output.decode("utf-8", "replace").replace("\0", "�"))


def _read(process: subprocess.Popen[bytes], output: bytearray, until: float, limit: int) -> None:
    """What it says until its end. Raises TimeoutExpired."""
    assert process.stdout is not None  # it was given a pipe
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while len(output) < limit:
            left = until - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise subprocess.TimeoutExpired(process.args, 0)
            chunk = os.read(process.stdout.fileno(), limit - len(output))
            if not chunk:
                return
            output += chunk
