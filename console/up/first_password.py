"""Where the first administrator's random password is shown: on the terminal, or in a file where the journal listens,
which more people read than this console's data."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from protocol.files import write_atomically

NAME = "first_password"
JOURNAL = "JOURNAL_STREAM"
"""Set by systemd for what writes to its journal: device and inode of that."""


def goes_to_the_journal(environ: Mapping[str, str], device: int, inode: int) -> bool:
    """Whether an output of this ``device`` and ``inode`` is the journal's."""
    return environ.get(JOURNAL) == f"{device}:{inode}"


def is_kept() -> bool:
    """Whether what this process says goes to the journal: it is a service, and nobody is at a terminal."""
    try:
        about = os.fstat(sys.stdout.fileno())
    except OSError:
        return False
    return goes_to_the_journal(os.environ, about.st_dev, about.st_ino)


def sentence(password: str, data_dir: Path) -> str:
    """What to say of the password. Keeps it in a file where what is said is kept; when that cannot be written it is
    said all the same, as nobody could sign in otherwise."""
    shown = f"with the password {password} (shown only this once)"
    if not is_kept():
        return shown
    path = data_dir / NAME
    try:
        write_atomically(path, f"{password}\n".encode())
    except OSError:
        return shown
    return f"with the password in {path} (for root to read); change it, then remove that file"
