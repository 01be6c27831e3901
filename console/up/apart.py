"""Runs functions in a process of its own, which loads Django's applications: what they load and use does not stay in
this one, which is there for as long as the console runs."""

import contextlib
import json
import math
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from typing import IO, Any, NoReturn

import django

from console.up.errors import CannotStart

Work = Callable[[], dict]
MEANWHILE_S = 1.0
"""How often who waits for the other process does something else meanwhile."""


def nothing() -> None:
    pass


def apart(work: Work, *, meanwhile: Callable[[], None] = nothing, within_s: float = math.inf) -> dict:
    """What ``work()`` returns (plain JSON values). ``meanwhile`` is called each second until then. Raises CannotStart
    when it did, RuntimeError when it broke, TimeoutError when it was ended, as it took longer than ``within_s``."""
    with contextlib.closing(one_after_the_other(work, meanwhile=meanwhile, within_s=within_s)) as steps:
        return next(steps)


def aside(work: Work, say: Callable[[str], None], *, meanwhile: Callable[[], None] = nothing,
          within_s: float = math.inf) -> dict:
    """As ``apart``, beside what runs already, and goes on whatever becomes of this: {} then, and ``say`` hears why."""
    try:
        return apart(work, meanwhile=meanwhile, within_s=within_s)
    except (CannotStart, RuntimeError, OSError) as error:
        say(f"Something that is done beside the console failed: {error}")
        return {}


def one_after_the_other(*works: Work, meanwhile: Callable[[], None] = nothing,
                        within_s: float = math.inf) -> Generator[dict]:
    """As ``apart``, of several in one process, each begun when it is asked for. Closed, it leaves nothing behind."""
    sys.stdout.flush()
    (go_read, go_write), (done_read, done_write) = os.pipe(), os.pipe()
    try:
        pid = os.fork()
    except OSError:
        for each in (go_read, go_write, done_read, done_write):
            os.close(each)
        raise
    if pid == 0:
        os.close(go_write)
        os.close(done_read)
        _work(works, go_read, done_write)
    os.close(go_read)
    os.close(done_write)
    ends = False
    try:
        with open(go_write, "wb", buffering=0) as go, open(done_read, "rb") as done:
            for _ in works:
                with contextlib.suppress(BrokenPipeError):
                    go.write(b".")
                body = _answered(done, meanwhile, within_s)
                ends = not body
                answer = json.loads(body) if body else {}
                if "refused" in answer:
                    raise CannotStart(answer["refused"])
                if "done" not in answer:
                    raise RuntimeError("a process of its own broke, and the lines above say why")
                yield answer["done"]
        ends = True
    finally:
        if not ends:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _answered(done: IO[bytes], meanwhile: Callable[[], None], within_s: float) -> bytes:
    """A line, b"" when there is none any more. Raises TimeoutError."""
    poll, deadline = select.poll(), time.monotonic() + within_s
    poll.register(done, select.POLLIN)
    while not poll.poll(MEANWHILE_S * 1000):
        meanwhile()
        if time.monotonic() > deadline:
            raise TimeoutError(f"it took longer than {within_s:g} s and was ended")
    return done.readline()


def _work(works: Sequence[Work], go: int, done: int) -> NoReturn:
    """In the child: never returns. Requests to stop are the parent's business, it ends us."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        django.setup()
        with open(done, "w") as pipe:
            for work in works:
                if not os.read(go, 1):
                    break
                print(json.dumps(_answer(work)), file=pipe, flush=True)
                sys.stdout.flush()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _answer(work: Work) -> dict[str, Any]:
    try:
        return {"done": work()}
    except CannotStart as refused:
        return {"refused": str(refused)}
