"""Queries that are asked all the time, and only ever with another value: Django makes their SQL once. Making it takes
longer than what the database does for a few rows."""

import json
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, NamedTuple

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.db.models.expressions import Expression
from django.db.models.fields import TextField
from django.db.models.sql.compiler import SQLCompiler


class Given(Expression):
    """Stands in a query for the value that it is asked with."""

    output_field = TextField()

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        return "%s", [self]


class Keys(Given):
    """As ``Given``, for ``__in``: any number of whole numbers, given as ``keys``. One value, so that the SQL is the
    same however many there are."""

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        return "(SELECT value FROM json_each(%s))", [self]

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        return "(SELECT value::bigint FROM json_array_elements_text(%s::json))", [self]


def keys(numbers: Iterable[int]) -> str:
    return json.dumps(list(numbers))


class _Made(NamedTuple):
    alias: str
    sql: str
    values: tuple[Any, ...]
    converted: tuple[tuple[int, list[Callable[..., Any]], Any], ...]


class Prepared:
    """``made`` makes a query with ``values_list``, in which one ``Given`` stands; that is done at the first use."""

    def __init__(self, made: Callable[[], QuerySet]):
        self._query = made

    def rows(self, value: str) -> list[list[Any]]:
        """What the query finds with ``value``."""
        made = self._made
        connection = connections[made.alias]
        with connection.cursor() as cursor:
            cursor.execute(made.sql, [value if isinstance(each, Given) else each for each in made.values])
            found = [list(row) for row in cursor.fetchall()]
        for number, converters, expression in made.converted:
            for row in found:
                for convert in converters:
                    row[number] = convert(row[number], expression, connection)
        return found

    @cached_property
    def _made(self) -> _Made:
        found = self._query()
        # Of its own: what is kept must not hold the connection of a thread that has ended.
        connection = connections.create_connection(found.db)
        try:
            compiler = found.query.get_compiler(connection=connection)
            sql, values = compiler.as_sql()
            converters = compiler.get_converters([expression for expression, _, _ in compiler.select])
        finally:
            connection.close()
        return _Made(found.db, sql, tuple(values), tuple(
            (number, *converted) for number, converted in converters.items()))
