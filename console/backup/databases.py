"""What is in a database as files: SQLite's own copy while it is used, or the rows of PostgreSQL's tables (COPY)."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql

from console.relocation import target
from console.relocation.target import Unfit
from provisioning.logbook.models import ALIAS as LOG
from provisioning.record.models import ALIAS as RECORD

SQLITE = "sqlite"
FILES = {DEFAULT_DB_ALIAS: "pairwise.sqlite3", RECORD: "control.sqlite3", LOG: "log.sqlite3"}
BLOCK = 2**20


def aliases(with_log: bool) -> list[str]:
    return [DEFAULT_DB_ALIAS, *([RECORD] if settings.RECORD_IS_APART else []), *([LOG] if with_log else [])]


def dump(alias: str, directory: Path) -> dict[str, Any]:
    """All of one database, as of one moment, into ``directory``; what the manifest says of it. Raises Unfit,
    sqlite3.Error, psycopg.Error and DatabaseError."""
    connection = connections[alias]
    migrations = sorted([app, name] for app, name in MigrationRecorder(connection).applied_migrations())
    about: dict[str, Any] = {"engine": connection.vendor, "migrations": migrations}
    if connection.vendor == SQLITE:
        _copy_file(Path(str(connection.settings_dict["NAME"])), directory / FILES[alias])
        return about
    (directory / alias).mkdir(mode=0o700)
    with reading(alias) as session:
        about["tables"] = {name: _dump_table(session, name, columns, directory / alias)
                           for name, columns in target.columns(session).items()}
    return about


def _copy_file(source: Path, copy: Path) -> None:
    with (contextlib.closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as original,
          contextlib.closing(sqlite3.connect(copy)) as made):
        original.backup(made)
        # One file, without a journal beside it.
        made.execute("PRAGMA journal_mode=DELETE")
        if (said := made.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
            raise Unfit(f"{source} is damaged ({said}): find out what happened to its disk.")
    copy.chmod(0o600)


@contextlib.contextmanager
def reading(alias: str) -> Iterator[psycopg.Connection]:
    """A session that sees one moment. Raises psycopg.Error."""
    given = connections[alias].get_connection_params()
    wanted = {name: given[name] for name in ("dbname", "user", "password", "host", "port", "sslmode", "sslrootcert")
              if given.get(name)}
    with psycopg.connect(**wanted, connect_timeout=target.CONNECT_S) as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.read_only = True
        yield session


def _dump_table(session: psycopg.Connection, name: str, columns: Mapping[str, str], directory: Path) -> dict[str, Any]:
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(
        sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, columns)))
    with open(directory / f"{name}.copy", "wb") as file, session.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for block in copy:
                file.write(block)
        rows = cursor.rowcount
    return {"columns": list(columns), "rows": rows, "last": target.last_key(session, name)}


def fill(address: str, tables: Mapping[str, Mapping[str, Any]], directory: Path) -> int:
    """What ``dump`` wrote into tables that are there, or nothing; how many rows. Raises Unfit."""
    total = 0
    with target.opened(address) as connection:
        there = target.columns(connection)
        if {name: set(of["columns"]) for name, of in tables.items()} != {n: set(of) for n, of in there.items()}:
            raise Unfit("The tables there are not those of this backup: restore it with the version that made it.")
        target.empty(connection, list(tables))
        for name, about in tables.items():
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, about["columns"])))
            try:
                with connection.cursor() as cursor:
                    with open(directory / f"{name}.copy", "rb") as file, cursor.copy(statement) as copy:
                        while block := file.read(BLOCK):
                            copy.write(block)
                    rows = cursor.rowcount
                target.count_on(connection, name, about["last"])
            except psycopg.Error as error:
                raise Unfit(f"The table {name} cannot be filled: {target.why(error)}.") from None
            if rows != about["rows"]:
                raise Unfit(f"Of the table {name} {rows} rows came, and {about['rows']} were kept.")
            total += rows
    return total
