"""The command of a Message Server, run to its end, and whether anybody listens on a port."""

import socket
import subprocess
import sys

from .conftest import ROOT
from .control_double import SECRET, WAIT_S


def command(directory, *arguments: str, secret: str | None = SECRET) -> subprocess.CompletedProcess:
    """Run the command to its end in ``directory``."""
    if secret is not None:
        (directory / "application.secret").write_text(secret)
        (directory / "application.secret").chmod(0o600)
    return subprocess.run([sys.executable, "-m", "messageserver", "-workdir", str(directory), *arguments], cwd=ROOT,
                          capture_output=True, text=True, timeout=WAIT_S)


def to(control, app: str = "MS_Primary") -> list[str]:
    return ["-host", "127.0.0.1", "-port", str(control.port), "-app", app]


def connectable(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(WAIT_S)
        return probe.connect_ex(("127.0.0.1", port)) == 0
