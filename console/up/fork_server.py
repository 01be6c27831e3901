"""``python -m console.up.fork_server``: loads once what the console's processes use, and is forked for each of them: so
they begin sooner, and what none of them changes is in memory once. `up` asks for them at its start, on the socket that
is the standard input here (``console.up.forks``)."""

import gc
import importlib
import json
import os
import runpy
import select
import socket
import sys
from collections.abc import Mapping
from typing import Any

from console.up import processes
from protocol import collector

LOADED = (
    "console.urls", "console.bounds", "console.echo", "console.gate", "console.reads", "console.connections",
    "console.celery", "console.schedule", "console.management.commands.runcontrol",
    "console.management.commands.runlog", "control.main", "celery.apps.worker",
    "celery.concurrency.thread", "celery.worker.consumer", "kombu.transport.redis", "uvicorn.lifespan.off",
    "uvicorn.loops.uvloop",
)
"""What at least one of them would load by itself, and what does nothing when it is loaded."""


def main() -> None:
    # While it loads `up` may end.
    up = os.getppid()
    requests = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    load()
    request = serve(requests)
    become(request, up, requests)
    run(request)


def load() -> None:
    import django

    collector.look_rarely()
    django.setup()
    for name in LOADED:
        importlib.import_module(name)
    gc.collect()
    # What a collector walks it writes to, and so it would be in memory once for each of them.
    collector.spare()


def serve(requests: socket.socket) -> Mapping[str, Any]:
    """Forks for each request (a line of JSON, answered with the pid or with why there is none) until there are no more.
    Returns in a fork, with its request."""
    with requests.makefile("rw") as lines:
        for line in lines:
            try:
                pid = os.fork()
            except OSError as error:
                print(json.dumps({"refused": str(error)}), file=lines, flush=True)
                continue
            if pid == 0:
                return json.loads(line)
            print(json.dumps({"pid": pid}), file=lines, flush=True)
    sys.exit()


def become(request: Mapping[str, Any], up: int, requests: socket.socket) -> None:
    """In the fork: begins as ``program.spawn`` has a process begin, when it is a child of `up` itself."""
    os.setsid()
    ends = select.poll()
    # No more than the end: what comes before is for who forks.
    ends.register(requests, 0)
    ends.poll()
    requests.close()
    processes.follow(up)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, file in ((0, nothing), (1, log), (2, log)):
        os.dup2(file, number)
    for file in (nothing, log):
        os.close(file)
    os.umask(request["umask"])
    os.environ.update(request["environment"])


def run(request: Mapping[str, Any]) -> None:
    """What ``python ARGUMENTS`` runs, under its title where processes are listed."""
    # Here: it is the whole process's business.
    import setproctitle

    setproctitle.setproctitle(request["title"])
    first, *rest = request["arguments"]
    if first == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [first, *rest]
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    main()
