"""Real proxies in front of web processes, configured as their pages say."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import yaml

from tests.certificates import Certificates
from tests.ports import free_port
from tests.sources import ROOT
from tests.waiting import wait_for

from .guides import adapted, examples, settings_of
from .guides import program as path_of

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

    name = program = ""

    def __init__(self, directory: Path, backends: list[int]):
        self.directory, self.port, self.plain_port, self.backends = directory, free_port(), free_port(), backends
        certificates = Certificates(directory / "authority")
        self.authority = certificates.authority
        self.certificate, self.key = certificates.issue("localhost", "127.0.0.1")
        text = adapted(self.example(), self.servers(backends) | self.here())
        self.file = directory / f"{self.name}.conf"
        self.file.write_text(self.around(text))
        self.process: subprocess.Popen | None = None

    @property
    def page(self) -> str:
        return f"integrations/{self.name}.md"

    def example(self) -> str:
        """Its configuration."""
        return examples(self.page, self.name)[0]

    def settings(self) -> dict[str, str]:
        """Those of the console behind it; who it is and where differ here."""
        said = settings_of(self.page)
        assert (said["PAIRWISE_HTTPS"], said["PAIRWISE_TRUSTED_PROXIES"]) == ("1", "10.0.0.5")
        return said

    def servers(self, backends: list[int]) -> dict[str, str]:
        return {f"10.0.0.{number}:8000": f"127.0.0.1:{port}" for number, port in enumerate(backends, start=1)}

    def here(self) -> dict[str, str]:
        raise AssertionError("each proxy says what differs here")

    def around(self, text: str) -> str:
        return text

    def command(self, *, check: bool = False) -> list[str]:
        raise AssertionError("each proxy has its own")

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def check(self) -> str:
        """What the program says of its file. Fails when it takes it amiss."""
        done = subprocess.run(self.command(check=True), capture_output=True, text=True, timeout=20,
                              env=self.environment())
        assert done.returncode == 0, done.stderr
        return done.stderr + done.stdout

    def start(self) -> "Proxy":
        with open(self.directory / "proxy.log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment())
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
    name = program = "nginx"

    def here(self):
        return {"/etc/nginx/pairwise/certificate.pem": str(self.certificate),
                "/etc/nginx/pairwise/key.pem": str(self.key),
                "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
                "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;"}

    def around(self, text):
        return AROUND_NGINX.format(text=text)

    def command(self, *, check=False):
        return [path_of("nginx"), "-p", str(self.directory), "-e", "stderr", "-c", str(self.file), *["-t"] * check]


class Haproxy(Proxy):
    name = program = "haproxy"

    def here(self):
        both = self.directory / "both.pem"
        both.write_bytes(self.certificate.read_bytes() + self.key.read_bytes())
        return {"/etc/haproxy/pairwise.pem": str(both), "bind :80": f"bind 127.0.0.1:{self.plain_port}",
                "bind :443": f"bind 127.0.0.1:{self.port}", "log /dev/log local0": "log stdout format raw local0"}

    def command(self, *, check=False):
        return [path_of("haproxy"), "-f", str(self.file), *["-c"] * check]

    def left_out(self) -> set[str]:
        """Servers that it has said are down."""
        return set(re.findall(r"Server pairwise/([\w-]+) is DOWN", (self.directory / "proxy.log").read_text()))


class Balancer(Haproxy):
    """Of deploy/compose.yaml, with the settings that the consoles have there."""

    name = "balancer"
    ADDRESS = "localhost"

    def example(self):
        return (ROOT / "deploy/haproxy.cfg").read_text()

    def settings(self):
        compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
        said = {name: value for name, value in compose["services"]["console-a"]["environment"].items()
                if name in ("PAIRWISE_WEB_TLS", "PAIRWISE_HTTPS", "PAIRWISE_ALLOWED_HOSTS", "PAIRWISE_TRUSTED_ORIGINS")}
        return said | {"PAIRWISE_TLS_CERTIFICATE": str(self.certificate), "PAIRWISE_TLS_KEY": str(self.key),
                       "PAIRWISE_TLS_CA": str(self.authority)}

    def servers(self, backends):
        return {f"console-{letter}:8000": f"127.0.0.1:{port}" for letter, port in zip("ab", backends, strict=True)}

    def here(self):
        # As compose.yaml puts it there: the key beside the certificate.
        shown = self.directory / "console.pem"
        shown.write_bytes(self.certificate.read_bytes())
        (self.directory / "console.pem.key").write_bytes(self.key.read_bytes())
        return {"/run/secrets/console.pem alpn": f"{shown} alpn", "/run/secrets/ca.pem": str(self.authority),
                "bind :8080": f"bind 127.0.0.1:{self.plain_port}", "bind :8443": f"bind 127.0.0.1:{self.port}"}

    def environment(self):
        return {**os.environ, "PAIRWISE_ADDRESS": self.ADDRESS}


KINDS = (Nginx, Haproxy, Balancer)
