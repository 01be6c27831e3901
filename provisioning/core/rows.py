"""Rows found by a key that somebody named, or that may point to nothing."""

from typing import TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)


def with_key(rows: QuerySet[Row], key: int | None) -> Row | None:
    """The one of ``rows`` with this key; None when there is none, or no key."""
    return None if key is None else rows.filter(pk=key).first()


def without(rows: QuerySet[Row], key: int | None) -> QuerySet[Row]:
    """``rows`` but the one with this key; all of them when there is no key."""
    return rows if key is None else rows.exclude(pk=key)
