"""Runs functions in a process of its own, which loads Django's applications: what they load and use does not stay in
this one, which is there for as long as the console runs."""

import contextlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Generator, Sequence
from typing import Any, NoReturn

import django

from console.up.errors import CannotStart

Work = Callable[[], dict]


def apart(work: Work) -> dict:
    """What ``work()`` returns (plain JSON values). Raises CannotStart when it did, RuntimeError when it broke."""
    with contextlib.closing(one_after_the_other(work)) as steps:
        return next(steps)


def aside(work: Work, say: Callable[[str], None]) -> dict:
    """As ``apart``, beside what runs already, and goes on whatever becomes of this: {} then, and ``say`` hears why."""
    try:
        return apart(work)
    except (CannotStart, RuntimeError, OSError) as error:
        say(f"Something that is done beside the console failed: {error}")
        return {}


def one_after_the_other(*works: Work) -> Generator[dict]:
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
                body = done.readline()
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
