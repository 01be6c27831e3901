"""Log records as they are written: each once, together with how far they were read; and removed when they are old."""

from collections.abc import Iterator, Sequence

from django.db import connections, transaction
from django.db.models import F, Max, Min, Q

from provisioning.logbook.models import ALIAS, Followed, Record
from provisioning.logs.rules.messages import Position, Row

TRIM_FIRST, TRIM_GROWS, TRIM_AT_ONCE = 50, 4, 1000
"""Records of the first transaction, how many times as many the next one takes, and most of one. What a record has in
each index lies on a page of its own, which is read from the disk, one after the other, while the table is locked."""
TRIM_TURN = 2000
"""As many as the reader writes in a transaction of its own, so who takes turns with it keeps up with it."""
_COLUMNS = ("pair_id", *Row._fields)
_INSERT = (f"INSERT INTO {Record._meta.db_table} ({', '.join(_COLUMNS)}) "
           f"VALUES ({', '.join(['%s'] * len(_COLUMNS))})")
_COUNT = (f"{_INSERT} ON CONFLICT (pair_id, seq, epoch) DO UPDATE SET text = excluded.text "
          f"WHERE {Record._meta.db_table}.event = excluded.event")


class Moved(Exception):
    """Somebody else wrote what this reader was about to write, and went on from there."""


def followed(*, application_id: int, identity: str, name: str) -> Followed:
    """How far the records of this pair were read."""
    row, _ = Followed.objects.get_or_create(application_id=application_id, identity=identity, defaults={"name": name})
    if row.name != name:
        Followed.objects.filter(pk=row.pk).update(name=name)
        row.name = name
    return row


def keep(pair: Followed, rows: Sequence[Row], to: Position, *, counts: Sequence[Row] = (), unreadable: int = 0) -> int:
    """Write ``rows``, in their order, and that ``pair`` was read up to ``to``; how many of them were not there before.
    ``counts`` are written, too, or their texts where they are there (``rules/storms.py``). Raises Moved when somebody
    else moved ``pair`` meanwhile: nothing is written then."""
    with transaction.atomic(using=ALIAS):
        # First: of two readers one waits here, and then finds that the other was faster.
        _move(pair, to, unreadable)
        new = _new(pair, rows)
        for sql, written in ((_INSERT, new), (_COUNT, counts)):
            if written:
                with connections[ALIAS].cursor() as cursor:
                    cursor.executemany(sql, [(pair.pk, *row) for row in written])
    pair.epoch, pair.seq, pair.moves = to.epoch, to.seq, pair.moves + 1
    return len(new) + len(counts)


def begin_again(pair: Followed) -> None:
    """Have the whole log of ``pair`` read once more; what is there stays and is not written twice. Raises Moved."""
    keep(pair, (), Position())


def _move(pair: Followed, to: Position, unreadable: int) -> None:
    moved = Followed.objects.filter(pk=pair.pk, moves=pair.moves).update(
        epoch=to.epoch, seq=to.seq, moves=F("moves") + 1, unreadable=F("unreadable") + unreadable)
    if not moved:
        raise Moved


def _new(pair: Followed, rows: Sequence[Row]) -> list[Row]:
    """Those that are not there: a log that is read again, from its beginning, brings many that are."""
    if not rows:
        return []
    there = Record.objects.filter(pair=pair, seq__range=(rows[0].seq, rows[-1].seq))
    known = set(there.values_list("epoch", "seq"))
    return [row for row in rows if (row.epoch, row.seq) not in known] if known else list(rows)


def trim(*, received_before: int, most: int, at_once: int = TRIM_FIRST) -> int:
    """Remove some of the oldest records that were received before that time (milliseconds) or that are more than
    ``most``; how many. What is left is for the next turn: the reader has to get in between. ``at_once``: of the first
    transaction; who goes on takes TRIM_AT_ONCE."""
    return sum(trim_parts(received_before, most, at_once))


def trim_parts(received_before: int, most: int, at_once: int) -> Iterator[int]:
    """The transactions of ``trim``: how many records each has removed."""
    left = TRIM_TURN
    while left:
        size = min(at_once, left)
        removed = _trim_part(received_before, most, size)
        yield removed
        if removed < size:
            return
        left, at_once = left - size, min(at_once * TRIM_GROWS, TRIM_AT_ONCE)


def _trim_part(received_before: int, most: int, at_once: int) -> int:
    newest = Record.objects.aggregate(newest=Max("id"))["newest"]
    oldest = Record.objects.aggregate(oldest=Min("id"))["oldest"]
    if oldest is None:
        return 0
    with transaction.atomic(using=ALIAS):
        removed, _ = Record.objects.filter(id__range=(oldest, oldest + at_once - 1)).filter(
            Q(received__lt=received_before) | Q(id__lte=newest - most)).delete()
    return removed
