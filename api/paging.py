"""Lists in parts: ``limit`` rows at once, and a ``cursor`` from which the next part goes on. It names the last row by
what the list is ordered by (keyset), so a part far behind costs as much as the first one."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.http import HttpResponse
from pydantic import BaseModel, Field, TypeAdapter
from pydantic_core import to_json

from protocol.outside import read_json
from provisioning.core.prepared import whole_numbers
from provisioning.errors import NotFound
from provisioning.spelling import ordering

from .problems import Problem

USUAL, MOST = 50, 1000
WRONG_CURSOR = "This cursor is none that this list gave in this order. Begin again without it."
UNREADABLE = (ValueError, TypeError, OverflowError, ValidationError, DataError)
"""What a value raises that does not fit the column which it is compared with."""
Item = TypeVar("Item")
Sorts = Mapping[str, tuple[str, ...]]
Row = Mapping[str, Any] | BaseModel
Described = Callable[[list[Any]], Iterable[Row]]


class PageOf(BaseModel, Generic[Item]):
    """``next`` is the cursor of the next part, null after the last one; ``count`` is of all, where it was asked
    for."""

    items: list[Item]
    next: str | None = None
    count: int | None = None


class Page(BaseModel):
    """What may be asked of every list. Give it as ``page: Query[Page]``, and answer with ``page.of``."""

    limit: int = Field(USUAL, ge=1, le=MOST, description="So many rows at most.")
    cursor: str = Field("", max_length=4000, description="Where to go on: next of the part before.")
    count: bool = Field(False, description="Say how many rows there are in all.")
    fields: str = Field("", max_length=1000, description="Only these members of each row, with commas between them.")

    def of(self, rows: QuerySet[Any], described: Described, item: type[BaseModel], *, sort: str = "id",
           sorts: Sorts | None = None) -> HttpResponse:
        """The part of ``rows`` as an answer: ``described`` makes of a list of rows what ``item`` holds. ``sort`` is a
        key of ``sorts``, with "-" in front reversed, or "id". Raises Problem."""
        found, following = self._part(rows, _order(sort, sorts or {}), sort)
        return self.answer(described(found), item, following=following, count=rows.count if self.count else None)

    def of_plain(self, rows: QuerySet[Any], described: Callable[[list[Any]], list[dict[str, Any]]],
                 item: type[BaseModel], *, sort: str, sorts: Sorts) -> HttpResponse:
        """As ``of``, for a list that is asked for all the time: ``described`` makes exactly the members of ``item``,
        which a test holds, and not every answer anew."""
        found, following = self._part(rows, _order(sort, sorts), sort, _keys if sort in ("id", "-id") else list)
        wanted, items = self._wanted(item), described(found)
        part = {"items": [{key: row[key] for key in row if key in wanted} for row in items] if wanted else items,
                "next": following, "count": rows.count() if self.count else None}
        return HttpResponse(to_json(part), content_type="application/json")

    def after(self, rows: QuerySet[Any], described: Described, item: type[BaseModel], *, number: str,
              after: int) -> HttpResponse:
        """As ``of``, by a number that only grows: what comes after ``after``. ``next`` is the last number that was
        given, also after the last part: it goes on there when there is more."""
        found = list(rows.filter(**{f"{number}__gt": after}).order_by(number)[:self.limit])
        last = getattr(found[-1], number) if found else after
        return self.answer(described(found), item, following=str(last), count=rows.count if self.count else None)

    def answer(self, items: Iterable[Row], item: type[BaseModel], *, following: str | None,
               count: Callable[[], int] | None) -> HttpResponse:
        """A part as JSON, each of its ``items`` held against ``item``. Raises Problem."""
        wanted, (rows, part) = self._wanted(item), _adapters(item)
        found = rows.validate_python(list(items))
        body = part.dump_json(
            PageOf[item].model_construct(  # type: ignore[valid-type]
                items=found, next=following, count=count() if count else None),
            include={"items": {"__all__": wanted}, "next": True, "count": True} if wanted else None)
        return HttpResponse(body, content_type="application/json")

    def _wanted(self, item: type[BaseModel]) -> set[str]:
        names = {name.strip() for name in self.fields.split(",")} - {""}
        if unknown := names - item.model_fields.keys():
            raise Problem(422, f"{', '.join(sorted(unknown))}: no such members. There are "
                               f"{', '.join(item.model_fields)}.", field="fields")
        return names

    def _part(self, rows: QuerySet[Any], order: list[OrderBy], sort: str,
              read: Callable[[QuerySet[Any]], list[Any]] = list) -> tuple[list[Any], str | None]:
        keys = [f"key_{number}" for number in range(len(order))]
        columns = {key: each.expression for key, each in zip(keys, order, strict=True)}
        rows = rows.annotate(**columns)
        behind = self._values(sort, len(order)) if self.cursor else None
        by = [OrderBy(F(key), descending=each.descending, nulls_last=True)
              for key, each in zip(keys, order, strict=True)]
        try:
            rows = rows.filter(_behind(keys, order, behind)) if behind is not None else rows
            found = read(rows.order_by(*by)[:self.limit + 1])
        except UNREADABLE as error:
            if self.cursor:
                raise Problem(422, WRONG_CURSOR, field="cursor") from error
            raise
        more, found = len(found) > self.limit, found[:self.limit]
        return found, _written(sort, [_value(found[-1], key) for key in keys]) if more else None

    def _values(self, sort: str, many: int) -> list[Any]:
        """What the cursor says of the last row. Raises Problem."""
        try:
            padded = self.cursor + "=" * (-len(self.cursor) % 4)
            read = read_json(base64.b64decode(padded.encode(), altchars=b"-_", validate=True))
            named, values = read
        except (*UNREADABLE, RecursionError):
            named, values = None, None
        known = isinstance(values, list) and len(values) == many and all(
            value is None or isinstance(value, str | int | float) for value in values)
        if named != sort or not known or not isinstance(values, list):
            raise Problem(422, WRONG_CURSOR, field="cursor")
        return values


def _keys(rows: QuerySet[Any]) -> list[dict[str, int]]:
    """Of rows in the order of their keys, of which nothing else is read."""
    return [{"pk": number, "key_0": number} for number in whole_numbers(rows.values_list("pk", flat=True))]


def _value(row: Any, key: str) -> Any:
    return row[key] if isinstance(row, dict) else getattr(row, key)


@cache
def _adapters(item: type[BaseModel]) -> tuple[TypeAdapter[Any], TypeAdapter[Any]]:
    """Of the rows of a list, and of a part of it: made once, as it takes longer than what they do."""
    return TypeAdapter(list[item]), TypeAdapter(PageOf[item])  # type: ignore[valid-type]  # made at run time


def _order(sort: str, sorts: Sorts) -> list[OrderBy]:
    """What a list is ordered by; rows that are alike in it by their keys, so that none is there twice or missing."""
    key = OrderBy(F("pk"), descending=sort == "-id")
    if sort.removeprefix("-") == "id":
        return [key]
    if sort.removeprefix("-") not in sorts:
        raise Problem(422, f'A list is not ordered by "{sort[:60]}". Use one of {", ".join(("id", *sorts))}, with - in '
                           "front to reverse it.", field="sort")
    return [*ordering({"name": (), **sorts}, sort), key]


def _behind(keys: list[str], order: list[OrderBy], values: list[Any]) -> Q:
    """Rows behind the one that has ``values``."""
    found, alike = Q(pk__in=[]), Q()
    for key, each, value in zip(keys, order, values, strict=True):
        if value is not None:
            further = Q(**{f"{key}__{'lt' if each.descending else 'gt'}": value})
            found |= alike & (further | Q(**{f"{key}__isnull": True}))
            alike &= Q(**{key: value})
        else:
            alike &= Q(**{f"{key}__isnull": True})
    return found


def _written(sort: str, values: list[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, datetime) else
             value if value is None or isinstance(value, str | int | float) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps([sort, plain], separators=(",", ":")).encode()).decode().rstrip("=")


def by_id_or_name(key: str, get: Callable[[int], Item], find: Callable[[str], Item]) -> Item:
    """The object of this name; where there is none, and it is a number, the one with this id. Raises NotFound."""
    try:
        return find(key)
    except NotFound:
        if (number := id_of(key)) is not None:
            return get(number)
        raise


def id_of(key: str) -> int | None:
    """``key`` as an id; None where it is none."""
    return int(key) if key.isascii() and key.isdigit() and len(key) < 19 else None
