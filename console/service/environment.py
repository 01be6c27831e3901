"""The Python packages that a console runs with, taken from the environment that this program runs in: exactly those of
the lock files, each file as its distribution lists it. Nothing is fetched."""

import csv
import importlib.metadata
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement

from console.service.layout import CHECKOUT
from hostagent import bundle, bundled

LOCK, DIRECTORY_LOCK = "requirements.txt", "requirements-ldap.txt"


class NotAsLocked(Exception):
    """The environment has something else than the lock file names. The text is a sentence that says what to do."""


def locked(text: str) -> dict[str, str]:
    """{name: version} of what a lock file names for this machine and this Python."""
    found = {}
    for line in text.splitlines():
        if line and line[0].isalnum():
            requirement = Requirement(line.rstrip(" \\"))
            if requirement.name != bundle.STOOD_IN_FOR and (
                    requirement.marker is None or requirement.marker.evaluate()):
                [specifier] = requirement.specifier
                found[requirement.name] = specifier.version
    return found


def distributions(locks: Iterable[str]) -> list[importlib.metadata.Distribution]:
    """Of all that the lock files ``locks`` name, by name. Raises NotAsLocked."""
    found = []
    for lock in locks:
        for name, version in sorted(locked((CHECKOUT / lock).read_text()).items()):
            try:
                distribution = importlib.metadata.distribution(name)
            except importlib.metadata.PackageNotFoundError:
                raise NotAsLocked(f"{name}, which {lock} names, is not installed here: remove .venv, then run the "
                                  "command again.") from None
            if distribution.version != version:
                raise NotAsLocked(f"{name} {distribution.version} is installed here, and {lock} names {version}: "
                                  "remove .venv, then run the command again.")
            found.append(distribution)
    return found


def packages(locks: Iterable[str]) -> Iterator[tuple[str, bytes, bool]]:
    """(path below site-packages, content, whether it is a program) of each file. Raises NotAsLocked, and
    bundle.Damaged for a file that is not what its distribution lists."""
    for distribution in distributions(locks):
        kept = set()
        for path, file, data in bundle.listed_files(distribution):
            kept.add(path)
            yield path, data, bool(file.stat().st_mode & 0o100)
        yield _record(distribution, kept)
    yield bundle.STAND_IN, bundled.ASYNC_TIMEOUT.encode(), False


def _record(distribution: importlib.metadata.Distribution, kept: set[str]) -> tuple[str, bytes, bool]:
    """RECORD without what stays behind: scripts, and what an installer compiled."""
    [path] = [entry.as_posix() for entry in distribution.files or ()
              if entry.name == "RECORD" and entry.parent.name.endswith(".dist-info")]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerows(row for row in csv.reader((distribution.read_text("RECORD") or "").splitlines())
                   if row and (row[0] in kept or row[0] == path))
    return path, text.getvalue().encode(), False


def configuration(home: Path, version: str) -> str:
    """pyvenv.cfg of an environment of the Python ``version`` (3.11) whose program is in ``home``."""
    return f"home = {home}\ninclude-system-site-packages = false\nversion = {version}\n"
