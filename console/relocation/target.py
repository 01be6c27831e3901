"""The PostgreSQL databases that the files are moved to: whether they can be, and what is in them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from console.kept_databases import shown
from console.relocation.values import CANONICAL
from provisioning.models import guard

LEAST_VERSION = 140_000
CONNECT_S = 10
MARK = "pairwise_move"
"""A table that says: what is here is a copy, and no console works with it."""
OWN = frozenset({"django_migrations", MARK})


class Unfit(Exception):
    """The database cannot be moved to. ``str()`` is a sentence that says what to do."""


def opened(address: str) -> psycopg.Connection:
    """A connection whose transactions somebody ends, in UTC. Raises Unfit."""
    try:
        connection = psycopg.connect(address, connect_timeout=CONNECT_S)
        connection.execute("SET TIME ZONE 'UTC'")
        connection.commit()
    except psycopg.Error as error:
        raise Unfit(f"{shown(address)} does not answer as it should ({why(error)}): correct the address, make the "
                    "database and its role (docs/installing.md), or set PAIRWISE_MOVE_PASSWORD.") from None
    return connection


def why(error: psycopg.Error) -> str:
    """What PostgreSQL says is wrong, without the values that it was about."""
    if isinstance(error, psycopg.errors.DiskFull):
        return "the disk of PostgreSQL is full"
    return (error.diag.message_primary or str(error).strip().rpartition("\n")[2] or type(error).__name__).rstrip(".")


def require_fit(address: str, mark: str) -> None:
    """Raises Unfit unless it is empty, or has a copy with this ``mark`` ("": none) that was broken
    off."""
    with opened(address) as connection:
        where, facts = shown(address), _facts(connection)
        if connection.info.server_version < LEAST_VERSION:
            raise Unfit(f"{where} is PostgreSQL {facts['version']}: Pairwise needs {LEAST_VERSION // 10_000} or newer.")
        if facts["encoding"] != "UTF8":
            raise Unfit(f"{where} keeps text in {facts['encoding']}: make one with ENCODING 'UTF8' TEMPLATE template0.")
        if not facts["icu"]:
            raise Unfit(f"{where} was built without ICU, by which names are ordered: take one that has it.")
        if not facts["creates"]:
            raise Unfit(f"{connection.info.user} may make no tables in {where}: let it own the database (ALTER "
                        f"DATABASE {connection.info.dbname} OWNER TO {connection.info.user}).")
        if (names := tables(connection)) and (not mark or mark_of(connection) != mark):
            raise Unfit(f"{where} is not empty ({len(names)} tables, for example {names[0]}): give the address of an "
                        "empty database.")


def _facts(connection: psycopg.Connection) -> dict[str, Any]:
    row = connection.execute(
        "SELECT current_setting('server_version'), current_setting('server_encoding'), "
        "EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i'), "
        "coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)").fetchone()
    assert row is not None
    return dict(zip(("version", "encoding", "icu", "creates"), row, strict=True))


def tables(connection: psycopg.Connection) -> list[str]:
    """Those that hold something of the console."""
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
    return [name for name, in rows if name not in OWN]


def columns(connection: psycopg.Connection) -> dict[str, dict[str, str]]:
    """{table: {column: its type}}. Raises Unfit for a type that nobody has told how to compare."""
    found: dict[str, dict[str, str]] = {name: {} for name in tables(connection)}
    for table, column, kind in connection.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"):
        if table in found:
            if kind not in CANONICAL:
                raise Unfit(f"The column {column} of {table} is of a type that is not moved ({kind}).")
            found[table][column] = kind
    return found


def rows(connection: psycopg.Connection, table: str, names: Sequence[str], *, counted_by: str = "",
         after: int = 0) -> Iterator[tuple[Any, ...]]:
    """All of a table, a part in memory at a time; of one whose column ``counted_by`` counts rows, those ``after``."""
    query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(table))
    if counted_by:
        query += sql.SQL(" WHERE {} > {}").format(sql.Identifier(counted_by), sql.Literal(after))
    with connection.cursor(name="pairwise_rows") as cursor:
        cursor.itersize = 5000
        cursor.execute(query)
        yield from cursor


def empty(connection: psycopg.Connection, names: Sequence[str]) -> None:
    """All rows away, in the present transaction; history lets itself be emptied for that moment."""
    kept = sql.Identifier(guard.TABLE), sql.Identifier(guard.NAME)
    if guard.TABLE in names:
        connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(*kept))
    if names:
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(
            sql.SQL(", ").join(map(sql.Identifier, names))))
    if guard.TABLE in names:
        connection.execute(sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(*kept))


def fill(connection: psycopg.Connection, table: str, names: Sequence[str], of: Iterator[Sequence[Any]]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names)))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in of:
            copy.write_row(row)


def count_on(connection: psycopg.Connection, table: str, last: int) -> None:
    """The next key of ``table`` is one that was never given away: ``last`` and those that are there were."""
    column, key = _key(connection, table), max(last, last_key(connection, table))
    if column and key > 0:
        connection.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [f'"{table}"', column, key])


def last_key(connection: psycopg.Connection, table: str) -> int:
    """The highest one that is there or was given away by the database itself; 0 where it gives none."""
    column = _key(connection, table)
    if not column:
        return 0
    given = connection.execute(
        "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(%s, %s)::regclass), 0)",
        [f'"{table}"', column]).fetchone()
    highest = connection.execute(sql.SQL("SELECT coalesce(max({}), 0) FROM {}").format(
        sql.Identifier(column), sql.Identifier(table))).fetchone()
    assert given is not None
    assert highest is not None
    return max(given[0], highest[0])


def _key(connection: psycopg.Connection, table: str) -> str:
    """The column whose values the database gives away; "" for none."""
    row = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = %s "
        "AND is_identity = 'YES'", [table]).fetchone()
    return row[0] if row else ""


# --- the mark ---------------------------------------------------------------------------------------------------

def mark_of(connection: psycopg.Connection) -> str:
    """"" when there is none."""
    if connection.execute("SELECT to_regclass(%s)", [MARK]).fetchone() == (None,):
        return ""
    row = connection.execute(sql.SQL("SELECT mark FROM {}").format(sql.Identifier(MARK))).fetchone()
    return row[0] if row else ""


def set_mark(addresses: Mapping[str, str], mark: str) -> None:
    """Raises Unfit."""
    for address in addresses.values():
        with opened(address) as connection:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(MARK)))
            connection.execute(sql.SQL("CREATE TABLE {} (mark text)").format(sql.Identifier(MARK)))
            connection.execute(sql.SQL("INSERT INTO {} VALUES (%s)").format(sql.Identifier(MARK)), [mark])


def remove_mark(addresses: Mapping[str, str]) -> None:
    """Raises Unfit."""
    for address in addresses.values():
        with opened(address) as connection:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(MARK)))
