"""Log records, newest first, however many there are.

What an index answers is read from it at once. What every record has to be looked at for (a text, a part of a name, a
second condition) is looked for in slices of so many records, as long as there is time; then the search says how far it
looked, and goes on from there when it is asked to.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet

from provisioning.errors import NotFound
from provisioning.logbook.models import Record
from provisioning.logs.facts import Cursor, Query, driving, exact, moment

AT_ONCE = 100
SLICE = 20_000
"""Records that are looked at between two looks at the clock."""
LOOK_S = 0.7
"""So long a page searches."""


@dataclass(frozen=True)
class Found:
    """``rows``, newest first. ``next``: where older ones begin, None when there are none. ``looked_to``: the search has
    not come further back than this moment, None when it found as many as were asked for, or looked at all there are."""

    rows: list[Record]
    next: Cursor | None = None
    looked_to: Cursor | None = None

    @property
    def looked_back_to(self):
        return moment(self.looked_to.at) if self.looked_to else None


def find(query: Query, *, before: Cursor | None = None, most: int = AT_ONCE, within_s: float = LOOK_S,
         clock: Callable[[], float] = time.monotonic, whole: bool = False) -> Found:
    """The newest ``most`` records that ``query`` finds, older than ``before``. ``whole``: what it has are names, and no
    parts of names."""
    if query.members:
        names = [name for name in query.members if query.application.casefold() in name.casefold()]
        return merged([find(replace(query, members=(), application=name), before=before, most=most, clock=clock,
                            within_s=within_s / len(names), whole=True) for name in names], most)
    found, left = exact(query, application=whole or _is_whole("application", query.application),
                        host=(whole and not query.application) or _is_whole("host", query.host))
    first, others = driving(found)
    walked = _in_time(Record.objects.filter(**first), query)
    rest = Q(**others) & _rest(left)
    if not rest:
        return _ended(list(_older(walked, before)[:most + 1]), most)
    return _in_slices(walked, rest, before, most, clock, clock() + within_s)


def _in_slices(walked: QuerySet[Record], rest: Q, at: Cursor | None, most: int, clock: Callable[[], float],
               until: float) -> Found:
    rows: list[Record] = []
    while True:
        end = _older(walked, at).values_list("at", "id")[SLICE - 1:SLICE].first()
        part = _older(walked, at).filter(rest)
        if end is not None:
            # As below, so that an index answers it.
            part = part.filter(at__gte=end[0]).exclude(at=end[0], id__lt=end[1])
        rows += part[:most + 1 - len(rows)]
        if len(rows) > most or end is None:
            return _ended(rows, most)
        at = Cursor(*end)
        if clock() >= until:
            return Found(rows, at, at)


def merged(parts: Sequence[Found], most: int) -> Found:
    """What several searches found, as one. What is older than the place to which one of them has not looked waits for
    the next search."""
    looked_to = max((part.looked_to for part in parts if part.looked_to), default=None)
    begins = max((part.next for part in parts if part.next), default=None)
    rows = sorted((row for part in parts for row in part.rows), key=_place, reverse=True)
    if begins is not None:
        rows = [row for row in rows if _place(row) >= begins]
    if len(rows) > most:
        return Found(rows[:most], _place(rows[most - 1]))
    return Found(rows, begins, looked_to if begins == looked_to else None)


def _place(row: Record) -> Cursor:
    return Cursor(row.at, row.pk)


def _ended(rows: list[Record], most: int) -> Found:
    if len(rows) <= most:
        return Found(rows)
    return Found(rows[:most], _place(rows[most - 1]))


def _older(found: QuerySet[Record], than: Cursor | None) -> QuerySet[Record]:
    found = found.order_by("-at", "-id")
    if than is None:
        return found
    # In this form an index answers it in both databases; only records of the same millisecond are looked at in vain.
    return found.filter(at__lte=than.at).exclude(at=than.at, id__gte=than.id)


def _in_time(found: QuerySet[Record], query: Query) -> QuerySet[Record]:
    if query.since is not None:
        found = found.filter(at__gte=query.since)
    return found if query.until is None else found.filter(at__lt=query.until)


def _rest(query: Query) -> Q:
    found = Q()
    if query.category:
        found &= Q(category=query.category)
    for name in ("application", "host", "text"):
        if value := getattr(query, name):
            found &= Q(**{f"{name}__holds": value})
    return found


def _is_whole(field: str, text: str) -> bool:
    """Whether there are records that have just this: MS_1 is then not part of MS_10."""
    return bool(text) and Record.objects.filter(**{field: text}).exists()


def get_record(key: int) -> Record:
    """With its pair. Raises NotFound."""
    row = Record.objects.select_related("pair").filter(pk=key).first()
    if row is None:
        raise NotFound("This log record is not there any more: the oldest ones are removed.")
    return row


def are_there() -> bool:
    """Whether there is any record."""
    return Record.objects.exists()


def all_of(query: Query, most: int) -> Found:
    """As ``find``, for as long as it takes."""
    return find(query, most=most, within_s=math.inf)
