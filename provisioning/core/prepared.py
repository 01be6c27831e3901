"""Queries that are asked all the time, and only ever with another value: Django makes their SQL once. Making it takes
longer than what the database does for a few rows."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, QuerySet
from django.db.models.expressions import Expression
from django.db.models.fields import TextField
from django.db.models.sql.compiler import SQLCompiler


class Given(Expression):
    """Stands in a query for the value that it is asked with."""

    output_field = TextField()

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)


class Keys(Given):
    """As ``Given``, for ``__in``: any number of whole numbers, given as ``keys``. One value, so that the SQL is the
    same however many there are."""

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return "(SELECT value FROM json_each(%s))", (self,)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return "(SELECT value::bigint FROM json_array_elements_text(%s::json))", (self,)


def keys(numbers: Iterable[int]) -> str:
    return json.dumps(list(numbers))


class _Made(NamedTuple):
    sql: str
    values: tuple[Any, ...]
    converted: tuple[tuple[int, list[Callable[..., Any]], Any], ...]
    at_once: bool


class Prepared:
    """``make`` makes a query with ``values_list``, in which one ``Given`` may stand. That is done once for each
    database.

    ``at_once``: of SQLite all rows come as one, in no order, so that the interpreter's lock is let go once and not at
    each row, where every other thread takes it. For many rows without floating-point numbers and bytes."""

    def __init__(self, make: Callable[[], QuerySet], *, at_once: bool = False):
        self._make, self._at_once = make, at_once
        self._made: dict[str, _Made] = {}

    def rows(self, value: str | int | datetime = "") -> list[list[Any]]:
        """What the query finds with ``value``, with none where no ``Given`` stands in it."""
        alias = router.db_for_read(self._model)
        made = self._made.get(alias) or self._made.setdefault(
            alias, _made(self._make().using(alias), at_once=self._at_once))
        connection = connections[alias]
        given = connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
        with connection.cursor() as cursor:
            cursor.execute(made.sql, [given if isinstance(each, Given) else each for each in made.values])
            found = json.loads(cursor.fetchone()[0]) if made.at_once else [list(row) for row in cursor.fetchall()]
        for number, converters, expression in made.converted:
            for row in found:
                for convert in converters:
                    row[number] = convert(row[number], expression, connection)
        return found

    @cached_property
    def _model(self) -> type[Model]:
        return self._make().model


def _made(found: QuerySet, *, at_once: bool) -> _Made:
    # By a connection of its own, which is not opened: what is kept must not hold that of a thread that has ended.
    connection = connections.create_connection(found.db)
    compiler = found.query.get_compiler(connection=connection)
    sql, values = compiler.as_sql()
    converters = compiler.get_converters([expression for expression, _, _ in compiler.select])
    connection.close()
    at_once = at_once and connection.vendor == "sqlite"
    if at_once:
        sql = _at_once(sql, len(compiler.select))
    return _Made(sql, tuple(values), tuple(
        (number, [_quicker(each, connection) for each in functions], expression)
        for number, (functions, expression) in converters.items()), at_once)


def _at_once(sql: str, columns: int) -> str:
    """``sql`` of SQLite with its rows as one, which is JSON."""
    names = ", ".join(f"c{number}" for number in range(columns))
    return f"WITH found({names}) AS ({sql}) SELECT json_group_array(json_array({names})) FROM found"


def whole_numbers(found: QuerySet) -> list[Any]:
    """What a query with ``values_list(flat=True)`` of whole numbers finds, at once as ``Prepared`` has it."""
    connection = connections[found.db]
    if connection.vendor != "sqlite":
        return list(found)
    try:
        sql, values = found.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_at_once(sql, 1), values)
        return [number for number, in json.loads(cursor.fetchone()[0])]


def _quicker(convert: Callable[..., Any], connection: BaseDatabaseWrapper) -> Callable[..., Any]:
    """Of SQLite, times are in UTC. Django looks at each as if it might be of any time zone."""
    of_text = getattr(connection.ops, "convert_datetimefield_value", None)
    return _moment if connection.vendor == "sqlite" and convert == of_text else convert


def _moment(value: datetime | str | None, expression: Expression,
            connection: BaseDatabaseWrapper) -> datetime | None:
    if value is None:
        return None
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
