"""Real proxies in front of web processes, configured as their pages say."""

import re
import signal
import socket
import subprocess
from pathlib import Path

from tests.certificates import Certificates
from tests.ports import free_port
from tests.waiting import wait_for

from .guides import adapted, examples, program

AROUND_NGINX = """daemon off; pid nginx.pid; error_log stderr; user root;
events {{ }}
http {{
access_log access.log;
client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
scgi_temp_path scgi;
{text}
}}
"""
"""What the file of Debian has around those in conf.d, with files of the test's own."""


class Proxy:
    """Listens at https://127.0.0.1:``port`` and http://127.0.0.1:``plain_port`` until ``end``; in front of web
    processes at the ports ``backends``."""

    name = ""

    def __init__(self, directory: Path, backends: list[int]):
        self.directory, self.port, self.plain_port = directory, free_port(), free_port()
        certificates = Certificates(directory / "authority")
        self.authority = certificates.authority
        self.certificate, self.key = certificates.issue("localhost", "127.0.0.1")
        servers = {f"10.0.0.{number}:8000": f"127.0.0.1:{port}" for number, port in enumerate(backends, start=1)}
        text = adapted(examples(f"integrations/{self.name}.md", self.name)[0], servers | self.here())
        self.file = directory / f"{self.name}.conf"
        self.file.write_text(self.around(text))
        self.process: subprocess.Popen | None = None

    def here(self) -> dict[str, str]:
        raise AssertionError("each proxy says what differs here")

    def around(self, text: str) -> str:
        return text

    def command(self, *, check: bool = False) -> list[str]:
        raise AssertionError("each proxy has its own")

    def check(self) -> str:
        """What the program says of its file. Fails when it takes it amiss."""
        done = subprocess.run(self.command(check=True), capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        return done.stderr + done.stdout

    def start(self) -> "Proxy":
        with open(self.directory / "proxy.log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self._listens, 15, f"{self.name} listens")
        return self

    def _listens(self) -> bool:
        assert self.process.poll() is None, (self.directory / "proxy.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


class Nginx(Proxy):
    name = "nginx"

    def here(self):
        return {"/etc/nginx/pairwise/certificate.pem": str(self.certificate),
                "/etc/nginx/pairwise/key.pem": str(self.key),
                "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
                "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;"}

    def around(self, text):
        return AROUND_NGINX.format(text=text)

    def command(self, *, check=False):
        return [program("nginx"), "-p", str(self.directory), "-e", "stderr", "-c", str(self.file), *["-t"] * check]


class Haproxy(Proxy):
    name = "haproxy"

    def here(self):
        both = self.directory / "both.pem"
        both.write_bytes(self.certificate.read_bytes() + self.key.read_bytes())
        return {"/etc/haproxy/pairwise.pem": str(both), "bind :80": f"bind 127.0.0.1:{self.plain_port}",
                "bind :443": f"bind 127.0.0.1:{self.port}", "log /dev/log local0": "log stdout format raw local0"}

    def command(self, *, check=False):
        return [program("haproxy"), "-f", str(self.file), *["-c"] * check]

    def left_out(self) -> set[str]:
        """Servers that it has said are down."""
        return set(re.findall(r"Server pairwise/([\w-]+) is DOWN", (self.directory / "proxy.log").read_text()))


KINDS = (Nginx, Haproxy)
