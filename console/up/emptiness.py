"""Whether the Configuration Database that is given is that of this console: an empty one beside a data directory that
knows of another is a mistake, and would be a console without anything."""

import contextlib
import sqlite3
from pathlib import Path

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from console import kept_databases
from console.relocation.recovery import is_moved_file
from console.up.errors import CannotStart

FILE = "pairwise.sqlite3"


def require_own_databases() -> None:
    """Raises CannotStart, and DatabaseError while it does not answer."""
    connection, data_dir = connections[DEFAULT_DB_ALIAS], settings.PAIRWISE_DATA_DIR
    if connection.vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        if is_moved_file(path):
            raise CannotStart(
                f"{path} was moved to another database and takes no changes, and {data_dir / kept_databases.FILE}, "
                "which says to which, is not there: put it back, or set PAIRWISE_DATABASE_URL to that database.")
        return
    with connection.cursor() as cursor:
        if connection.introspection.table_names(cursor):
            return
    kept = kept_databases.read(data_dir)
    if kept is not None and kept.counts:
        raise CannotStart(f"The database at {kept.place}, to which this console was moved, is empty: put back what was "
                          "in it (docs/backup.md, Backup and restore), or correct what answers at that address.")
    if holds_somebody(data_dir / FILE):
        raise CannotStart(
            f"The database of PAIRWISE_DATABASE_URL is empty, and {data_dir / FILE} has what this console knows: unset "
            "PAIRWISE_DATABASE_URL, start, and run ./run move --to ADDRESS. For a console without anything set "
            "PAIRWISE_DATA_DIR to another directory.")


def holds_somebody(path: Path) -> bool:
    """Whether a console has begun to work with the SQLite file."""
    if not path.exists():
        return False
    with contextlib.suppress(sqlite3.Error), contextlib.closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return bool(connection.execute("SELECT EXISTS (SELECT 1 FROM auth_user)").fetchone()[0])
    return False
