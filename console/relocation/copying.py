"""Rows of the files into tables of PostgreSQL, compared one by one before anything counts."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from console.relocation import files, target
from console.relocation.target import Unfit
from console.relocation.values import Summing, summed

TOLD_EVERY = 100_000


@dataclass(frozen=True)
class Table:
    """``last``: the last key that was given away."""

    name: str
    of: sqlite3.Connection
    columns: Mapping[str, str]
    last: int


def matched(sources: Sequence[sqlite3.Connection], connection: psycopg.Connection) -> list[Table]:
    """What is to be copied into one database. Raises Unfit when tables or columns are not the same on both sides."""
    there, found = target.columns(connection), {}
    for source in sources:
        last = files.last_keys(source)
        for name in files.tables(source):
            if set(files.columns(source, name)) != set(there.get(name, {})):
                raise Unfit(f"The table {name} is another one in this version of Pairwise: start it once (./run), then "
                            "move.")
            found[name] = Table(name, source, there[name], last.get(name, 0))
    if missing := sorted(set(there) - set(found)):
        raise Unfit(f"The table {missing[0]} is not there in this console: start it once (./run), then move.")
    return [found[name] for name in sorted(found)]


def copy(connection: psycopg.Connection, tables: Sequence[Table], say: Callable[[str], None]) -> int:
    """All rows of all tables, in the present transaction; how many. Raises Unfit, and nothing is to be committed."""
    target.empty(connection, [table.name for table in tables])
    total = 0
    for table in tables:
        total += _copy_table(connection, table)
        if total // TOLD_EVERY:
            say(f"  {table.name}: {total:,} rows by now")
    # What refers to nothing is said here, and not by the commit.
    try:
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.Error as error:
        raise Unfit(f"PostgreSQL does not take the rows as they are: {target.why(error)}.") from None
    return total


def _copy_table(connection: psycopg.Connection, table: Table) -> int:
    names, kinds = list(table.columns), list(table.columns.values())
    summing = Summing(kinds)
    try:
        target.fill(connection, table.name, names, _summed_rows(table, names, summing))
        target.count_on(connection, table.name, table.last)
        there = summed(kinds, target.rows(connection, table.name, names))
    except (psycopg.Error, ValueError, sqlite3.Error) as error:
        reason = target.why(error) if isinstance(error, psycopg.Error) else type(error).__name__
        raise Unfit(f"The table {table.name} cannot be copied: {reason}.") from None
    if there != summing.sum:
        raise Unfit(f"The table {table.name} is not the same there ({summing.sum.rows} rows, and {there.rows} there): "
                    "please report it with a support bundle.")
    return there.rows


def _summed_rows(table: Table, names: Sequence[str], summing: Summing) -> Iterator[Sequence[Any]]:
    wanted = ", ".join(map(files.quoted, names))
    for row in table.of.execute(f"SELECT {wanted} FROM {files.quoted(table.name)}"):
        summing.add(row)
        yield row
