"""A console of two web processes behind a proxy."""

import socket
import subprocess
import sys
from pathlib import Path

from tests.ports import free_port
from tests.waiting import wait_for
from tests.web import ROOT, Web

from .visitors import Visitor

NAME, PASSWORD = "ada", "a long password of a test"  # as tests.web makes her


class Behind(Web):
    """A web process as `up` starts it."""

    def __init__(self, environment, port):
        super().__init__({**environment, "PAIRWISE_PORT": str(port)}, "", port)

    @staticmethod
    def command(port):
        return [sys.executable, "-m", "console.web"]

    def _wait_until_up(self):
        wait_for(self._listens, 60, "the web process")

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.said()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Site:
    """``token`` is an Administrator's. ``webs`` are on ports of their own."""

    def __init__(self, kind, directory, environment):
        self.ports = [free_port(), free_port()]
        self.proxy = kind(directory, self.ports)
        self.environment = {**environment, **self.proxy.settings(), "PAIRWISE_TRUSTED_PROXIES": "127.0.0.1",
                            "PAIRWISE_CONSOLE_URL": f"https://localhost:{self.proxy.port}"}
        self.data_dir = Path(environment["PAIRWISE_DATA_DIR"])
        self.token = self.manage("tokens", "add", kind.name, "--role", "Administrator").strip()
        self.webs = [Behind(self.environment, port) for port in self.ports]
        self.proxy.start()
        wait_for(lambda: self.visitor().ask("GET", "/livez")[0] == 200, 15, "an answer through the proxy")

    def run(self, *words, **environment) -> subprocess.CompletedProcess:
        """A command of the console."""
        return subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment | environment,
                              text=True, capture_output=True, timeout=150)

    def manage(self, *words, **environment) -> str:
        """What a command says that has to succeed."""
        done = self.run(*words, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout + (done.stderr if "check" in words else "")

    def visitor(self, address="", token=""):
        return Visitor(self.proxy.port, address=address, authority=self.proxy.authority, token=token)

    def program(self, address=""):
        return self.visitor(address, self.token)

    def past_the_proxy(self, address):
        """Somebody who asks a web process itself."""
        is_secured = self.environment.get("PAIRWISE_WEB_TLS") == "on"
        return Visitor(self.webs[0].port, address=address, authority=self.proxy.authority if is_secured else None)

    def end(self):
        self.proxy.end()
        for web in self.webs:
            web.end()
