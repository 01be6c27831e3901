"""How people compare texts, whatever the database: MS_2 before MS_10, a.b beside A.b, Äpfel beside Apfel.

``plain`` and ``sort_key`` are the declaration. SQLite calls them; PostgreSQL is given the same in its own words, and a
test holds both against each other. So a list has one order and a search one answer wherever the Configuration Database
is.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, TypeVar, overload

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import CharField, F, Func, Model, Q, QuerySet, TextField
from django.db.models.expressions import OrderBy
from django.db.models.lookups import Contains
from django.db.models.sql.compiler import SQLCompiler

MARKS = r"[\u0300-\u036f]"
"""Accents and the like once they stand apart from their letters; for Python and PostgreSQL alike."""
LETTERS = {"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ı": "i", "ς": "σ"}
PAIRS = {"ß": "ss", "æ": "ae", "œ": "oe"}
DIGITS = 20
"""Numbers in names are compared by value up to so many digits."""
Sql = tuple[str, tuple[str | int, ...]]
"""A piece of SQL and its parameters."""
Rows = TypeVar("Rows", bound=QuerySet[Model, Any])
_MARKS, _LETTERS = re.compile(MARKS), str.maketrans(LETTERS | PAIRS)
_NUMBER, _FILLED = re.compile("([0-9]+)"), re.compile(f"0*([0-9]{{{DIGITS},}})")


def plain(text: str | None) -> str | None:
    """``text`` without the difference between upper and lower case and without accents; None for None."""
    if text is None:
        return None
    text = str(text)
    if text.isascii():
        return text.lower()
    return _MARKS.sub("", unicodedata.normalize("NFKD", text).lower()).translate(_LETTERS)


@overload
def sort_key(text: str) -> str: ...


@overload
def sort_key(text: str | None) -> str | None: ...


def sort_key(text: str | None) -> str | None:
    """What orders names by code points as people order them: plain, and numbers by their value; None for None."""
    text = plain(text)
    return text and _FILLED.sub(r"\1", _NUMBER.sub("0" * DIGITS + r"\1", text))


class _Spelled(Func):
    """``python`` is what SQLite calls; ``postgresql`` the same in SQL, of ``{0}``."""

    arity = 1
    output_field = TextField()
    python: Any = None
    postgresql = ""

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        return self.as_sql(compiler, connection, function=f"pairwise_{self.python.__name__}", **context)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        sql, params = compiler.compile(self.get_source_expressions()[0])
        return self.postgresql.format(sql), params


def _plain_sql() -> str:
    sql = f"""regexp_replace(lower(normalize(({{0}})::text, NFKD) COLLATE "und-x-icu"), '{MARKS}', '', 'g')"""
    for letter, letters in PAIRS.items():
        sql = f"replace({sql}, '{letter}', '{letters}')"
    return f"translate({sql}, '{''.join(LETTERS)}', '{''.join(LETTERS.values())}')"


class Plain(_Spelled):
    """``plain`` of a field, in the database."""

    python = staticmethod(plain)
    postgresql = _plain_sql()


class SortKey(_Spelled):
    """``sort_key`` of a field, in the database."""

    python = staticmethod(sort_key)
    postgresql = (f"regexp_replace(regexp_replace({_plain_sql()}, '([0-9]+)', '{'0' * DIGITS}\\1', 'g'), "
                  f"""'0*([0-9]{{{{{DIGITS},}}}})', '\\1', 'g') COLLATE "C\"""")


def by_name(field: str) -> list[OrderBy]:
    """For ``order_by``: by this field as people order names, rows without one last; equal ones by code points."""
    return _by(field, natural=True)


def before(found: Rows, field: str, text: str) -> Rows:
    """Those of ``found`` that come before ``text`` in the order ``by_name(field)``."""
    key = sort_key(text)
    return found.alias(spelled=SortKey(field)).filter(Q(spelled__lt=key) | Q(spelled=key, **{f"{field}__lt": text}))


def _by(field: str, *, natural: bool, descending: bool = False) -> list[OrderBy]:
    found: list[SortKey | F] = [SortKey(field), F(field)] if natural else [F(field)]
    return [each.desc(nulls_last=True) if descending else each.asc(nulls_last=True) for each in found]


NATURAL = frozenset({"version", "ip_address", "runtime__agent_version"})
"""Fields besides names that are ordered like them."""


def ordering(sorts: Mapping[str, tuple[str, ...]], sort: str) -> list[OrderBy]:
    """For ``order_by``: what ``sort`` means, a key of ``sorts`` ({key: fields}), with "-" in front reversed; "name" for
    anything else. Rows without a value come last."""
    fields, descending = sorts.get(sort.removeprefix("-"), sorts["name"]), sort.startswith("-")
    found = []
    for number, field in enumerate(fields):
        natural = field in NATURAL or field.rpartition("__")[2] == "name"
        found += _by(field, natural=natural, descending=descending and not number)
    return found


class Holds(Contains):
    """``name__holds=text``: the text is somewhere in it, whatever its case and accents."""

    def __init__(self, lhs: Any, rhs: str | None):
        super().__init__(Plain(lhs), plain(rhs))


for _field in (CharField, TextField):
    _field.register_lookup(Holds, "holds")


def _teach(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "sqlite":
        for function in (plain, sort_key):
            connection.connection.create_function(f"pairwise_{function.__name__}", 1, function, deterministic=True)


connection_created.connect(_teach, dispatch_uid="provisioning.spelling")
