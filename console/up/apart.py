"""Runs a function in a process of its own, so that what it loads and uses does not stay in this one."""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

from console.up.errors import CannotStart


def apart(work: Callable[[], dict]) -> dict:
    """What ``work()`` returns (plain JSON values). Raises CannotStart when it did, RuntimeError when it broke."""
    sys.stdout.flush()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        _work(work, write_end)
    os.close(write_end)
    try:
        with open(read_end, "rb") as pipe:
            body = pipe.read()
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    os.waitpid(pid, 0)
    answer = json.loads(body) if body else {}
    if "refused" in answer:
        raise CannotStart(answer["refused"])
    if "done" not in answer:
        raise RuntimeError("the set-up broke; the lines above say why")
    return answer["done"]


def _work(work: Callable[[], dict], write_end: int) -> None:
    """In the child: never returns. Requests to stop are the parent's business, it ends us."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        try:
            answer: dict[str, Any] = {"done": work()}
        except CannotStart as refused:
            answer = {"refused": str(refused)}
        with open(write_end, "w") as pipe:
            json.dump(answer, pipe)
        sys.stdout.flush()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
