"""What of the timeline and of History has not been published yet, and how far it was."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from protocol.log_records import LogRecord
from provisioning.core.prepared import Prepared
from provisioning.logbook.models import Published
from provisioning.logs.rules.published import of_entry, of_event
from provisioning.logs.selectors.pairs import default_pair, own_pairs
from provisioning.models import Event, HistoryEntry

AT_ONCE = 2000


@dataclass(frozen=True)
class Kind:
    """``rows`` in the order of ``field``, which grows, and its ``newest``; of those ``published`` leaves what is to
    be."""

    rows: Callable[[], QuerySet]
    newest: Prepared
    field: str
    record: Callable[..., LogRecord]
    published: Callable[[QuerySet], QuerySet] = lambda rows: rows


KINDS = {
    "event": Kind(lambda: Event.objects.select_related("application", "host"),
                  Prepared(lambda: Event.objects.order_by("-id").values_list("id")[:1]), "id", of_event,
                  lambda events: _not_elsewhere(events)),
    "history": Kind(HistoryEntry.objects.all,
                    Prepared(lambda: HistoryEntry.objects.order_by("-number").values_list("number")[:1]), "number",
                    of_entry),
}
"""A new kind of thing that is published is a row here."""


@dataclass(frozen=True)
class Unsent:
    """Records of one kind in order: each with the number that tells it apart, and with the ``dedup-id`` of whoever
    publishes it as well, "" where nobody does."""

    kind: str
    records: tuple[tuple[int, LogRecord, str], ...]


class Settled:
    """Of what was there at the look before: a transaction that began earlier and ended later is not passed by."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}
        self._passed: dict[str, int] = {}

    def unsent(self) -> list[Unsent]:
        """At most AT_ONCE of each kind. What was there before anything was ever published stays where it is."""
        self._passed.clear()
        return [found for name, kind in KINDS.items() if (found := self._of(name, kind)).records]

    def pass_by(self) -> None:
        """Nobody takes what is there now: it is never published."""
        for name, kind in KINDS.items():
            newest = _newest(kind)
            if newest == self._passed.get(name):
                continue
            self._newest[name] = newest
            if _position(name, newest) < newest:
                sent(name, newest)
            self._passed[name] = newest

    def _of(self, name: str, kind: Kind) -> Unsent:
        newest = _newest(kind)
        up_to, self._newest[name] = self._newest.get(name, 0), newest
        position = _position(name, newest)
        rows = kind.rows().filter(**{f"{kind.field}__gt": position, f"{kind.field}__lte": up_to})
        rows = kind.published(rows).order_by(kind.field)[:AT_ONCE]
        if position < up_to and not rows:
            # What is published elsewhere is passed by: it is not to come once that is over.
            sent(name, up_to)
        return Unsent(name, tuple((getattr(row, kind.field), kind.record(row), getattr(row, "once", ""))
                                  for row in rows))


def _not_elsewhere(events: QuerySet) -> QuerySet:
    """Without what servers publish by themselves to a pair of their own, from which it is read as well."""
    default = default_pair()
    elsewhere = [application for application, pair in own_pairs().items() if pair != default]
    return events.exclude(~Q(once=""), application__in=elsewhere) if elsewhere else events


def _newest(kind: Kind) -> int:
    return next((newest for newest, in kind.newest.rows()), 0)


def _position(name: str, newest: int) -> int:
    """How far it was: at ``newest`` when it was never asked before, or when it had been further than that, as an older
    Configuration Database was put back, which gives the numbers behind it away again."""
    row, _ = Published.objects.get_or_create(kind=name, defaults={"number": newest})
    if row.number > newest:
        row.number = newest
        row.save(update_fields=["number"])
    return row.number


def sent(kind: str, up_to: int) -> None:
    """All of ``kind`` up to this number is at the pair."""
    Published.objects.filter(kind=kind, number__lt=up_to).update(number=up_to)
