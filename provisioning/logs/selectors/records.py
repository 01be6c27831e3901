"""Log records, newest first, however many there are.

What one index answers is read from it at once. What every record has to be looked at for (a text, a part of a name, a
second condition) is looked for in slices of so many records, as long as there is time; then the search says how far it
looked, and goes on from there when it is asked to.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from provisioning.errors import NotFound
from provisioning.logbook.models import Record
from provisioning.logs.facts import Cursor, Query, exact, moment

AT_ONCE = 100
SLICE = 2000
"""Records that are looked at between two looks at the clock."""
LOOK_S, LOOK_ON_S = 0.1, 1.0
"""So long a page searches, so that it is there at once; and when somebody asks to search on."""


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


@dataclass(frozen=True)
class _Walk:
    """``rows`` are those that an index answers in their order; ``rest``: what each of them is looked at for."""

    rows: QuerySet[Record]
    rest: Q


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
    walks = _walks(found, query, _rest(left))
    if not walks[0].rest:
        return _ended(list(_older(walks[0].rows, before)[:most + 1]), most)
    return _in_slices(walks, before, most, clock, clock() + within_s)


def _walks(found: dict[str, str | int], query: Query, rest: Q) -> list[_Walk]:
    """All ways to the same records, one for each condition of ``found`` that has an index."""
    if not found:
        return [_Walk(_in_time(Record.objects.all(), query), rest)]
    return [_Walk(_in_time(Record.objects.filter(**{name: value}), query),
                  Q(*(_looked_at(other, found[other]) for other in found if other != name)) & rest)
            for name, value in found.items()]


def _looked_at(name: str, value: str | int) -> Exact:
    """That the column is so, written such that no database goes by its index: it does not know which index is best."""
    return Exact(Coalesce(F(name), Value(value)), value)


def _in_slices(walks: list[_Walk], at: Cursor | None, most: int, clock: Callable[[], float], until: float) -> Found:
    rows: list[Record] = []
    while True:
        walk, end = _longest(walks, at)
        part = _older(walk.rows, at).filter(walk.rest)
        if end is not None:
            # As below, so that an index answers it.
            part = part.filter(at__gte=end.at).exclude(at=end.at, id__lt=end.id)
        rows += part[:most + 1 - len(rows)]
        if len(rows) > most or end is None:
            return _ended(rows, most)
        at = end
        if clock() >= until:
            return Found(rows, at, at)


def _longest(walks: list[_Walk], at: Cursor | None) -> tuple[_Walk, Cursor | None]:
    """The way on which a slice reaches back furthest, as the fewest records are on it, and where the slice ends; None
    when it has all that is left."""
    ends = []
    for walk in walks:
        end = _older(walk.rows, at).values_list("at", "id")[SLICE - 1:SLICE].first()
        if end is None:
            return walk, None
        ends.append((end, walk))
    end, walk = min(ends, key=lambda pair: pair[0])
    return walk, Cursor(*end)


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


def newest(*, application: str, host: str = "", since: int, until: int) -> Iterator[Record]:
    """Records of an application, on a host unless that is "", each by its whole name, in [``since``, ``until``), Unix
    time in milliseconds; newest first, read as they are taken."""
    found = Record.objects.filter(application=application, **({"host": host} if host else {}))
    return _older(_in_time(found, Query(since=since, until=until)), None).iterator(chunk_size=AT_ONCE)


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
