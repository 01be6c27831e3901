"""Starts one program through the shim, and holds what is needed to follow and signal one process."""

import asyncio
import contextlib
import errno
import logging
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protocol.identity import boot_id, is_alive

from .files import read_json, write_json
from .identity import has_ended, open_pidfd
from .looking.rights import open_to_others, way_open_to_others
from .opened import Directory
from .supervision import Ended
from .ways import real

log = logging.getLogger(__name__)

SHIM = Path(__file__).with_name("shim.py")
WRITES_TO = ("data", "logs", "tls")
"""What a server has in its Working Directory beside its program."""
CA_FILE_VARIABLE = "PAIRWISE_CONSOLE_CA_FILE"
EXIT_FILE_S = 2.0
"""How long after a server's end its shim may take to write the exit file before the code counts as unknown."""


class LaunchError(Exception):
    """The program cannot be started as configured. The text is a sentence that says what to do."""


@dataclass(frozen=True)
class Program:
    """``account`` is the OS user to run as, "" for the agent's own; ``file`` is what is run, by whatever name
    ``argv`` calls it."""

    argv: tuple[str, ...]
    directory: Path
    account: str
    file: str


def program_of(application: dict[str, Any], *, account_now: str, is_root: bool) -> Program:
    """What the fields of ``messages.Supervised`` mean on this host. Raises LaunchError."""
    name, directory = application["name"], str(application.get("working_directory", ""))
    if not os.path.isabs(directory):
        raise LaunchError(f"The Working Directory of {name} is {directory!r}, not an absolute path: "
                          "install the application, or fill in where it is.")
    if not os.path.isdir(directory):
        raise LaunchError(f"The Working Directory {directory} does not exist on this host: "
                          "install the application, or correct the directory.")
    line = f"{application.get('command_line', '')} {application.get('command_line_arguments', '')}"
    try:
        argv = shlex.split(line)
    except ValueError as error:
        raise LaunchError(f"The Command Line of {name} cannot be read ({error}): check its quotes.") from None
    if not argv or argv[0] == ".":
        raise LaunchError(f"{name} has no Command Line: install the application, or fill it in.")
    argv[0] = _executable(argv[0], directory, name)
    account = str(application.get("log_on_as", "") or "")
    if account == account_now:
        account = ""
    if account and not is_root:
        raise LaunchError(f"{name} logs on as {account}, but this host's agent runs as {account_now} and cannot "
                          "change accounts: run the agent as root, or clear Log On As.")
    file = _for_root_alone(name, directory, argv[0]) if is_root and not account else argv[0]
    return Program(tuple(argv), Path(directory), account, file)


def _for_root_alone(name: str, directory: str, program: str) -> str:
    """``program`` without links. Whoever can change what root runs, where it writes, or what leads there, is root.
    Raises LaunchError."""
    own = os.path.relpath(program, directory)
    inside = (*WRITES_TO, *(() if own.startswith("..") else (own,)))
    try:
        file = real(program)
        for place, names in ((real(directory), inside), (os.path.dirname(file), (os.path.basename(file),))):
            if why := why_not_as_root(place):
                raise LaunchError(f"{name} would run as root, but {why}")
            with Directory.at(place) as opened:
                where = open_to_others(opened, names)
            if where:
                raise LaunchError(f"{name} would run as root, but others than root can change {where}: choose their "
                                  f"account as Log On As, or give {place} and all that is in it to root.")
    except OSError as error:
        raise LaunchError(f"The Working Directory {directory} of {name} or its program cannot be used: "
                          f"{error.strerror}.") from None
    return file


def why_not_as_root(place: str) -> str:
    """Why the directory ``place``, as ``real`` gives it, is none for what root runs, by where it is: the end of a
    sentence, or "". Raises OSError."""
    if not (where := way_open_to_others(place)):
        return ""
    return (f"others than root can change {where}, which {place} is in: choose an account of its own as Log On As, or "
            f"let root alone write there (chown root {where}; chmod go-w {where}), or choose another "
            "Working Directory.")


def _executable(command: str, directory: str, name: str) -> str:
    inside = os.path.normpath(os.path.join(directory, command))
    found = inside if os.path.isfile(inside) else None if "/" in command else shutil.which(command)
    if found is None:
        raise LaunchError(f"The Command Line of {name} names {inside}, which does not exist on this host: "
                          "install the application, or correct the command line.")
    if not os.access(found, os.X_OK):
        raise LaunchError(f"{found} is not executable: run chmod +x on it, or install the application again.")
    return found


