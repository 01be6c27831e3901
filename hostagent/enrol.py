"""The second half of joining, from the unpacked bundle: spends the token, starts the agent, waits until it is heard.

Also takes the agent away again (``remove.py`` of the bundle). Nothing here needs more than the standard library.
"""

import contextlib
import hashlib
import json
import os
import platform
import pwd
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from protocol import auth
from protocol.broker_url import verified
from protocol.files import write_atomically
from protocol.identity import is_alive, start_ticks
from protocol.names import SERVERS_ACCOUNT
from protocol.outside import read_json

from .boot import forget, keep
from .join import DIRECTORY, Console, Stop, ended, read_config, stage

SYSTEMD = Path("/run/systemd/system")
UNITS = Path("/etc/systemd/system")
KEPT_VERSIONS = 2
PACKAGE = "package"
"""Name of the version that a package of the system brought, which alone takes it away."""
BOOT_FILE = "comes_back_by"
MAKE_ACCOUNT = ("/usr/sbin/useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
                "--shell", "/usr/sbin/nologin")
"""The name follows. Where `su` leads to root, its directory is in no PATH."""
STOP_S, LISTENS_S, CONNECTED_S, ASK_EVERY_S = 60.0, 20.0, 60.0, 0.5
SERVERS_GO_ON, SERVERS_END_TOO = "TimeoutStopSec=60", "KillSignal=SIGINT\nTimeoutStopSec=infinity"
"""How systemd ends the agent. With its servers that takes as long as their Shutdown Timeouts say."""
UNIT = """[Unit]
Description=Pairwise agent of host {host}
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={python} -I {directory}/current/agent.py --config {directory}/agent.json
WorkingDirectory={directory}
# Servers go on while the agent is restarted; the new one takes them over.
KillMode=process
Restart=always
RestartSec=2
WatchdogSec=60
{ends}
UMask=0022

[Install]
WantedBy=multi-user.target
"""


class HostConsole(Console):
    """Proves itself with the token while it has it, and signs once the host has its secret."""

    def __init__(self, url: str, token: str, authority: str = "") -> None:
        super().__init__(url, token, authority)
        self.host = self.secret = ""

    def proof(self, method: str, path: str, data: bytes) -> dict[str, str]:
        headers = super().proof(method, path, data) if self.token else {}
        if self.secret:
            headers |= auth.request_headers(self.secret, host=self.host, method=method, path=path, at=time.time(),
                                            body=data)
        return headers


def main(given: Mapping[str, Any]) -> int:
    """Join with what the join program gave (``join.go_on``); the exit code. ``bundle``: the facts of the one that was
    unpacked into ``directory``."""
    bundle = given["bundle"]
    return ended(lambda: enrol(HostConsole(given["console"], given["token"], bundle["console_ca"]),
                               Path(given["directory"]), bundle))


def enrol(console: HostConsole, directory: Path, bundle: Mapping[str, Any]) -> None:
    """Join, start, wait until connected; each is reported. Raises Stop."""
    name = bundle["name"]
    with stage(console, "join", "Joined") as said:
        config = exchange(console, directory, trust_in(directory, bundle))
        said.append(f"This machine is host {config['host']}.")
    with stage(console, "start", "Started") as said:
        said.append(start(directory, name, config))
    wait_connected(console, directory)
    remove_old_versions(directory, name)
    away = "apt-get remove pairwise-agent" if name == PACKAGE else f"{sys.executable} {directory}/current/remove.py"
    print(f"Host {config['host']} is ready. To take the agent away: {away}")


def trust_in(directory: Path, bundle: Mapping[str, Any]) -> dict[str, str]:
    """What agent.json says of the authorities that ``bundle`` brought, after they were written."""
    trust = {}
    for field, file in (("ca", "control-ca.pem"), ("console_ca", "console-ca.pem")):
        if bundle[field]:
            # For servers that run under accounts of their own, too.
            write_atomically(directory / file, bundle[field].encode(), mode=0o644)
        trust[f"{field}_file"] = str(directory / file) if bundle[field] else ""
    return trust


