"""A real sshd of the test's own: ``with Sshd(directory, ...) as sshd`` listens until the end of the block."""

import os
import shutil
import subprocess
from pathlib import Path

import asyncssh
import psutil
import pytest

from tests.scenarios.harness import wait_for

PROGRAM = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
needs_sshd = pytest.mark.skipif(PROGRAM is None or os.geteuid() != 0, reason="needs sshd, as root")
CONFIG = """ListenAddress {address}
Port {port}
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin yes
LogLevel VERBOSE
{more}
"""


class Sshd:
    """``key`` is the private key that root may log in with; ``inside`` a command prefix, ``more`` lines of its
    configuration."""

    def __init__(self, directory: Path, address: str, port: int, *, inside: list[str] = (), more: str = ""):
        self.directory, self.address, self.port = directory, address, port
        self._inside, self._more = list(inside), more
        self._process: subprocess.Popen | None = None
        user = asyncssh.generate_private_key("ssh-ed25519")
        self.key = user.export_private_key().decode()
        self.locked_key = user.export_private_key(passphrase="open sesame").decode()
        (directory / "authorized_keys").write_bytes(user.export_public_key())

    def __enter__(self) -> "Sshd":
        self.new_host_key()
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def new_host_key(self) -> None:
        host = asyncssh.generate_private_key("ssh-ed25519")
        (self.directory / "host_key").write_bytes(host.export_private_key())
        (self.directory / "host_key").chmod(0o600)
        self.fingerprint = host.get_fingerprint()

    @property
    def log(self) -> str:
        return (self.directory / "sshd.log").read_text(errors="replace")

    def start(self) -> None:
        config = self.directory / "sshd_config"
        config.write_text(CONFIG.format(address=self.address, port=self.port, directory=self.directory,
                                        more=self._more))
        subprocess.run([*self._inside, "mkdir", "-p", "/run/sshd"], check=True)
        with open(self.directory / "sshd.log", "wb") as log:
            self._process = subprocess.Popen([*self._inside, PROGRAM, "-D", "-e", "-f", str(config)], stderr=log,
                                             stdin=subprocess.DEVNULL, stdout=log)
        wait_for(lambda: "Server listening" in self.log or self._process.poll() is not None, 20, "sshd listens")
        assert self._process.poll() is None, self.log

    def stop(self) -> None:
        if self._process is not None:
            # A prefix that is in front of it hands no signal on.
            for process in psutil.Process(self._process.pid).children() if self._inside else [self._process]:
                process.terminate()
            self._process.wait(10)
            self._process = None
