"""A real web server."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.scenarios import prepared

ROOT = Path(__file__).resolve().parents[1]
START_S = 30

LIVE = """
import time
from pathlib import Path
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.conf import settings
from tests.factories import control_answers
user = User.objects.create_superuser("ada", password="a long password of a test")
session = SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session.create()
print(f"{settings.SESSION_COOKIE_NAME}={session.session_key}", flush=True)
while True:
    if not (Path(settings.PAIRWISE_DATA_DIR) / "control-is-silent").exists():
        control_answers()
    time.sleep(1)
"""
"""Somebody signs in, and control shows signs of life."""


class Web:
    """A running web server (uvicorn, as the product runs it) with a signed-in session cookie."""

    def __init__(self, environment, cookie, port):
        self.environment, self.cookie, self.port = environment, cookie, port
        # A pipe would be full one day: nobody reads it while the server runs.
        self.output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - it ends with the server
        self.process = subprocess.Popen(self.command(port), cwd=ROOT, env=environment, stdout=self.output,
                                        stderr=subprocess.STDOUT)
        self._wait_until_up()

    @staticmethod
    def command(port) -> list[str]:
        return [sys.executable, "-m", "uvicorn", "console.asgi:application", "--host", "127.0.0.1", "--port", str(port),
                "--timeout-graceful-shutdown", "10", "--log-level", "info", "--no-access-log"]

    def _wait_until_up(self):
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self.process.poll() is None, self.said()
                assert time.monotonic() < deadline, "the web server did not start"
                time.sleep(0.05)

    def said(self) -> str:
        """What it has written until now."""
        self.output.seek(0)
        return self.output.read()

    def ask(self, method, path, *, body=None, headers=None, timeout=15):
        """(status, headers, body) of one request."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as connection:
            connection.request(method, path, body=body, headers={"Cookie": self.cookie, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def get(self, path, *, headers=None, timeout=15):
        return self.ask("GET", path, headers=headers, timeout=timeout)

    @contextmanager
    def stream(self, *, headers=None, query="", timeout=15, path="/stream/"):
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as connection:
            connection.request("GET", f"{path}{query}", headers={"Cookie": self.cookie, **(headers or {})})
            yield Stream(connection.getresponse())

    def stop(self, number=signal.SIGTERM):
        """(seconds until it ended, its output)."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(20)
        return time.monotonic() - began, self.said()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self.output.close()


class Stream:
    """Server-Sent Events of one answer."""

    def __init__(self, answer):
        self.answer, self.status = answer, answer.status

    def next(self):
        """The next event as {"event", "id", "data", "retry"}; None when the stream ended."""
        event = {}
        while line := self.answer.readline():
            text = line.decode().rstrip("\n")
            if not text and set(event) - {"retry"}:
                return event
            name, _, value = text.partition(": ")
            if name in ("event", "id", "data", "retry"):
                event[name] = json.loads(value) if name == "data" else value
        return None


@pytest.fixture(scope="session")
def web_environment(tmp_path_factory, valkey, prepared_consoles):
    """Environment and session cookie of a console of its own: database, data directory, Redis. Control shows signs of
    life there, unless its data directory has a file ``control-is-silent``."""
    environment = {
        **os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PAIRWISE_REDIS_URL": valkey,
        "PAIRWISE_DATA_DIR": str(tmp_path_factory.mktemp("console")), "PAIRWISE_HOST": "127.0.0.1",
    }
    prepared.copy_for_web(prepared_consoles, Path(environment["PAIRWISE_DATA_DIR"]))
    with subprocess.Popen([sys.executable, "manage.py", "shell", "-v0", "-c", LIVE], cwd=ROOT, env=environment,
                          stdout=subprocess.PIPE, text=True) as living:
        cookie = living.stdout.readline().strip()
        assert cookie, "nobody signed in"
        yield environment, cookie
        living.kill()


@pytest.fixture
def start_web(web_environment):
    """Start a web server, of a kind of Web; keyword arguments change its environment."""
    started = []

    def start(kind=Web, **changes):
        environment, cookie = web_environment
        started.append(kind({**environment, **changes}, cookie, free_port()))
        return started[-1]

    yield start
    for web in started:
        web.end()


@pytest.fixture(scope="module")
def web(web_environment):
    environment, cookie = web_environment
    server = Web(environment, cookie, free_port())
    yield server
    server.end()
