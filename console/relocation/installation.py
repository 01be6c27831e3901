"""What a move is about: the files of this console, its two addresses, and the run that works with them."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from console import kept_databases
from console.kept_databases import CONFIGURATION, LOG, RECORD, shown
from console.relocation.files import File
from console.relocation.target import Unfit
from console.up.record import RunRecord
from protocol.identity import is_alive
from protocol.secret_settings import FILE
from provisioning import keys
from provisioning.logbook.models import ALIAS as LOG_ALIAS
from provisioning.record.models import ALIAS as RECORD_ALIAS

STOP_S, POLL_S = 60.0, 0.1
STANDING = ("control", "console-worker", "log-reader")
"""Programs of a run that do not run while the databases are moved."""
LABELS = {DEFAULT_DB_ALIAS: "Configuration Database", RECORD_ALIAS: "control's record", LOG_ALIAS: "log records"}


def sources() -> dict[str, File]:
    """{alias: file} of what is to be moved. Raises Unfit."""
    kept = kept_databases.read(settings.PAIRWISE_DATA_DIR)
    if kept is not None and kept.counts:
        raise Unfit(f"The databases of this console were moved to {kept.place} at {kept.at}: nothing is left to do. "
                    "Start ./run if it does not run; ./run move --back goes back while nothing was changed.")
    found = {alias: settings.DATABASES[alias] for alias in LABELS}
    if any(not database["ENGINE"].endswith("sqlite3") for database in found.values()):
        raise Unfit("The databases of this console are not all SQLite files: there is nothing to move. Other databases "
                    "are copied with their own tools (docs/backup.md).")
    return {alias: File(LABELS[alias], Path(database["NAME"])) for alias, database in found.items()}


def require_unset(environ: Mapping[str, str]) -> None:
    """Raises Unfit while a setting says where the databases are: it would count afterwards, too."""
    for name in (CONFIGURATION, RECORD, LOG):
        if environ.get(name) or environ.get(name + FILE):
            raise Unfit(f"{name} says where a database of this console is: unset it, and start ./run without it, with "
                        f"the files in {settings.PAIRWISE_DATA_DIR}. Then move.")


def addresses(to: str, log_to: str) -> dict[str, str]:
    """{setting: address without password}. Raises Unfit."""
    parts = urlsplit(to)
    log_to = log_to or urlunsplit((*parts[:2], f"{parts.path}_log", *parts[3:]))
    for address in (to, log_to):
        _require_address(address)
    if to == log_to:
        raise Unfit("Log records need a database of their own: name another one with --log-to.")
    return {CONFIGURATION: to, LOG: log_to}


def _require_address(address: str) -> None:
    example = "write postgres://user@host/name"
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise Unfit(f"This is no address of a database: {example}.") from None
    if parts.password is not None:
        raise Unfit("Leave the password out of the address, as everybody on this machine can read it there: set "
                    "PAIRWISE_MOVE_PASSWORD or PAIRWISE_MOVE_PASSWORD_FILE.")
    if parts.scheme not in ("postgres", "postgresql") or len(parts.path) < 2:
        raise Unfit(f"{shown(address)} is no address of a PostgreSQL database: {example}.")


def mark() -> str:
    """By which this console knows a copy that it made itself."""
    return keys.keys().marks[0]


class Run:
    """The console that runs on the data directory, if one does, by its record."""

    def __init__(self) -> None:
        self._record = RunRecord(settings.PAIRWISE_DATA_DIR)

    @property
    def address(self) -> str:
        return str(self._record.read().get("address", ""))

    @property
    def runs(self) -> bool:
        body = self._record.read()
        return is_alive(int(body.get("pid", 0)), int(body.get("started", 0)))

    def pid(self, name: str) -> int:
        """Of a program that lives; 0 when it does not."""
        child = self._record.read().get("children", {}).get(name, {})
        pid = int(child.get("pid", 0))
        return pid if is_alive(pid, int(child.get("started", 0))) else 0

    def wait(self, condition: Callable[[], bool], within_s: float) -> bool:
        """True once it holds, or nothing runs any more."""
        deadline = time.monotonic() + within_s
        while self.runs and not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def wait_standing(self) -> None:
        """Until nothing of it writes but pages. Raises Unfit."""
        if not self.wait(lambda: not any(self.pid(name) for name in STANDING), STOP_S):
            raise Unfit(f"The console did not stop what writes within {STOP_S:g} s: see what its terminal says, then "
                        "try again. Nothing was changed.")
