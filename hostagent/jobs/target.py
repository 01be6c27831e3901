"""Where an installation may go."""

import os
from collections.abc import Iterable
from pathlib import Path

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
    return Path(os.path.realpath(named(directory, directory_name, install_root)))


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
    for each in taken:
        other = Path(os.path.realpath(each))
        if _is_inside(target, other):
            raise JobFailed(f"{target} belongs to another application ({other}).", ANOTHER)
        if _is_inside(other, target):
            raise JobFailed(f"{target} holds the directory of another application ({other}).", ANOTHER)
    for each in private:
        if _is_inside(target, Path(os.path.realpath(each))):
            raise JobFailed(f"{target} belongs to the agent of this host.", ANOTHER)
    for each in own:
        if _is_inside(Path(os.path.realpath(each)), target):
            raise JobFailed(f"{target} holds directories of the agent ({each}).", ANOTHER)
    if os.path.lexists(target) and not target.is_dir():
        raise JobFailed(f"{target} is a file, not a directory.", ANOTHER)
    if not os.access(nearest_existing(target), os.W_OK | os.X_OK):
        raise JobFailed(f"The agent may not write to {nearest_existing(target)}.",
                        "Correct the rights of the directory, or give another one.")


def nearest_existing(path: Path) -> Path:
    while not path.is_dir():
        path = path.parent
    return path


def make_parents(target: Path) -> tuple[str, ...]:
    """Create the parents of ``target``; returns those that were missing, innermost first. Raises JobFailed."""
    missing = []
    parent = target.parent
    while not parent.exists():
        missing.append(str(parent))
        parent = parent.parent
    try:
        for each in reversed(missing):
            os.mkdir(each, 0o755)
    except OSError as error:
        raise JobFailed(f"{target.parent} cannot be created: {error.strerror}.", ANOTHER) from None
    return tuple(missing)


def staging_of(target: Path, job: str) -> Path:
    """A directory on the target's own file system: beside it, or inside it when it is a mount point."""
    if target.is_dir() and target.stat().st_dev != target.parent.stat().st_dev:
        return target / f".new-{job}"
    return target.parent / f".{target.name}.new-{job}"


def _is_inside(path: Path, directory: Path) -> bool:
    return f"{path}/".startswith(f"{directory}/".replace("//", "/"))
