"""Figures as they are written: one row a block every few seconds, folded once an hour, removed when they are old."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import Q

from provisioning.charts.facts import (
    DAY_S,
    EVERY_S,
    FIELDS,
    FINE_KEPT_S,
    HOUR_S,
    LONG_KEPT_S,
    LONG_S,
    Figures,
    Point,
    of_points,
)
from provisioning.charts.rules.blocks import SIZE, in_blocks, keys_of
from provisioning.charts.rules.merging import joined, merged
from provisioning.charts.rules.minutes import MINUTES, went_on
from provisioning.charts.rules.packing import packed, unpacked
from provisioning.logbook.models import ALIAS, LastHour, Recording, Sample, Stretch

HOLDS_S, AHEAD_S = 30, 60
"""Who recorded nothing for so long is not waited for; a time that is so far ahead is of a clock that was wrong."""
TRIMMED_AT_ONCE = 500
_ONLY = 1


def record(kinds: Mapping[str, Mapping[int, Point]], *, at: int, holder: str) -> bool:
    """Write ``kinds`` ({kind: {object: its figures}}) of the moment ``at``; False where another process records."""
    rows = [Sample(kind=kind, block=block, at=at, figures=figures)
            for kind, points in kinds.items() for block, figures in in_blocks(dict(points)).items()]
    with transaction.atomic(using=ALIAS):
        if not _is_ours(at, holder):
            return False
        Sample.objects.bulk_create(rows, ignore_conflicts=True)
    return True


def _is_ours(at: int, holder: str) -> bool:
    """Of several that ask at the same time one waits here, and then finds that the other was faster."""
    mine = Q(holder=holder, at__lt=at) | Q(at__lt=at - HOLDS_S) | Q(at__gt=at + AHEAD_S)
    if Recording.objects.filter(mine, pk=_ONLY).update(holder=holder, at=at):
        return True
    _, made = Recording.objects.get_or_create(pk=_ONLY, defaults={"holder": holder, "at": at})
    return made


def keep_minute(rates: Mapping[int, float], minute: int) -> None:
    """``rates``: {server: messages acknowledged a second} in the minute that ended with ``minute``."""
    blocks: defaultdict[int, dict[int, float]] = defaultdict(dict)
    for key, rate in rates.items():
        blocks[key // SIZE][key % SIZE] = rate
    there = {row.block: row for row in LastHour.objects.all()}
    rows, gone = [], []
    for block in {*blocks, *there}:
        row = there.get(block)
        hours = {} if row is None else _hours(row)
        found = went_on(hours, minute - row.minute if row else 1, blocks.get(block, {}))
        if found:
            rows.append(LastHour(block=block, minute=minute, figures=packed(
                list(found), list(zip(*found.values(), strict=True)))))
        else:
            gone.append(block)
    with transaction.atomic(using=ALIAS):
        LastHour.objects.bulk_create(rows, update_conflicts=True, unique_fields=["block"],
                                     update_fields=["minute", "figures"])
        if gone:
            LastHour.objects.filter(block__in=gone).delete()


def _hours(row: LastHour) -> dict[int, tuple[float, ...]]:
    keys, columns = unpacked(bytes(row.figures), MINUTES)
    return dict(zip(keys, zip(*columns, strict=True), strict=True))


def fold(now: int) -> bool:
    """Fold one hour of one block that has ended; False when there is none."""
    first = Sample.objects.filter(at__lt=now // HOUR_S * HOUR_S).order_by("at", "id").first()
    if first is None:
        return False
    hour = first.at // HOUR_S * HOUR_S
    samples = Sample.objects.filter(kind=first.kind, block=first.block, at__gte=hour, at__lt=hour + HOUR_S)
    found = _by_object(first.kind, first.block, samples.order_by("at"))
    day = hour // DAY_S * DAY_S
    longer = _joined(first.kind, {key: merged(first.kind, each, LONG_S) for key, each in found.items()}, LONG_S, day)
    # After a clock was put back an hour is recorded, and folded, once more.
    found = _joined(first.kind, found, EVERY_S, hour)
    rows = [row_of(first.kind, key, begins, each)
            for begins, part in ((hour, found), (day, longer)) for key, each in part.items()]
    with transaction.atomic(using=ALIAS):
        Stretch.objects.bulk_create(rows, update_conflicts=True, update_fields=["figures"],
                                    unique_fields=["kind", "object_id", "step", "begins"])
        samples.delete()
    return True


def _by_object(kind: str, block: int, samples: Iterable[Sample]) -> dict[int, Figures]:
    """{object: its figures} of samples in the order of time; what cannot be read is left out."""
    points: defaultdict[int, list[tuple[int, Point]]] = defaultdict(list)
    for sample in samples:
        try:
            places, columns = unpacked(bytes(sample.figures), len(FIELDS[kind]))
        except ValueError:
            continue
        for key, point in zip(keys_of(block, places), zip(*columns, strict=True), strict=True):
            points[key].append((sample.at, point))
    return {key: of_points(kind, EVERY_S, rows) for key, rows in points.items()}


def _joined(kind: str, found: dict[int, Figures], step: int, begins: int) -> dict[int, Figures]:
    """{object: its hour or day, which ``begins`` then}: what is stored of it, with what is ``found`` now."""
    stored = {row.object_id: figures for row in Stretch.objects.filter(
        kind=kind, object_id__in=list(found), step=step, begins=begins) if (figures := of_row(row)) is not None}
    return {key: joined(stored[key], each) if key in stored else each for key, each in found.items()}


def of_row(row: Stretch) -> Figures | None:
    """None for what cannot be read."""
    try:
        places, columns = unpacked(bytes(row.figures), len(FIELDS[row.kind]))
    except ValueError:
        return None
    names, times = (field.name for field in FIELDS[row.kind]), [row.begins + place * row.step for place in places]
    return Figures(row.step, times, dict(zip(names, columns, strict=True)))


def row_of(kind: str, key: int, begins: int, figures: Figures) -> Stretch:
    places = [(at - begins) // figures.step for at in figures.times]
    columns = [figures.columns[field.name] for field in FIELDS[kind]]
    return Stretch(kind=kind, object_id=key, step=figures.step, begins=begins, figures=packed(places, columns))


def trim(now: int) -> int:
    """Remove some of what is kept for long enough; how many rows."""
    for step, kept_s, length_s in ((EVERY_S, FINE_KEPT_S, HOUR_S), (LONG_S, LONG_KEPT_S, DAY_S)):
        old = Stretch.objects.filter(step=step, begins__lt=now - kept_s - length_s).order_by("begins")
        if keys := list(old.values_list("pk", flat=True)[:TRIMMED_AT_ONCE]):
            Stretch.objects.filter(pk__in=keys).delete()
            return len(keys)
    return 0
