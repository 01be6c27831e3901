"""State files of processes that must not end because a disk is full: what cannot be written now is written later."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

from protocol.files import write_atomically

log = logging.getLogger(__name__)

AGAIN_S = 2.0
"""How often what could not be written is tried again."""
LEAST_ROOM = 4 * 2**20
"""Bytes. With less, what ends does so for want of room, and comes back once there is some."""


class KeptFile:
    """The newest content of one file (mode 0600), which is whole or absent whatever happens.

    Nothing here raises OSError. What cannot be written stays in memory, is told once through ``say``, and is written by
    ``settle``: whoever has such a file calls that every AGAIN_S while ``waits``.
    """

    def __init__(self, path: Path, say: Callable[[str], None] = log.warning):
        self.path, self._say = path, say
        self._content: bytes | None = None
        self._told = False

    @property
    def waits(self) -> bool:
        """Something is not on the disk yet."""
        return self._content is not None

    def keep(self, content: bytes) -> bool:
        """Replace the content of the file; True when it is on the disk."""
        self._content = content
        return self.settle()

    def settle(self) -> bool:
        """Write what could not be written before; True when nothing waits."""
        if self._content is None:
            return True
        try:
            write_atomically(self.path, self._content)
        except OSError as error:
            if not self._told:
                self._told = True
                self._say(f"{self.path} cannot be written ({error.strerror or error}): what belongs there is kept in "
                          "memory and written as soon as that is possible.")
            return False
        self._content = None
        if self._told:
            self._told = False
            self._say(f"{self.path} could be written again.")
        return True

    def remove(self) -> None:
        """Nothing is to be remembered any more."""
        self._content = None
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            self._say(f"{self.path} cannot be removed: {error.strerror or error}.")


def has_room(directory: Path) -> bool:
    """False while the disk of ``directory`` is full, or cannot be asked."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize >= LEAST_ROOM
