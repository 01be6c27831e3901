"""Rows by the name of an object, as people type it into a filter."""

from functools import reduce
from operator import or_

from django.db.models import Model, Q


def called(model: type[Model], text: str, *fields: str) -> Q:
    """Rows one of whose ``fields`` is ``text``, when that is the name of an object of ``model``; else those with
    ``text`` somewhere in one, whatever its case and accents. So MS_1 finds nothing of MS_10, and ms finds both."""
    how = "" if is_name(model, text) else "__holds"
    return reduce(or_, (Q(**{f"{field}{how}": text}) for field in fields))


def is_name(model: type[Model], text: str) -> bool:
    return model.objects.filter(name=text).exists()
