"""The package ``pairwise``: program, Python packages, unit, settings and command of a console."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from console.service import deb, layout, tree
from console.service.environment import DIRECTORY_LOCK
from console.service.tree import File

NAME = "pairwise"
OF_A_DIRECTORY = re.compile(r"ii +(libldap[-.\d]*|libsasl2-[\dt]+)")
"""What the packages of DIRECTORY_LOCK were built against: each release of Debian has others."""


def of_a_directory(listed: str) -> tuple[str, ...]:
    """Packages of ``listed``, what dpkg-query says of this machine."""
    return tuple(found[1] for line in listed.splitlines() if (found := OF_A_DIRECTORY.fullmatch(line)))


def about(locks: tuple[str, ...]) -> deb.Package:
    return deb.Package(
        name=NAME, architecture=deb.architecture(), scripts=deb.scripts_of(NAME), settings=(str(layout.SETTINGS),),
        depends=(f"python{tree.VERSION}", "systemd", "passwd", "libc6", "libgcc-s1", "libstdc++6",
                 *(of_a_directory(deb.installed("libldap*", "libsasl2*")) if DIRECTORY_LOCK in locks else ())),
        summary="web console for redundant Message Server pairs",
        description="Provisions, starts, supervises, switches over and audits warm standby pairs of Message Servers.")


def files(locks: tuple[str, ...]) -> Iterator[File]:
    """With paths below /."""
    for file in tree.files(locks, tree.SYSTEM_PYTHON):
        yield replace(file, path=_below_root(layout.PROGRAM / file.path))
    yield File(_below_root(layout.UNITS_OF_PACKAGES / layout.UNIT), layout.UNIT_SOURCE.read_bytes())
    yield File(_below_root(layout.SETTINGS), layout.SETTINGS_SOURCE.read_bytes())
    yield File(_below_root(layout.COMMANDS_OF_PACKAGES / layout.COMMAND), layout.COMMAND_SOURCE.read_bytes(), runs=True)


def build(directory: Path, locks: tuple[str, ...]) -> Path:
    """Its path in ``directory``. Raises deb.CannotBuild, NotAsLocked, bundle.Damaged, OSError."""
    def compiled(stage: Path) -> None:
        tree.compile_all(stage / _below_root(layout.PROGRAM), layout.PROGRAM)

    return deb.write(directory, about(locks), files(locks), compiled)


def _below_root(path: Path) -> str:
    return str(path.relative_to("/"))
