"""Directories that are opened once, and all that is done in them by what was opened. Standard library only.

The account of a server owns its Working Directory, and may at any moment put a link, a pipe or another directory in the
place of any name there. Whoever works there as root says a name only below a ``Directory``: no part of it that is a
link is followed, and a file is read as far as it is a plain file, of a bounded length, within a bounded time.
"""

import contextlib
import errno
import hashlib
import math
import os
import stat
import time
from collections.abc import Iterable, Iterator

from .ways import DIRECTORY, HANDLE, closing, entered, walked

NAMES_MAX = 50_000
"""Names in one directory; more are taken for an attempt to keep us busy."""
FILE_BYTES = 8 * 1024**3
READ_S = 10.0
REMOVE_S = GIVE_S = 60.0
CHUNK = 1024 * 1024
# Without O_NONBLOCK the opening of a named pipe would wait for its other end.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def _in_time(until: float, path: str) -> None:
    if time.monotonic() > until:
        raise TimeoutError(errno.ETIMEDOUT, f"{path} took too long", path)


class Directory:
    """A directory that was opened; ``path`` is what people call it.

    Names are one part or several ("lib/a.py"). Methods raise OSError, ELOOP among them where a part is a link.
    """

    def __init__(self, descriptor: int, path: str):
        self.descriptor, self.path = descriptor, path

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> "Directory":
        """The directory ``path``, as ``real`` gives it."""
        path = os.fspath(path)
        with walked(os.path.dirname(path)) as above:
            return cls(entered(os.path.basename(path) or ".", above, DIRECTORY), path)

    def __enter__(self) -> "Directory":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        os.close(self.descriptor)

    @contextlib.contextmanager
    def _above(self, name: str) -> Iterator[tuple[int, str]]:
        """The opened directory that ``name`` is in, and the last part of it."""
        *way, last = name.split("/")
        if not all(part not in ("", ".", "..") for part in (*way, last)):
            raise OSError(errno.EINVAL, f"{name!r} is no name below {self.path}")
        at = os.dup(self.descriptor)
        try:
            for part in way:
                at, above = entered(part, at, DIRECTORY), at
                os.close(above)
            yield at, last
        finally:
            os.close(at)

    @property
    def enter(self) -> str:
        """A path to this very directory for processes that this one starts, wherever it has been moved to."""
        return f"/proc/self/fd/{self.descriptor}"

    # --- directories below it -----------------------------------------------------------------

    def below(self, name: str) -> "Directory":
        with self._above(name) as (above, last):
            return Directory(entered(last, above, DIRECTORY), os.path.join(self.path, name))

    def make(self, name: str, mode: int = 0o750) -> "Directory":
        """The new directory ``name``, which is ours, with this ``mode`` whatever the umask is."""
        with self._above(name) as (above, last):
            os.mkdir(last, mode, dir_fd=above)
        made = self.below(name)
        if made.facts().st_uid != os.geteuid():
            with made:
                raise OSError(errno.EBUSY, f"somebody else changes {self.path} at the same time", made.path)
        os.fchmod(made.descriptor, mode)
        return made

    def make_or_open(self, name: str, mode: int = 0o750) -> "Directory":
        try:
            return self.make(name, mode)
        except FileExistsError:
            return self.below(name)

    def make_way(self, name: str) -> None:
        """The directory ``name`` with all those on the way to it, as far as they are not there."""
        parts = name.split("/")
        for count in range(1, len(parts) + 1):
            self.make_or_open("/".join(parts[:count])).close()

    def names(self) -> list[str]:
        with os.scandir(self.descriptor) as entries:
            found = []
            for entry in entries:
                found.append(entry.name)
                if len(found) > NAMES_MAX:
                    raise OSError(errno.E2BIG, f"{self.path} holds more than {NAMES_MAX} names", self.path)
        return sorted(found)

    def walk(self, until: float = math.inf) -> Iterator[tuple[str, os.stat_result]]:
        """(name, facts) of everything below, a directory before what is in it. TimeoutError past ``until``."""
        left = [""]
        while left:
            _in_time(until, self.path)
            at = left.pop()
            with self.below(at) if at else Directory(os.dup(self.descriptor), self.path) as directory:
                found = [(name, directory.facts_of(name)) for name in directory.names()]
            for name, facts in found:
                if facts is not None:
                    yield os.path.join(at, name), facts
            left += [os.path.join(at, name) for name, facts in found if facts and stat.S_ISDIR(facts.st_mode)]

    # --- questions ----------------------------------------------------------------------------

    def facts(self) -> os.stat_result:
        """Of the directory itself."""
        return os.fstat(self.descriptor)

    def facts_of(self, name: str) -> os.stat_result | None:
        """Of ``name`` itself, not of what a link leads to; None when it is not there."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), self._above(name) as (above, last):
            return os.stat(last, dir_fd=above, follow_symlinks=False)
        return None

    @contextlib.contextmanager
    def handle(self, name: str) -> Iterator[int]:
        """A descriptor to ask of: of ``name`` itself, whatever it is."""
        with self._above(name) as (above, last), closing(os.open(last, HANDLE, dir_fd=above)) as descriptor:
            yield descriptor

    def link_of(self, name: str) -> str:
        """Where the link ``name`` leads to."""
        with self._above(name) as (above, last):
            return os.readlink(last, dir_fd=above)

    def disk(self) -> os.statvfs_result:
        return os.statvfs(self.descriptor)

    # --- files --------------------------------------------------------------------------------

    def plain(self, name: str) -> int:
        """A descriptor that reads the plain file ``name``; the caller closes it."""
        with self._above(name) as (above, last):
            found = os.open(last, _FILE, dir_fd=above)
        if not stat.S_ISREG(os.fstat(found).st_mode):
            os.close(found)
            raise OSError(errno.EINVAL, f"{name} is no plain file", os.path.join(self.path, name))
        return found

    def chunks(self, name: str, *, limit: int, until: float = 0.0) -> Iterator[bytes]:
        """What the plain file ``name`` holds, at most ``limit`` bytes; TimeoutError past the monotonic time ``until``
        (0: READ_S from now)."""
        until = until or time.monotonic() + READ_S
        with closing(self.plain(name)) as descriptor:
            while limit > 0 and (chunk := os.read(descriptor, min(CHUNK, limit))):
                _in_time(until, os.path.join(self.path, name))
                limit -= len(chunk)
                yield chunk

    def read(self, name: str, *, limit: int, until: float = 0.0) -> bytes:
        """As ``chunks``, in one."""
        return b"".join(self.chunks(name, limit=limit, until=until))

    def sha256(self, name: str, *, limit: int = FILE_BYTES, until: float = 0.0) -> str:
        """Of a plain file of at most ``limit`` bytes, as ``chunks``."""
        digest = hashlib.sha256()
        for chunk in self.chunks(name, limit=limit + 1, until=until):
            digest.update(chunk)
            limit -= len(chunk)
        if limit < 0:
            raise OSError(errno.EFBIG, f"{name} is too long", os.path.join(self.path, name))
        return digest.hexdigest()

    def write_new(self, name: str, chunks: Iterable[bytes], mode: int, owner: tuple[int, int] | None = None, *,
                  sync: bool = False) -> None:
        """The new file ``name``; ``owner`` is (uid, gid). ``sync``: with its content on the disk."""
        with self._above(name) as (above, last):
            handle = os.open(last, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode,
                             dir_fd=above)
        with open(handle, "wb") as file:
            os.fchmod(handle, mode)
            if owner is not None:
                os.fchown(handle, *owner)
            for chunk in chunks:
                file.write(chunk)
            if sync:
                file.flush()
                os.fsync(handle)

    def replace_file(self, name: str, data: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
        """``name`` holds ``data``, after a crash that or what it held before."""
        beside = f".{name}.{os.getpid()}.tmp"
        self.discard(beside)
        try:
            self.write_new(beside, (data,), mode, owner, sync=True)
            self.move(beside, self, name)
        except BaseException:
            self.discard(beside)
            raise

    def change_mode(self, name: str, mode: int) -> None:
        """Of a plain file."""
        with closing(self.plain(name)) as descriptor:
            os.fchmod(descriptor, mode)

    def link(self, name: str, to: str) -> None:
        """The new link ``name``."""
        with self._above(name) as (above, last):
            os.symlink(to, last, dir_fd=above)

    # --- changes ------------------------------------------------------------------------------

    def move(self, name: str, to: "Directory", new: str) -> None:
        os.rename(name, new, src_dir_fd=self.descriptor, dst_dir_fd=to.descriptor)

    def sync(self) -> None:
        """Make moves and new names durable."""
        os.fsync(self.descriptor)

    def give(self, owner: tuple[int, int]) -> None:
        """The directory itself, not what is in it."""
        os.fchown(self.descriptor, *owner)

    def give_all(self, owner: tuple[int, int]) -> None:
        """The directory with the files and directories in it, itself the last: nobody else can change more meanwhile
        than before. A file that has another name elsewhere may be somebody else's, and stays. TimeoutError after
        GIVE_S."""
        until = time.monotonic() + GIVE_S
        inside = [name for name, facts in self.walk(until) if stat.S_ISDIR(facts.st_mode)]
        for each in (*reversed(inside), ""):
            with self.below(each) if each else Directory(os.dup(self.descriptor), self.path) as directory:
                for name in directory.names():
                    _in_time(until, self.path)
                    directory._give(name, owner)
        self.give(owner)

    def _give(self, name: str, owner: tuple[int, int]) -> None:
        facts = self.facts_of(name)
        if facts is not None and stat.S_ISREG(facts.st_mode):
            with closing(self.plain(name)) as file:
                if os.fstat(file).st_nlink == 1:
                    os.fchown(file, *owner)
        elif facts is not None and stat.S_ISDIR(facts.st_mode):
            with self.below(name) as directory:
                directory.give(owner)

    def discard(self, name: str) -> None:
        """Remove the file ``name``, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def remove_empty(self, name: str) -> None:
        os.rmdir(name, dir_fd=self.descriptor)

    def remove_all(self, name: str) -> bool:
        """Remove ``name`` with all that is in it; False when some of it stays, as it does after REMOVE_S."""
        until = time.monotonic() + REMOVE_S
        with contextlib.suppress(OSError):
            facts = self.facts_of(name)
            if facts is not None and not stat.S_ISDIR(facts.st_mode):
                self.discard(name)
            elif facts is not None:
                with self.below(name) as top:
                    top._empty(until)
                self.remove_empty(name)
            return True
        return False

    def _empty(self, until: float) -> None:
        """However deep: the directories of one below are moved up before it is removed."""
        number = 0
        while time.monotonic() < until and (names := self.names()):
            for name in names:
                with contextlib.suppress(IsADirectoryError):
                    self.discard(name)
                    continue
                with self.below(name) as inner:
                    for each in inner.names():
                        number += 1
                        with contextlib.suppress(IsADirectoryError):
                            inner.discard(each)
                            continue
                        inner.move(each, self, f"{number}.{os.urandom(8).hex()}")
                self.remove_empty(name)
