"""A log-on account that was taken over: it works against the jobs of its host while they run, as a real process."""

import contextlib
import json
import os
import pwd
import select
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ACCOUNT = "nobody"
ENDS_WITHIN_S = 30.0


@contextlib.contextmanager
def place_of_all() -> Iterator[Path]:
    """A directory that the account reaches, for the host; pytest's own are closed to it."""
    with tempfile.TemporaryDirectory(prefix="pairwise-hostile-") as path:
        os.chmod(path, 0o755)
        yield Path(path)


def give(path: Path) -> None:
    """``path`` with all that is in it to the account."""
    entry = pwd.getpwnam(ACCOUNT)
    for each in (path, *path.rglob("*")):
        os.chown(each, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


@contextlib.contextmanager
def attacking(attack: Callable[[int], object], place: Path) -> Iterator[None]:
    """Calls ``attack(number)`` over and over in ``place``, as the account; what fails is tried again."""
    pid = os.fork()
    if not pid:
        _attack(attack, place)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _attack(attack: Callable[[int], object], place: Path) -> None:
    """Never returns."""
    try:
        entry = pwd.getpwnam(ACCOUNT)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        os.chdir(place)
        until, number = time.monotonic() + 60, 0
        while time.monotonic() < until:
            number += 1
            with contextlib.suppress(OSError):
                attack(number)
    finally:
        os._exit(0)


def swap(name: str, number: int, outside: Path) -> None:
    """Put a link to ``outside`` in the place of the directory ``name``."""
    above, last = os.path.split(name)
    os.rename(name, os.path.join(above, f".away-{number}-{last}"))
    os.symlink(outside, name)


def in_time(work: Callable[[], dict]) -> dict:
    """What ``work`` gives, in a process of its own that must end in time: one that hangs would hang the tests."""
    out, into = os.pipe()
    pid = os.fork()
    if not pid:
        _work(work, into)
    os.close(into)
    try:
        with open(out, "rb") as answers:
            text, until = b"", time.monotonic() + ENDS_WITHIN_S
            while select.select([answers], [], [], max(0.0, until - time.monotonic()))[0]:
                if not (chunk := os.read(out, 65536)):
                    return json.loads(text)
                text += chunk
        raise AssertionError(f"the job still runs after {ENDS_WITHIN_S} s")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _work(work: Callable[[], dict], into: int) -> None:
    """Never returns."""
    try:
        os.setsid()
        answer = work()
    except BaseException as error:
        answer = {"state": f"raised {error!r}"}
    try:
        with open(into, "wb") as file:
            file.write(json.dumps(answer).encode())
    finally:
        os._exit(0)


class Outside:
    """A directory of root's that nobody but root can write: whether it is as it was."""

    def __init__(self, path: Path, names):
        self.path = path
        path.mkdir(mode=0o755)
        for name in (*names, "secret"):
            (path / name).write_text("root's own")
            (path / name).chmod(0o600)
        self._before = self._now()

    def _now(self) -> dict:
        return {each.relative_to(self.path.parent).as_posix(): _all_of(each)
                for each in (self.path, *self.path.rglob("*"))}

    def changes(self) -> dict:
        """{name: (before, now)} of what is different."""
        now = self._now()
        return {name: (self._before.get(name), now.get(name)) for name in self._before.keys() | now.keys()
                if self._before.get(name) != now.get(name)}


def _all_of(path: Path) -> tuple:
    facts = path.lstat()
    return facts.st_uid, facts.st_gid, facts.st_mode, facts.st_mtime_ns, path.read_text() if path.is_file() else ""
