"""Figures that are kept of one object."""

from collections.abc import Iterable

from provisioning.charts.facts import (
    DAY_S,
    EVERY_S,
    FIELDS,
    HOUR_S,
    LONG_S,
    Figures,
    Point,
    none_of,
    of_points,
)
from provisioning.charts.rules.blocks import SIZE, block_of
from provisioning.charts.rules.merging import joined, merged, within
from provisioning.charts.rules.packing import unpacked
from provisioning.logbook.models import Sample, Stretch

TOPIC = "figures"
"""What pages that show figures are told by."""
LENGTHS = {EVERY_S: HOUR_S, LONG_S: DAY_S}
"""{step: seconds of a row of Stretch}."""


def figures_of(kind: str, key: int, *, step: int, since: int, until: int) -> Figures:
    """In steps of EVERY_S or LONG_S, of [since, until). Raises DatabaseError."""
    # First: what is folded meanwhile is there twice then, and not missing.
    newest = _samples(kind, key, since // step * step, until)
    found = merged(kind, newest, step) if step != EVERY_S else newest
    rows = Stretch.objects.filter(kind=kind, object_id=key, step=step, begins__gt=since - LENGTHS[step],
                                  begins__lt=until)
    kept = _stretches(kind, step, rows.order_by("begins").values_list("begins", "figures"))
    return within(joined(found, kept), since // step * step, until)


def _samples(kind: str, key: int, since: int, until: int) -> Figures:
    rows = Sample.objects.filter(kind=kind, block=block_of(key), at__gte=since, at__lt=until).order_by("at")
    points = []
    for at, stored in rows.values_list("at", "figures"):
        if (point := _point(kind, key % SIZE, bytes(stored))) is not None:
            points.append((at, point))
    return of_points(kind, EVERY_S, points) if points else none_of(kind, EVERY_S)


def _point(kind: str, place: int, stored: bytes) -> Point | None:
    """None where the object is not in it, and for what cannot be read."""
    try:
        places, columns = unpacked(stored, len(FIELDS[kind]))
        row = places.index(place)
    except ValueError:
        return None
    return tuple(column[row] for column in columns)


def _stretches(kind: str, step: int, rows: Iterable[tuple[int, bytes | memoryview]]) -> Figures:
    """``rows``: (when it begins, what is stored), in the order of time; what cannot be read is left out."""
    times, columns = list[int](), [list[float]() for _ in FIELDS[kind]]
    for begins, stored in rows:
        try:
            places, found = unpacked(bytes(stored), len(FIELDS[kind]))
        except ValueError:
            continue
        times += [begins + place * step for place in places]
        for column, more in zip(columns, found, strict=True):
            column += more
    return Figures(step, times, {field.name: column for field, column in zip(FIELDS[kind], columns, strict=True)})
