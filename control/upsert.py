"""Many rows of one table by one prepared statement: what control writes of thousands of servers every second.

The ORM's own bulk_create makes the SQL of each value anew, which takes many times as long as the database does.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

_AS_THEY_ARE = (models.CharField, models.TextField, models.IntegerField, models.BooleanField, models.FloatField,
                models.ForeignKey)


class Upsert:
    """Rows of ``model`` from objects that have its ``names`` (as attributes of an instance) as attributes; columns that
    they do not name get the model's defaults when a row is new. ``key``: a row with the same one is replaced, "" for
    tables to which is only added."""

    def __init__(self, model: type[models.Model], names: Sequence[str], key: str = ""):
        fields = {field.attname: field for field in model._meta.concrete_fields}
        self._named = [(name, fields[name], not isinstance(fields[name], _AS_THEY_ARE)) for name in names]
        self._rest = [field for name, field in fields.items()
                      if name not in names and not isinstance(field, models.AutoField)]
        self._model, self._key = model, key and fields[key].column

    def write(self, rows: Iterable[object]) -> None:
        """In the transaction that is open. Raises DatabaseError."""
        connection = connections[router.db_for_write(self._model)]
        defaults = [field.get_db_prep_save(field.get_default(), connection) for field in self._rest]
        values = [[*self._values(row, connection), *defaults] for row in rows]
        if values:
            with connection.cursor() as cursor:
                cursor.executemany(self._statement(connection.ops.quote_name), values)

    def _values(self, row: object, connection: BaseDatabaseWrapper) -> list[Any]:
        return [field.get_db_prep_save(getattr(row, name), connection) if changes else getattr(row, name)
                for name, field, changes in self._named]

    def _columns(self, quote: Callable[[str], str]) -> list[str]:
        return [quote(_column(field)) for _, field, _ in self._named]

    def _statement(self, quote: Callable[[str], str]) -> str:
        columns = self._columns(quote)
        every = [*columns, *(quote(_column(field)) for field in self._rest)]
        places = ", ".join(["%s"] * len(every))
        made = f"INSERT INTO {quote(self._model._meta.db_table)} ({', '.join(every)}) VALUES ({places})"
        if not self._key:
            return made
        key = quote(self._key)
        changes = ", ".join(f"{column} = excluded.{column}" for column in columns if column != key)
        return f"{made} ON CONFLICT ({key}) DO UPDATE SET {changes}"


class Update(Upsert):
    """Only of rows that are there already, and only what ``names`` names; one that is not there is no error."""

    def __init__(self, model: type[models.Model], names: Sequence[str], key: str):
        super().__init__(model, [*names, key], key)
        self._rest = []

    def _statement(self, quote: Callable[[str], str]) -> str:
        *columns, key = self._columns(quote)
        changes = ", ".join(f"{column} = %s" for column in columns)
        return f"UPDATE {quote(self._model._meta.db_table)} SET {changes} WHERE {key} = %s"


def _column(field: "models.Field[Any, Any]") -> str:
    """Raises ValueError for a field that has none, which no concrete field is."""
    if field.column is None:
        raise ValueError(f"{field.name} is kept in no column")
    return field.column
