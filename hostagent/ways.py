"""Ways to a directory on which no link counts that another account can have put there. Standard library only."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
HANDLE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_ON_THE_WAY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LINKS_MAX = 40


def real(path: str | os.PathLike[str]) -> str:
    """``path`` without its links, as far as it exists. A link counts where nobody but root and this account can have
    put it. Raises OSError for another one."""
    left, at, links = _parts(os.path.normpath(os.fspath(path)))[::-1], "/", 0
    while left:
        name = left.pop()
        try:
            with walked(at) as above:
                to = os.readlink(name, dir_fd=above)
                _refuse_link_of_others(above, name, os.path.join(at, name))
        except (FileNotFoundError, NotADirectoryError):
            return os.path.normpath(os.path.join(at, name, *left[::-1]))
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            at = os.path.join(at, name)
            continue
        if (links := links + 1) > _LINKS_MAX:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))
        joined = os.path.normpath(os.path.join(at, to))
        left, at = left + _parts(joined)[::-1], "/"
    return at


@contextlib.contextmanager
def closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def looked_at(path: str) -> Iterator[tuple[str, int]]:
    """(``path`` as ``real`` gives it, a descriptor to ask of) of something that may be elsewhere. Raises OSError."""
    if not os.path.isabs(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    path = real(path)
    with (walked(os.path.dirname(path)) as above,
          closing(os.open(os.path.basename(path) or ".", HANDLE, dir_fd=above)) as descriptor):
        yield path, descriptor


def _refuse_link_of_others(above: int, name: str, path: str) -> None:
    ours = (0, os.geteuid())
    facts, link = os.fstat(above), os.stat(name, dir_fd=above, follow_symlinks=False)
    if link.st_uid not in ours or facts.st_uid not in ours or (shared(facts) and not facts.st_mode & stat.S_ISVTX):
        raise _link(path)


def shared(facts: os.stat_result) -> bool:
    """Others than its owner can write there; the mode of a link says nothing."""
    to_group = facts.st_mode & 0o020 and facts.st_gid not in (0, os.getegid())
    return not stat.S_ISLNK(facts.st_mode) and bool(facts.st_mode & 0o002 or to_group)


def _link(path: str) -> OSError:
    return OSError(errno.ELOOP, f"{path} is a link that somebody else put there, which is not followed", path)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


@contextlib.contextmanager
def walked(path: str) -> Iterator[int]:
    """The directory ``path``, every part opened in the one before, only to go on from. Raises OSError."""
    at = os.open("/", _ON_THE_WAY)
    try:
        for part in _parts(path):
            at, above = entered(part, at, _ON_THE_WAY), at
            os.close(above)
        yield at
    finally:
        os.close(at)


def entered(name: str, above: int, flags: int) -> int:
    try:
        return os.open(name, flags, dir_fd=above)
    except NotADirectoryError:
        # With O_DIRECTORY the kernel says so of a link, too.
        if stat.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
            raise _link(name) from None
        raise


@contextlib.contextmanager
def nearest(path: str) -> Iterator[tuple[str, int]]:
    """(path, descriptor to ask of) of the directory ``path``, else of the deepest one above it that is there. Raises
    OSError."""
    parts = _parts(path)
    with contextlib.ExitStack() as stack:
        for count in range(len(parts), -1, -1):
            each = "/" + "/".join(parts[:count])
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                descriptor = stack.enter_context(walked(each))
                break
        yield each, descriptor


def directories_to(path: str) -> Iterator[tuple[str, int]]:
    """(path, descriptor to ask of) of the directory ``path`` and those above it, the highest first. Raises OSError."""
    parts = _parts(path)
    for count in range(len(parts) + 1):
        each = "/" + "/".join(parts[:count])
        with walked(each) as descriptor:
            yield each, descriptor
