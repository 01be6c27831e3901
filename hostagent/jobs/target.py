"""Where an installation may go."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from ..opened import Directory
from ..ways import nearest, real
from .errors import JobFailed

SYSTEM = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sbin", "/sys",
          "/usr/bin", "/usr/include", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/sbin", "/usr/share")
"""Neither these nor anything below them."""
TOP = ("/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/usr", "/usr/local", "/var", "/var/lib",
       "/var/log", "/var/opt", "/var/tmp")
"""Not these themselves."""
ANOTHER = "Give another directory."


def choose(directory: str, directory_name: str, install_root: Path) -> Path:
    """The target that the job asks for, links followed: ``directory``, or one of its own under the install root.

    Raises JobFailed.
    """
    asked = named(directory, directory_name, install_root)
    try:
        return Path(real(str(asked)))
    except OSError as error:
        raise JobFailed(f"{asked} cannot be used: {error.strerror}.", ANOTHER) from None


def named(directory: str, directory_name: str, install_root: Path) -> Path:
    """The same as the console knows it, links not followed. Raises JobFailed."""
    if not directory:
        if not directory_name or "/" in directory_name or directory_name.startswith("."):
            raise JobFailed(f"The console gave {directory_name!r} as the name of a directory.", ANOTHER)
        directory = str(install_root / directory_name)
    parts = directory.split("/")
    if not os.path.isabs(directory) or "~" in parts[1][:1] or ".." in parts or "." in parts or "\0" in directory:
        raise JobFailed(f"{directory!r} is not an absolute path without ~, . and ..", ANOTHER)
    return Path(os.path.normpath(directory))


def check(target: Path, *, taken: Iterable[str], own: Iterable[Path], private: Iterable[Path]) -> None:
    """``taken``: other applications' directories; ``own``: the agent's, which may hold but not be the target;
    ``private``: the agent's that may not even hold it. Raises JobFailed."""
    text = str(target)
    if text in TOP or any(_is_inside(target, Path(each)) for each in SYSTEM):
        raise JobFailed(f"{target} is a directory of the operating system.", ANOTHER)
    for name in taken:
        other = _real(name)
        if _is_inside(target, other):
            raise JobFailed(f"{target} belongs to another application ({other}).", ANOTHER)
        if _is_inside(other, target):
            raise JobFailed(f"{target} holds the directory of another application ({other}).", ANOTHER)
    for each in private:
        if _is_inside(target, _real(each)):
            raise JobFailed(f"{target} belongs to the agent of this host.", ANOTHER)
    for each in own:
        if _is_inside(_real(each), target):
            raise JobFailed(f"{target} holds directories of the agent ({each}).", ANOTHER)
    _check_reachable(target)


def _real(path: str | Path) -> Path:
    # Somebody else's link says nothing about where the other directory is.
    try:
        return Path(real(path))
    except OSError:
        return Path(path)


def _check_reachable(target: Path) -> None:
    try:
        with nearest(str(target)) as (there, descriptor):
            if Path(there) != target:
                name = target.relative_to(there).parts[0]
                with contextlib.suppress(FileNotFoundError):
                    os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                    raise JobFailed(f"{there.rstrip('/')}/{name} is a file, not a directory.", ANOTHER)
            if not os.access(".", os.W_OK | os.X_OK, dir_fd=descriptor):
                raise JobFailed(f"The agent may not write to {there}.",
                                "Correct the rights of the directory, or give another one.")
    except OSError as error:
        raise JobFailed(f"{target} cannot be used: {error.strerror}.", ANOTHER) from None


def missing_parents(target: Path) -> tuple[str, ...]:
    """Those parents of ``target`` that are not there, innermost first. Raises OSError."""
    with nearest(str(target.parent)) as (there, _):
        return tuple(str(each) for each in target.parents if each != Path(there) and each.is_relative_to(there))


def make_parents(target: Path) -> tuple[str, ...]:
    """Create the parents of ``target``; returns those that were missing, innermost first. Raises JobFailed."""
    try:
        missing = missing_parents(target)
        for each in reversed(missing):
            with Directory.at(os.path.dirname(each)) as above, above.make(os.path.basename(each), 0o755):
                pass
    except OSError as error:
        raise JobFailed(f"{target.parent} cannot be created: {error.strerror}.", ANOTHER) from None
    return missing


def staging_of(target: Path, job: str) -> Path:
    """A directory on the target's own file system: beside it, or inside it when it is a mount point. Raises OSError."""
    with nearest(str(target)) as (there, descriptor), nearest(str(target.parent)) as (_, above):
        if Path(there) == target and os.fstat(descriptor).st_dev != os.fstat(above).st_dev:
            return target / f".new-{job}"
    return target.parent / f".{target.name}.new-{job}"


def _is_inside(path: Path, directory: Path) -> bool:
    return f"{path}/".startswith(f"{directory}/".replace("//", "/"))