def exchange(console: HostConsole, directory: Path, trust: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Spend the token; agent.json (mode 0600) from what the console gave for it. Raises Stop."""
    kept = read_config(directory)
    if kept is not None:
        # Who proves that it has the secret keeps it: what runs during an upgrade goes on reporting.
        console.host, console.secret = kept["host"], kept["secret"]
    install_root = str(directory / "apps")
    given = console.post("/join/exchange", {"python": platform.python_version(), "system": platform.platform(),
                                            "install_root": install_root})
    authority = given.get("broker_ca", "")
    if authority:
        write_atomically(directory / "broker-ca.pem", authority.encode(), mode=0o644)
    broker_url = verified(given["broker_url"], str(directory / "broker-ca.pem") if authority else "")
    config = {"host": given["host"], "secret": given["secret"], "control": given["control"],
              "console_url": console.url, "broker_url": broker_url, "lca_port": given["lca_port"],
              "state_dir": str(directory / "state"), "install_root": install_root, "worker": True,
              **(trust or {})}
    write_atomically(directory / "agent.json", json.dumps(config, indent=1).encode())
    console.host, console.secret, console.token = config["host"], config["secret"], ""
    return config


def point_current(directory: Path, name: str) -> None:
    new = directory / f".current.{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    new.symlink_to(name)
    os.replace(new, directory / "current")


def start(directory: Path, name: str, config: Mapping[str, Any]) -> str:
    """Start the agent, or put the new one in the place of the one that runs; how, as a sentence. Raises Stop."""
    point_current(directory, name)
    if SYSTEMD.is_dir() and os.geteuid() == 0:
        return start_service(directory, config)
    stop_in_background(directory, signal.SIGTERM)
    check_port(config["lca_port"])
    process = start_in_background(directory)
    wait_listens(config["lca_port"], lambda: process.poll() is None, directory / "agent.log")
    how, comes_back = keep(directory)
    note_boot(directory, "cron" if comes_back else "nothing")
    else_ = "" if comes_back else (f" After a restart of the machine it does not come back by itself: run "
                                   f"{sys.executable} -I {directory}/current/boot.py at boot by other means.")
    return f"It runs in the background (process {process.pid}), as there is no systemd. {how}{else_}"


def unit_name(directory: Path) -> str:
    """One per directory: two consoles may have agents on one machine."""
    if directory == DIRECTORY:
        return "pairwise-agent.service"
    return f"pairwise-agent-{hashlib.sha256(str(directory).encode()).hexdigest()[:8]}.service"


def unit_text(directory: Path, host: str, ends: str = SERVERS_GO_ON) -> str:
    return UNIT.format(host=host, python=sys.executable, directory=directory, ends=ends)


def systemctl(unit: str, *arguments: str, within_s: float | None = STOP_S * 2) -> None:
    """Raises Stop, and TimeoutExpired."""
    done = subprocess.run(["systemctl", *arguments], check=False, capture_output=True, text=True, timeout=within_s)
    if done.returncode:
        raise Stop(f"systemctl {' '.join(arguments)} failed: {done.stderr.strip()} Run journalctl -u {unit}.")


def start_service(directory: Path, config: Mapping[str, Any]) -> str:
    unit = unit_name(directory)
    stop_in_background(directory, signal.SIGTERM)
    subprocess.run(["systemctl", "stop", unit], check=False, capture_output=True, timeout=STOP_S * 2)
    check_port(config["lca_port"])
    (UNITS / unit).write_text(unit_text(directory, config["host"]))
    for arguments in (["daemon-reload"], ["enable", unit], ["restart", unit]):
        systemctl(unit, *arguments)
    wait_listens(config["lca_port"], lambda: True, directory / "state" / "logs" / "agent.log")
    forget(directory)
    note_boot(directory, "systemd")
    return f"It runs as the service {unit}.{provide_account()}"


def provide_account() -> str:
    """Make the account that servers are to run as, unless it is there; a sentence, "" when it was."""
    with contextlib.suppress(KeyError):
        pwd.getpwnam(SERVERS_ACCOUNT)
        return ""
    try:
        subprocess.run([*MAKE_ACCOUNT, SERVERS_ACCOUNT], check=True, capture_output=True, timeout=STOP_S)
    except (OSError, subprocess.SubprocessError):
        return f" The account {SERVERS_ACCOUNT} could not be created: create one for servers, or they run as root."
    return f" The account {SERVERS_ACCOUNT} was created for servers."


def start_in_background(directory: Path) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PAIRWISE_")}
    with open(directory / "agent.log", "ab", opener=lambda name, flags: os.open(name, flags, 0o640)) as log:
        process = subprocess.Popen(
            [sys.executable, "-I", str(directory / "current" / "agent.py"), "--config", str(directory / "agent.json")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory, env=environment, start_new_session=True,
            umask=0o022)
    write_atomically(directory / "agent.pid", f"{process.pid} {start_ticks(process.pid)}\n".encode())
    return process


def note_boot(directory: Path, by: str) -> None:
    """What brings the agent back after a restart of the machine; it tells the console."""
    write_atomically(directory / BOOT_FILE, f"{by}\n".encode())


def boot(directory: Path) -> subprocess.Popen[bytes] | None:
    """The machine has started: start the agent, unless it runs; its process."""
    return None if running_agent(directory) else start_in_background(directory)


def running_agent(directory: Path) -> int:
    """Pid of the agent that was started in the background, 0 for none."""
    try:
        pid, ticks = map(int, (directory / "agent.pid").read_text().split())
    except (FileNotFoundError, ValueError):
        return 0
    return pid if is_alive(pid, ticks) else 0


def stop_in_background(directory: Path, number: signal.Signals) -> None:
    """SIGTERM: its servers go on. SIGINT: they stop too, each within its Shutdown Timeout. Raises Stop."""
    pid = running_agent(directory)
    if not pid:
        return
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(descriptor, number)
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(None if number == signal.SIGINT else STOP_S * 1000):
                raise Stop(f"The agent (process {pid}) does not end. Look into {directory}/state/logs/agent.log, end "
                           f"it with kill -9 {pid} (its servers go on), and paste the line again.")
        finally:
            os.close(descriptor)


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise Stop(f"LCA Port {port} of this machine is taken by another program. Stop that program, or change "
                       "LCA Port on the host's page; then make a new line there.") from None


def wait_listens(port: int, alive: Callable[[], bool], log: Path) -> None:
    """Until the agent listens on its LCA Port. Raises Stop with the end of its log."""
    deadline = time.monotonic() + LISTENS_S
    while time.monotonic() < deadline and alive():
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    raise Stop(f"The agent did not start. Its log {log} ends with: {last_line(log)}")


def last_line(path: Path) -> str:
    try:
        lines = path.read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1][:500] if lines else "(nothing)"


def wait_connected(console: Console, directory: Path) -> None:
    """Until control hears the agent and its worker runs. Raises Stop."""
    log = directory / "state" / "logs" / "agent.log"
    deadline = time.monotonic() + CONNECTED_S
    found: dict[str, Any] = {}
    while time.monotonic() < deadline:
        found = read_json(console.get("/join/state"))
        if found["connected"] and found["worker"]:
            print("  Connected: control hears the agent, and its worker takes jobs.")
            return
        time.sleep(ASK_EVERY_S)
    if not found.get("connected"):
        raise Stop(f"The agent runs, but the console's control does not hear it. {log} ends with: {last_line(log)} "
                   "Open that port between this machine and the console; the agent then connects by itself.")
    worker_log = log.with_name("worker.log")
    raise Stop(f"The agent is connected, but its worker does not answer. {worker_log} ends with: "
               f"{last_line(worker_log)} Open the broker's port between this machine and the console; the worker then "
               "connects by itself.")


def remove_old_versions(directory: Path, current: str) -> None:
    versions = sorted((path for path in directory.iterdir() if (path / "agent.py").is_file() and not path.is_symlink()),
                      key=lambda path: path.stat().st_mtime, reverse=True)
    for path in versions[KEPT_VERSIONS:]:
        if path.name not in (current, PACKAGE):
            shutil.rmtree(path, ignore_errors=True)
