"""Whether what is in a directory is a former installation's: nothing else is moved away or given to another account."""

import contextlib
import errno
import stat

from protocol import certificate_files

from ..opened import Directory
from .archive import CHECKSUMS, DESCRIPTION
from .placement import BACKUP_PREFIX, NOT_OURS, STAYS
from .startfiles import SERVICE_FILE, START_FILES

STORE, LOCK = "data/messages.db", "data/lock"
"""Of a server's messages, as ``messageserver.ownership`` names them; the lock says who holds it."""
PID_BYTES = 32
_OF_REPAIRS = {file.name for file in (*START_FILES, SERVICE_FILE)}
"""What *repair_start_files* keeps in its backups."""


def strangers(place: Directory) -> list[str]:
    """Names in the directory that no installation put there: none where there is a former one, which is known by its
    description and checksums, nor among what stays beside the messages of a removed one. Raises OSError."""
    present = [name for name in place.names() if name != NOT_OURS]
    if {DESCRIPTION, CHECKSUMS} <= set(present):
        return []
    stays = [name for name in present if name in STAYS or name.startswith(BACKUP_PREFIX)]
    # Another program may well have a directory of such a name.
    foreign = [] if _holds_messages(place) else [name for name in stays if not _is_ours(place, name)]
    return sorted({*present} - {*stays} | {*foreign})


def _holds_messages(place: Directory) -> bool:
    if _inside(place, "data") is None:
        return False
    facts = place.facts_of(STORE)
    if facts is not None and stat.S_ISREG(facts.st_mode):
        return True
    with contextlib.suppress(OSError):
        return place.read(LOCK, limit=PID_BYTES).strip().isdigit()
    return False


def _is_ours(place: Directory, name: str) -> bool:
    """By what is in it, without the messages of a server beside it."""
    inside = _inside(place, name)
    if not inside:
        # One that was made for it holds nothing of anybody's.
        return inside is not None
    if name == certificate_files.DIRECTORY:
        return inside <= {*certificate_files.FILES.values()}
    return name.startswith(BACKUP_PREFIX) and (inside >= {DESCRIPTION, CHECKSUMS} or inside <= _OF_REPAIRS)


def _inside(place: Directory, name: str) -> set[str] | None:
    """Names in the directory ``name``, None when it is none. Raises OSError."""
    try:
        with place.below(name) as directory:
            return {*directory.names()} - {NOT_OURS}
    except OSError as error:
        # A link leads to what nobody said is to be given away.
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENOENT):
            return None
        raise
