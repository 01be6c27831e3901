"""Back to the SQLite files, as long as nobody has changed anything since they were moved."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from console import kept_databases
from console.kept_databases import CONFIGURATION, RETURNING, Kept
from console.relocation import commands, files, installation, recovery, target
from console.relocation.mover import Say, wait_ready
from console.relocation.target import Unfit
from provisioning.models import HistoryEntry, HistoryHead, HistoryKey

ENTRIES, HEAD = HistoryEntry._meta.db_table, HistoryHead._meta.db_table
OF_HISTORY = (HEAD, HistoryKey._meta.db_table)
"""What says of the entries where they end, and with which keys they were made."""
CONFIGURATION_DATABASE, RECORD = "Configuration Database", "control's record"


@dataclass(frozen=True)
class Plan:
    kept: Kept

    def lines(self) -> Iterator[str]:
        yield f"From  {self.kept.place}"
        yield f"To    {settings.PAIRWISE_DATA_DIR}, as it was at {self.kept.at}"
        yield ("Control's record and History go along as they are now. Nothing was changed since, so nothing else is "
               "lost but what was only watched: events, figures, who is signed in.")


class WayBack:
    """As ``Mover``, in the other direction."""

    def __init__(self, say: Say):
        self.say, self.data_dir = say, settings.PAIRWISE_DATA_DIR
        self.run = installation.Run()

    def plan(self) -> Plan:
        recovery.require_nobody_at_work(self.data_dir)
        kept = kept_databases.read(self.data_dir)
        if kept is None or not kept.counts:
            raise Unfit("The databases of this console were not moved: there is nothing to go back to.")
        found = {file.label for file in recovery.files_of(self.data_dir)}
        if missing := sorted(set(recovery.NAMES) - found):
            raise Unfit(f"{self.data_dir / recovery.NAMES[missing[0]]} is not there any more: there is no way back.")
        with target.opened(kept.addresses[CONFIGURATION]) as connection:
            _require_unchanged(connection, kept)
        return Plan(kept)

    def move(self) -> None:
        with recovery.alone(self.data_dir):
            recovery.recover(self.data_dir, self.say)
            kept = kept_databases.read(self.data_dir)
            if kept is None:
                raise Unfit("The databases of this console were not moved: there is nothing to go back to.")
            kept_databases.write(self.data_dir, kept.by_us(RETURNING))
            try:
                self._carry_back(kept)
            except BaseException:
                recovery.recover(self.data_dir, self.say, ours=True)
                raise
            self._tell(kept)
        self.say(f"The files in {self.data_dir} count again.")
        wait_ready(self.run, self.say)

    def _tell(self, kept: Kept) -> None:
        """What counts now hears of it; that it cannot be told undoes nothing."""
        try:
            commands.manage("move", "--tell", f"Moved the databases back from {kept.place} to {self.data_dir}.",
                            addresses={})
        except commands.CommandFailed as failed:
            self.say(f"History does not tell of this way back ({failed}).")

    def _carry_back(self, kept: Kept) -> None:
        self.say("Stopping what writes")
        self.run.wait_standing()
        with target.opened(kept.addresses[CONFIGURATION]) as connection:
            # Whoever has something open there waits, and has lost nothing when it is refused.
            connection.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.Identifier(HEAD)))
            _require_unchanged(connection, kept)
            self.say("Switching over")
            for file in recovery.files_of(self.data_dir):
                with files.reading(file) as opened:
                    opened.execute("BEGIN IMMEDIATE")
                    files.unblock(opened)
                    if file.label == RECORD:
                        _take_over(opened, connection, files.tables(opened))
                    elif file.label == CONFIGURATION_DATABASE:
                        _take_over(opened, connection, OF_HISTORY)
                        _take_newer_entries(opened, connection)
                    opened.execute("COMMIT")
            target.set_mark(kept.addresses, installation.mark())
            kept_databases.remove(self.data_dir)


def _require_unchanged(connection: psycopg.Connection, kept: Kept) -> None:
    """Raises Unfit."""
    row = connection.execute(sql.SQL("SELECT count, digest FROM {} WHERE id = 1").format(
        sql.Identifier(HEAD))).fetchone()
    now = f"{row[0]}:{row[1]}" if row else ""
    if now != kept.history:
        raise Unfit(f"Something was changed since the move of {kept.at}: History there has other entries than it had. "
                    "There is no way back without losing them.")


def _take_over(file: sqlite3.Connection, connection: psycopg.Connection, tables: Iterable[str]) -> None:
    """These tables as they are now. Control's record may be newer, and an older one is of no use (ADR 16)."""
    for table in tables:
        file.execute(f"DELETE FROM {files.quoted(table)}")
        _insert(file, connection, table)


def _take_newer_entries(file: sqlite3.Connection, connection: psycopg.Connection) -> None:
    """Of History: that of the move, which comes after those that the file has."""
    last = file.execute(f"SELECT coalesce(max(number), 0) FROM {files.quoted(ENTRIES)}").fetchone()[0]
    _insert(file, connection, ENTRIES, counted_by="number", after=last)


def _insert(file: sqlite3.Connection, connection: psycopg.Connection, table: str, **chosen: Any) -> None:
    columns = target.columns(connection)[table]
    wanted, marks = ", ".join(map(files.quoted, columns)), ", ".join("?" * len(columns))
    file.executemany(f"INSERT INTO {files.quoted(table)} ({wanted}) VALUES ({marks})", (
        [_stored(kind, value) for kind, value in zip(columns.values(), row, strict=True)]
        for row in target.rows(connection, table, list(columns), **chosen)))


def _stored(kind: str, value: Any) -> Any:
    """As Django has it in SQLite."""
    if value is None:
        return None
    if kind == "jsonb":
        return json.dumps(value)
    if isinstance(value, datetime):
        return str(value.astimezone(UTC).replace(tzinfo=None))
    return int(value) if isinstance(value, bool) else value
