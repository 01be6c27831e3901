"""Every database brought up to date, where it is not."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from console.up.errors import CannotStart
from provisioning.core.database_trouble import ADVICE, AHEAD, CONFIGURATION
from provisioning.core.database_trouble import LOG as LOG_NAME
from provisioning.core.database_version import databases, missing, version_trouble
from provisioning.logbook.models import ALIAS as LOG
from provisioning.logbook.router import LABEL as LOGBOOK
from provisioning.record.models import ALIAS

NAMES = {DEFAULT_DB_ALIAS: CONFIGURATION, ALIAS: "control's database", LOG: LOG_NAME}
SET_UP_LOCK = 0x50616972776973
"""Number of an advisory lock on PostgreSQL."""
RESERVED = 6 * 2**20
"""Bytes that SQLite holds for control's record: more than it lets its journal grow to (1,000 pages of 4 KB)."""


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Machines of one console that start at the same moment set up one after the other. On SQLite there is one."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [SET_UP_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [SET_UP_LOCK])


def is_behind() -> bool:
    """Whether one of the databases is that of an earlier version."""
    return any(missing(alias, labels) for alias, labels in databases().items())


def require_no_newer() -> None:
    """Raises CannotStart where a database is that of a newer version: nothing of it would be kept by what this one
    writes."""
    for alias, name in NAMES.items():
        trouble = version_trouble(alias)
        if trouble is not None and trouble.code == AHEAD:
            raise CannotStart(f"{trouble.sentence_of(name)} {ADVICE[AHEAD]}")


def migrate(say: Callable[[str], None]) -> None:
    if is_behind():
        say("Bringing the database up to date")
        call_command("migrate", interactive=False, verbosity=0)


def provide_record() -> None:
    """Control's own database as this release needs it. Costs next to nothing when it is so already: a control that
    starts again is waited for."""
    if not _is_current(ALIAS, "record"):
        with one_at_a_time():
            call_command("migrate", "record", interactive=False, verbosity=0)


def provide_log() -> None:
    """The database of log records as this release needs it. Where it is so already, the Configuration Database is not
    asked: its reader starts also while that is away."""
    if not _is_current(LOG, LOGBOOK):
        with one_at_a_time():
            call_command("migrate", LOGBOOK, interactive=False, verbosity=0)


def _is_current(alias: str, label: str) -> bool:
    try:
        return not missing(alias, [label])
    except DatabaseError:
        return False


def reserve_room() -> None:
    """Have SQLite hold RESERVED bytes for control's record, in its file and in its journal. What is written later takes
    their place, so a disk that got full keeps no standby from taking over. Another database has a disk of its own."""
    connection = connections[ALIAS]
    if connection.vendor != "sqlite":
        return
    journal = Path(f"{connection.settings_dict['NAME']}-wal")
    with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
        if not journal.exists() or journal.stat().st_size < RESERVED:
            cursor.execute("CREATE TABLE IF NOT EXISTS reserved (room BLOB)")
            cursor.execute("INSERT INTO reserved VALUES (zeroblob(%s))", [RESERVED])
            # Its pages stay in the file, for what comes; and the journal stays as long as it is.
            cursor.execute("DROP TABLE reserved")
