"""Queries that are asked all the time, and only ever with another value: Django makes their SQL once. Making it takes
longer than what the database does for a few rows."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

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


class Prepared:
    """``make`` makes a query with ``values_list``, in which one ``Given`` may stand. That is done once for each
    database."""

    def __init__(self, make: Callable[[], QuerySet]):
        self._make = make
        self._made: dict[str, _Made] = {}

    def rows(self, value: str | int | datetime = "") -> list[list[Any]]:
        """What the query finds with ``value``, with none where no ``Given`` stands in it."""
        alias = router.db_for_read(self._model)
        made = self._made.get(alias) or self._made.setdefault(alias, _made(self._make().using(alias)))
        connection = connections[alias]
        given = connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
        with connection.cursor() as cursor:
            cursor.execute(made.sql, [given if isinstance(each, Given) else each for each in made.values])
            found = [list(row) for row in cursor.fetchall()]
        for number, converters, expression in made.converted:
            for row in found:
                for convert in converters:
                    row[number] = convert(row[number], expression, connection)
        return found

    @cached_property
    def _model(self) -> type[Model]:
        return self._make().model


def _made(found: QuerySet) -> _Made:
    # By a connection of its own, which is not opened: what is kept must not hold that of a thread that has ended.
    connection = connections.create_connection(found.db)
    compiler = found.query.get_compiler(connection=connection)
    sql, values = compiler.as_sql()
    converters = compiler.get_converters([expression for expression, _, _ in compiler.select])
    connection.close()
    return _Made(sql, tuple(values), tuple((number, *converted) for number, converted in converters.items()))
