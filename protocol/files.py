"""Files that are whole or absent: written beside their place, then moved into it. Standard library only.

Paths are followed as they are: only for directories that no other account can write. What works as root in those of
others does the same by descriptors (``hostagent.opened``).
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: Path, *, mode: int = 0o600, lasting: bool = True) -> Iterator[BinaryIO]:
    """What is written into the given file becomes the content of ``path`` at the end; when the block raises, ``path``
    stays as it was.

    ``mode`` counts whatever the umask is. ``lasting``: after a power cut, too, ``path`` holds either the old content or
    the new. Without it that costs no waiting for the disk. Raises OSError.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    # One that was left by a process of the same number may have another mode, or be a link.
    beside.unlink(missing_ok=True)
    try:
        with open(beside, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            if hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    if lasting:
        sync_directory(path.parent)


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600, lasting: bool = True) -> None:
    """Replace the content of ``path`` with ``data``, as ``replacing`` does."""
    with replacing(path, mode=mode, lasting=lasting) as file:
        file.write(data)


def sync_directory(directory: Path) -> None:
    """Names in ``directory`` are on disk afterwards; Windows keeps them in its journal and knows no such call. Raises
    OSError."""
    if sys.platform == "win32":
        return
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
