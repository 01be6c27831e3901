"""The tree of files that a console runs from below ``layout.PROGRAM``: program and Python packages. From the same
sources it is the same, byte for byte, wherever it is written."""

import compileall
import hashlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

from console.service import layout
from console.service.environment import configuration, packages

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
"""Of the Python that this runs with, which the packages were compiled for."""
SYSTEM_PYTHON = Path("/usr/bin") / f"python{VERSION}"
SITE_PACKAGES = f".venv/lib/python{VERSION}/site-packages"


@dataclass(frozen=True)
class File:
    """``path`` below the top of the tree. ``target``: what it is a link to, "" for a file with ``data``."""

    path: str
    data: bytes = b""
    runs: bool = False
    target: str = ""


def files(locks: Iterable[str], python: Path) -> Iterator[File]:
    """Everything; ``python`` is the program that runs it. Raises NotAsLocked, bundle.Damaged, OSError."""
    for path, source in layout.program_files():
        yield File(path, source.read_bytes(), bool(source.stat().st_mode & 0o100))
    yield File(".venv/pyvenv.cfg", configuration(python.parent, VERSION).encode())
    yield File(".venv/bin/python", target=str(python))
    yield File(".venv/bin/python3", target="python")
    for path, data, runs in packages(locks):
        yield File(f"{SITE_PACKAGES}/{path}", data, runs)


def digest(tree: Iterable[File]) -> str:
    """Stands for all that is in it."""
    found = hashlib.sha256()
    for file in tree:
        content = hashlib.sha256(file.data).hexdigest()
        found.update(f"{file.path}\0{file.target}\0{int(file.runs)}\0{content}\n".encode())
    return found.hexdigest()


def write(directory: Path, tree: Iterable[File]) -> None:
    """Into ``directory``, which nobody else can write to, with modes for everybody to read. Raises OSError."""
    for file in tree:
        path = directory / file.path
        _make(path.parent)
        if file.target:
            path.symlink_to(file.target)
        else:
            path.write_bytes(file.data)
            path.chmod(0o755 if file.runs else 0o644)


def _make(directory: Path) -> None:
    if not directory.is_dir():
        _make(directory.parent)
        directory.mkdir()
        directory.chmod(0o755)


def compile_all(directory: Path, at: Path) -> None:
    """Compile what is in ``directory`` and is going to be at ``at``: its account cannot write there, so every process
    would do it anew. What is changed there by hand counts all the same."""
    compileall.compile_dir(directory, maxlevels=40, quiet=2, stripdir=str(directory), prependdir=str(at),
                           invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    for path in directory.rglob("__pycache__"):
        path.chmod(0o755)
        for file in path.iterdir():
            file.chmod(0o644)
