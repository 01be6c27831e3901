"""What a console that is scaled out stands on: PostgreSQL, a Redis with TLS and a password, RabbitMQ. Real ones, on
loopback, with data of their own; ended with the ``with`` block."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg

from bench import rabbitmq
from console.up.redis import wait_ready
from protocol.broker_url import verified
from tests.certificates import Certificates
from tests.ports import free_port

from .harness import PATIENCE, wait_for

ENDS_S, COMMAND_S = 20.0, 60 * PATIENCE
CHEAP = ("-c", "fsync=off")
"""What a server has confirmed outlives its process, though not the machine; tables are emptied in a tenth of the time.
"""
REDIS_PROGRAMS = ("redis-server", "redis-check-rdb")
"""One program under two names; Debian's package redis-tools has the second, and starts no service."""


def why_none() -> str:
    """"" when all of them can be started here, else what is missing."""
    if _postgres_programs() is None:
        return "PostgreSQL is not installed: apt-get install postgresql"
    if _redis_program() is None:
        return "no Redis with TLS is installed: apt-get install redis-tools"
    if os.geteuid() == 0 and _other_account() is None:
        return "PostgreSQL does not run as root, and there is no account nobody"
    return ""


def _postgres_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


def _redis_program() -> str | None:
    return next((path for name in REDIS_PROGRAMS if (path := shutil.which(name))), None)


def _other_account() -> pwd.struct_passwd | None:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("nobody")
    return None


def _end(process: subprocess.Popen, number: int = signal.SIGTERM) -> None:
    process.send_signal(number)
    try:
        process.wait(ENDS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(ENDS_S)


class Postgres:
    """A server; ``url`` names an empty database of it."""

    def __init__(self, url: str, launch: Callable[[], subprocess.Popen]):
        self.url, self._launch = url, launch
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        self._process = self._launch()
        wait_for(lambda: _answers(f"{self.url.rpartition('/')[0]}/postgres"), 30, "PostgreSQL")

    def end(self, number: int = signal.SIGINT) -> None:
        """SIGINT: open transactions are taken back; SIGQUIT: as after a power cut."""
        if self._process is not None:
            _end(self._process, number)


@contextlib.contextmanager
def postgres():
    """The address of an empty database; see ``postgres_server``."""
    with postgres_server() as server:
        yield server.url


@contextlib.contextmanager
def postgres_server():
    """A Postgres, which an account that is not ours runs when we are root."""
    programs, port, password = _postgres_programs(), free_port(), secrets.token_hex(8)
    account = _other_account() if os.geteuid() == 0 else None
    as_other = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    directory = Path(tempfile.mkdtemp(prefix="pairwise-postgres-"))
    try:
        words = directory / "password"
        words.write_text(password)
        if account:
            for path in (directory, words):
                os.chown(path, account.pw_uid, account.pw_gid)
        plain = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        subprocess.run([programs / "initdb", "-D", directory / "data", "-U", "pairwise", "--auth=scram-sha-256",
                        f"--pwfile={words}", "--no-sync"], env=plain, cwd=directory, check=True, capture_output=True,
                       timeout=COMMAND_S, **as_other)

        def launch() -> subprocess.Popen:
            with open(directory / "log", "ab") as log:
                return subprocess.Popen(
                    [programs / "postgres", "-D", directory / "data", "-p", str(port), "-k", str(directory), "-c",
                     "listen_addresses=127.0.0.1", *CHEAP], env=plain, cwd=directory, stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log, **as_other)

        base = f"postgres://pairwise:{password}@127.0.0.1:{port}"
        server = Postgres(f"{base}/pairwise", launch)
        try:
            server.start()
            with psycopg.connect(f"{base}/postgres", autocommit=True) as session:
                session.execute("CREATE DATABASE pairwise")
            yield server
        finally:
            server.end()
    finally:
        shutil.rmtree(directory)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@contextlib.contextmanager
def secured_redis(directory: Path):
    """(address, file of the authority) of a Redis that takes connections over TLS only and wants a password."""
    directory.mkdir()
    port, password = free_port(), secrets.token_hex(8)
    certificates = Certificates(directory)
    certificate, key = certificates.issue("127.0.0.1")
    configuration = directory / "redis.conf"
    configuration.touch(0o600)
    configuration.write_text(
        f"port 0\ntls-port {port}\nbind 127.0.0.1\nrequirepass {password}\ndir {directory}\nappendonly yes\nsave \"\"\n"
        f"tls-cert-file {certificate}\ntls-key-file {key}\ntls-ca-cert-file {certificates.authority}\n"
        "tls-auth-clients no\n")
    with open(directory / "redis.log", "wb") as log:
        process = subprocess.Popen(["redis-server", str(configuration)], executable=_redis_program(), stdout=log,
                                   stderr=log, stdin=subprocess.DEVNULL)
    try:
        url = f"rediss://:{password}@127.0.0.1:{port}/0"
        ready = wait_ready(verified(url, str(certificates.authority)), within_s=20 * PATIENCE,
                           stopped=lambda: process.poll() is not None)
        assert ready, (directory / "redis.log").read_text()
        yield url, str(certificates.authority)
    finally:
        _end(process)


@contextlib.contextmanager
def rabbit(directory: Path):
    """(its node, what waits until it runs and tells its address) of a RabbitMQ that wants a name and a password."""
    directory.mkdir()
    port, password, epmd_port = free_port(), secrets.token_hex(8), free_port()
    cookie = directory / ".erlang.cookie"
    cookie.touch(0o600)
    cookie.write_text(secrets.token_hex(16))
    cookie.chmod(0o400)
    node = rabbitmq.Node(directory, 1, epmd_port)
    (node.directory / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\nlog.console = false\n"
        f"default_user = pairwise\ndefault_pass = {password}\n")
    (node.directory / "enabled_plugins").write_text("[].\n")
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes = [subprocess.Popen(["epmd", "-port", str(epmd_port), "-address", "127.0.0.1"], start_new_session=True,
                                  env={"PATH": os.environ["PATH"]}, **quiet), node.launch()]

    def address() -> str:
        wait_for((node.directory / "pid").exists, rabbitmq.START_S, "the start of RabbitMQ", every=0.1)
        node.command("wait", "--timeout", str(rabbitmq.START_S), str(node.directory / "pid"))
        return f"amqp://pairwise:{password}@127.0.0.1:{port}//"

    try:
        yield node, address
    finally:
        for process in reversed(processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(ENDS_S)