def server_environment(ca_file: str = "") -> dict[str, str]:
    """The agent's own environment, as servers inherit it, without Pairwise's settings and secrets; with the authority
    that they verify control by ("" for control without TLS)."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith("PAIRWISE_")}
    return plain | {CA_FILE_VARIABLE: ca_file}


def prepare(run_root: Path, program: Program, log: Path, remember: Callable[[Path], bool]) -> Path:
    """A new run directory with the spec of ``program``; nothing runs yet. ``remember`` is to put it on the disk where
    the next agent finds it: one that did not know of a server would start a second. Raises OSError, leaving nothing."""
    run_dir = run_root / secrets.token_hex(6)
    run_dir.mkdir(parents=True, mode=0o700)
    try:
        os.mkfifo(run_dir / "events", 0o600)
        write_json(run_dir / "spec.json", {"argv": program.argv, "file": program.file, "cwd": str(program.directory),
                                           "log": str(log), "account": program.account})
        if not remember(run_dir):
            raise OSError(errno.ENOSPC, "its own state cannot be written")
    except OSError:
        shutil.rmtree(run_dir, ignore_errors=True)
        raise
    return run_dir


@contextlib.contextmanager
def place_of(program: Program) -> Iterator[Directory | None]:
    """The Working Directory for the shim, so that it is the one that was looked at, whatever its path leads to by then;
    None for another account, which enters it with its own rights. Raises OSError."""
    if program.account:
        yield None
        return
    with Directory.at(real(program.directory)) as place:
        yield place


def start_shim(run_dir: Path, environment: dict[str, str], place: Directory | None) -> subprocess.Popen[bytes]:
    """``place`` as ``place_of`` gives it."""
    given = () if place is None else (place.descriptor,)
    return subprocess.Popen([sys.executable, "-I", "-S", str(SHIM), str(run_dir), *map(str, given)],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment,
                            start_new_session=True, pass_fds=given)


def remove_older_runs(run_root: Path, keep: Path) -> None:
    """What cannot be removed now is removed after the next start."""
    with contextlib.suppress(OSError):
        for each in run_root.iterdir():
            if each != keep:
                shutil.rmtree(each, ignore_errors=True)


def is_of_another_boot(run_dir: Path) -> bool:
    """True when the server of ``run_dir`` ran before the host was restarted."""
    run = read_json(run_dir / "run")
    return run is not None and run["boot_id"] != boot_id()


class Follower:
    """Watches one process: ``on_running(pid, started)`` once it runs, ``on_ended(Ended)`` once it is over.

    With ``run_dir`` the shim's files tell both; without (started by hand) only the pidfd tells the end.
    Nothing polls: the FIFO and the pidfd wake the loop.
    """

    def __init__(self, on_running: Callable[[int, int], None], on_ended: Callable[[Ended], None]):
        self._loop = asyncio.get_running_loop()
        self._on_running, self._on_ended = on_running, on_ended
        self._run_dir: Path | None = None
        self._fifo: int | None = None
        self._pidfd: int | None = None
        self._guard: asyncio.TimerHandle | None = None
        self._over = False
        self.pid = 0

    def follow_run(self, run_dir: Path) -> None:
        """Follow what the shim of ``run_dir`` does, from before its start or when it already runs."""
        self._run_dir = run_dir
        with contextlib.suppress(OSError):
            self._fifo = os.open(run_dir / "events", os.O_RDONLY | os.O_NONBLOCK)
            self._loop.add_reader(self._fifo, self._fifo_readable, self._fifo)

    def follow_pid(self, pid: int, started: int) -> bool:
        """Watch that process; False when it has ended."""
        self._pidfd = open_pidfd(pid, started)
        if self._pidfd is None:
            return False
        self.pid = pid
        self._loop.add_reader(self._pidfd, self._process_ended, self._pidfd)
        return True

    def send(self, number: int) -> bool:
        """Send the signal to exactly this process; False when it has ended."""
        if self._pidfd is None:
            return False
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            return False
        return True

    def look(self) -> None:
        """Read the shim's files and tell what is new. What cannot be read now is read later: it is never what keeps the
        end of the process from being told."""
        if self._over or self._run_dir is None:
            return
        try:
            self._look(self._run_dir)
        except OSError as error:
            log.warning("%s cannot be read: %s", self._run_dir, error)
            self._loop.call_later(EXIT_FILE_S, self.look)

    def _look(self, run_dir: Path) -> None:
        """Raises OSError."""
        if (ended := read_json(run_dir / "exit")) is not None:
            self._finish(Ended(ended["exit_code"], ended["signal"], ended.get("reason", "")))
        elif self._pidfd is None and (run := read_json(run_dir / "run")) is not None:
            if self.follow_pid(run["pid"], run["started"]):
                self._on_running(run["pid"], run["started"])
            elif is_alive(run["shim_pid"], run["shim_started"]):
                if self._guard is None:
                    self._await_exit_file()
            else:
                self._finish(Ended())

    def abandon(self, run_dir: Path) -> bool:
        """True when the shim of ``run_dir`` never took the start over and never will; else its answer is awaited."""
        with contextlib.suppress(FileNotFoundError):
            os.rename(run_dir / "spec.json", run_dir / "abandoned.json")
            return True
        if not (run_dir / "claimed.json").exists():
            return True
        self._await_exit_file()
        return False

    def close(self) -> None:
        self._over = True
        for descriptor in (self._fifo, self._pidfd):
            if descriptor is not None:
                self._loop.remove_reader(descriptor)
                os.close(descriptor)
        self._fifo = self._pidfd = None
        if self._guard is not None:
            self._guard.cancel()

    def _fifo_readable(self, fifo: int) -> None:
        try:
            data = os.read(fifo, 64)
        except BlockingIOError:
            return
        if data:
            self.look()
        else:
            self._loop.remove_reader(fifo)
            os.close(fifo)
            self._fifo = None
            self.shim_gone()

    def shim_gone(self) -> None:
        """The shim ended: what its files do not say now they never will. The pidfd tells the rest."""
        self.look()
        if not self._over and (self._pidfd is None or has_ended(self._pidfd)):
            self._finish(Ended())

    def _process_ended(self, pidfd: int) -> None:
        self._loop.remove_reader(pidfd)
        if self._run_dir is None or self._fifo is None:
            self.look()
            self._finish(Ended())
        else:
            self._await_exit_file()

    def _await_exit_file(self) -> None:
        if self._guard is not None:
            self._guard.cancel()
        self._guard = self._loop.call_later(EXIT_FILE_S, self.shim_gone)
        self.look()

    def _finish(self, ended: Ended) -> None:
        if not self._over:
            self.close()
            self._on_ended(ended)
