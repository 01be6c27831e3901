"""Rows by the name of an object, as people type it into a filter."""

from functools import reduce
from operator import or_

from django.db.models import Model, Q, QuerySet


def called(model: type[Model], text: str, *fields: str) -> Q:
    """Rows one of whose ``fields`` is ``text``, when that is the name of an object of ``model``; else those with
    ``text`` somewhere in one, whatever its case and accents. So MS_1 finds nothing of MS_10, and ms finds both."""
    how = "" if is_name(model, text) else "__holds"
    return reduce(or_, (Q(**{f"{field}{how}": text}) for field in fields))


def named(model: type[Model], text: str) -> QuerySet:
    """The objects of ``model`` that are ``called`` so, for ``__in``: names are compared once each, and not once for
    each row that points to them."""
    return model._default_manager.filter(called(model, text, "name")).order_by().values("pk")


def is_name(model: type[Model], text: str) -> bool:
    return model._default_manager.filter(name=text).exists()
