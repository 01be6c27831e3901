"""Machines with a Debian and a systemd of their own, in namespaces of this one's kernel: without any network, and gone
with their first process.

The Debian is made once, from where this machine gets its own packages, and kept in .pytest_cache: a machine writes its
changes beside it. Needs root, debootstrap and overlayfs; ``why_no_debian`` tells.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path

import psutil

from tests.sources import ROOT
from tests.waiting import PATIENCE, wait_for

BOOT = Path(__file__).with_name("debian_boot.sh")
KEPT = ROOT / ".pytest_cache" / "debian"
INCLUDED = "systemd,python3,passwd,libstdc++6,iproute2"
BOOT_S, COMMAND_S, MAKE_S = 60.0, 300 * PATIENCE, 900 * PATIENCE


class NoDebian(Exception):
    """No such machine can be made here. The text says why."""


def _said(*command: str, within_s: float = COMMAND_S) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=within_s)
    except OSError as error:
        raise NoDebian(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise NoDebian(f"{' '.join(command[:2])}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def _release() -> str:
    facts = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    if facts.get("ID", "").strip('"') != "debian":
        raise NoDebian("this machine is no Debian")
    return facts["VERSION_CODENAME"].strip('"')


@cache
def debian() -> Path:
    """The root of a small Debian of this machine's release. Raises NoDebian."""
    release = _release()
    root, beside = KEPT / release, KEPT / f".{release}.{os.getpid()}"
    if root.is_dir():
        return root
    sources = _said("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages")
    mirrors = [line.split()[0] for line in sources.splitlines() if line.split()[1:] == [release]]
    if not mirrors:
        raise NoDebian(f"this machine gets no packages of {release}")
    KEPT.mkdir(parents=True, exist_ok=True)
    with open(KEPT / ".lock", "w") as lock:
        # Two workers do not make it twice.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            _make(release, root, beside, mirrors[0])
    return root


def _make(release: str, root: Path, beside: Path, mirror: str) -> None:
    try:
        _said("debootstrap", "--variant=minbase", f"--include={INCLUDED}", release, str(beside), mirror,
              within_s=MAKE_S)
        beside.rename(root)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@cache
def why_no_debian() -> str:
    """"" when a machine boots here, else why not."""
    if os.geteuid():
        return "needs root"
    try:
        debian()
    except NoDebian as error:
        return f"no Debian to boot: {error}"
    return ""


class Machine:
    """Booted. What is in ``directory``/shared it has as /media."""

    def __init__(self, directory: Path):
        self.shared = directory / "shared"
        self.shared.mkdir(parents=True)
        changes = directory / "changes"
        changes.mkdir()
        self._group = _control_group()
        self._first = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--uts", "--ipc",
             "--net", "--cgroup", str(BOOT), str(debian()), str(changes), str(self.shared)],
            stdin=subprocess.DEVNULL, preexec_fn=lambda: _enter(self._group))
        try:
            wait_for(self._is_up, BOOT_S, "systemd")
        except BaseException:
            self.power_off()
            raise

    def _is_up(self) -> bool:
        children = psutil.Process(self._first.pid).children()
        if not children or children[0].name() != "systemd":
            return False
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def run(self, *command: str, check: bool = True, text: str = "") -> subprocess.CompletedProcess[str]:
        """As root of the machine."""
        [first] = psutil.Process(self._first.pid).children()
        done = subprocess.run(
            ["nsenter", "-t", str(first.pid), "-m", "-u", "-i", "-n", "-p", "-C", "--", "env", "-i",
             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
             "DEBIAN_FRONTEND=noninteractive", *command],
            capture_output=True, text=True, input=text, timeout=COMMAND_S)
        assert not check or done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
        return done

    def says(self, *command: str) -> str:
        return self.run(*command).stdout.strip()

    def has(self, path: str) -> bool:
        return self.run("test", "-e", path, check=False).returncode == 0

    def power_off(self) -> None:
        for child in psutil.Process(self._first.pid).children() if self._first.poll() is None else ():
            child.send_signal(signal.SIGKILL)
        self._first.wait()
        _remove(self._group)


def _control_group() -> Path | None:
    """A group of its own for all processes of a machine, where this machine has those of version 2."""
    [place, *_] = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()
                   if line.split()[2] == "cgroup2"] or [""]
    if not place:
        return None
    group = Path(place) / f"pairwise-test-{os.getpid()}-{os.urandom(3).hex()}"
    group.mkdir()
    return group


def _enter(group: Path | None) -> None:
    if group is not None:
        (group / "cgroup.procs").write_text(str(os.getpid()))


def _remove(group: Path | None) -> None:
    for place in sorted(group.rglob("*"), reverse=True) if group else ():
        if place.is_dir():
            with contextlib.suppress(OSError):
                place.rmdir()
    if group is not None:
        with contextlib.suppress(OSError):
            group.rmdir()
