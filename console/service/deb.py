"""A package of Debian from a tree of files, by Debian's own dpkg-deb. The same tree gives the same bytes."""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from console.service import tree
from console.service.layout import CHECKOUT
from console.service.tree import File
from hostagent.bundle import BUILD_TIME
from protocol.version import VERSION

SCRIPTS = CHECKOUT / "deploy" / "deb"
SCRIPT_NAMES = ("preinst", "postinst", "prerm", "postrm")


class CannotBuild(Exception):
    """The package cannot be made. The text is a sentence that says what to do."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """``depends`` as Debian writes it; ``settings``: paths of files that people change (conffiles)."""

    name: str
    architecture: str
    depends: tuple[str, ...]
    summary: str
    description: str
    settings: tuple[str, ...] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)
    version: str = VERSION

    def control(self, size_kb: int) -> str:
        lines = {"Package": self.name, "Version": self.version, "Architecture": self.architecture, "Section": "admin",
                 "Priority": "optional", "Maintainer": "Pairwise <pairwise@localhost>", "Installed-Size": size_kb,
                 "Depends": ", ".join(self.depends), "Description": f"{self.summary}\n {self.description}"}
        return "".join(f"{name}: {value}\n" for name, value in lines.items())


def scripts_of(name: str) -> dict[str, str]:
    """{name of a maintainer script: text} of the package ``name``."""
    return {each: (SCRIPTS / f"{name}.{each}").read_text() for each in SCRIPT_NAMES
            if (SCRIPTS / f"{name}.{each}").is_file()}


def architecture() -> str:
    """Of this machine, as Debian calls it. Raises CannotBuild."""
    return _run(["dpkg", "--print-architecture"]).strip()


def installed(*patterns: str) -> str:
    """Lines of state and name of this machine's packages. Raises CannotBuild."""
    return _run(["dpkg-query", "--show", "--showformat", "${db:Status-Abbrev} ${Package}\n", *patterns])


def built_at() -> int:
    """Unix time that every file in a package carries."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", BUILD_TIME))


def write(directory: Path, package: Package, files: Iterable[File],
          afterwards: Callable[[Path], None] = lambda stage: None) -> Path:
    """The package with ``files``, whose paths are below /, in ``directory``; its path. ``afterwards`` adds to the stage
    what follows from them. Whole or not at all. Raises CannotBuild, OSError."""
    path = directory / f"{package.name}_{package.version}_{package.architecture}.deb"
    with tempfile.TemporaryDirectory(dir=directory, prefix=".stage-") as name:
        stage, made = Path(name, "stage"), Path(name, path.name)
        # What the stage is, / of the other machine becomes.
        stage.mkdir()
        stage.chmod(0o755)
        tree.write(stage, files)
        afterwards(stage)
        _describe(stage, package)
        for each in (stage, *stage.rglob("*")):
            os.utime(each, (built_at(), built_at()), follow_symlinks=False)
        # An eighth of the time of xz, for a sixth more bytes. One thread: more of them would divide it otherwise.
        _run(["dpkg-deb", "--root-owner-group", "--threads-max=1", "-Zzstd", "-z3", "--build", str(stage), str(made)])
        made.replace(path)
    return path


def _describe(stage: Path, package: Package) -> None:
    """DEBIAN/ of the stage."""
    plain = sorted(path for path in stage.rglob("*") if path.is_file() and not path.is_symlink())
    sums = "".join(f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(stage)}\n"
                   for path in plain if f"/{path.relative_to(stage)}" not in package.settings)
    size_kb = sum(-(-path.stat().st_size // 1024) for path in plain)
    texts = {"control": package.control(size_kb), "md5sums": sums}
    if package.settings:
        texts["conffiles"] = "".join(f"{each}\n" for each in package.settings)
    tree.write(stage / "DEBIAN", [
        *(File(name, text.encode()) for name, text in texts.items()),
        *(File(name, text.encode(), runs=True) for name, text in package.scripts.items())])


def _run(arguments: list[str]) -> str:
    # However long it takes: the machine may be slow, and somebody waits, who can press Ctrl-C.
    try:
        return subprocess.run(arguments, check=True, capture_output=True, text=True,
                              env={**os.environ, "SOURCE_DATE_EPOCH": str(built_at())}).stdout
    except FileNotFoundError:
        raise CannotBuild(f"{arguments[0]} is missing: packages are made on a Debian.") from None
    except subprocess.CalledProcessError as error:
        raise CannotBuild(f"{arguments[0]} failed: {error.stderr.strip()}") from None
