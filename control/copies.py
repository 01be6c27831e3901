"""What control writes into the Configuration Database, for pages to read: copies of what it knows, written afterwards.

Plain functions, run in a database thread. No decision waits for them. Those that write take the ``term`` in which their
control leads, and raise Deposed when one of a later term has written.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q, QuerySet

from provisioning.core.signals import announce
from provisioning.models import Application, CopyTerm, Event, Host, HostRuntime, PairState, RuntimeStatus
from provisioning.models.records import KEPT_APART
from provisioning.states import EventSource

from . import facts
from .database import Deposed
from .lease import LEADER
from .upsert import Update, Upsert

EVENTS_KEPT, ALARMS_KEPT = 200_000, 1000
"""The timeline keeps so many of the newest entries, and so many refusals and alarms of each application and host and of
none of them; what strangers caused who claim to be it counts by itself, and so does what happened to applications that
were deleted."""
EVENTS_A_TURN = 1000
"""Entries that are dropped in one transaction: others want to write too."""


def _names(row: type) -> list[str]:
    return [field.name for field in dataclasses.fields(row)]


_STATUSES = Upsert(RuntimeStatus, _names(facts.StatusRow), "application_id")
_COUNTERS = Update(RuntimeStatus, facts.COUNTERS, "application_id")
_HOSTS = Upsert(HostRuntime, _names(facts.HostRow), "host_id")
_PAIRS = Upsert(PairState, _names(facts.PairCopy), "primary_id")
_EVENTS = Upsert(Event, _names(facts.EventRow))


@dataclasses.dataclass(frozen=True)
class Batch:
    """What is written in one transaction; ``topics`` are announced to open pages after it. ``counted`` are rows that
    are there and have only moved their counters. ``heard_at``: when all who are connected were heard of, None when that
    is not to be written."""

    statuses: list[facts.StatusRow] = dataclasses.field(default_factory=list)
    counted: list[facts.StatusRow] = dataclasses.field(default_factory=list)
    hosts: list[facts.HostRow] = dataclasses.field(default_factory=list)
    pairs: list[facts.PairCopy] = dataclasses.field(default_factory=list)
    events: list[facts.EventRow] = dataclasses.field(default_factory=list)
    topics: list[str] = dataclasses.field(default_factory=list)
    heard_at: datetime | None = None

    def __len__(self) -> int:
        return len(self.statuses) + len(self.counted) + len(self.hosts) + len(self.pairs) + len(self.events)


def status_rows() -> list[facts.StatusRow]:
    rows = RuntimeStatus.objects.values(*_names(facts.StatusRow))
    return [facts.StatusRow(**{**row, "ports": tuple(row["ports"])}) for row in rows]


def host_rows() -> list[facts.HostRow]:
    return [facts.HostRow(**row) for row in HostRuntime.objects.values(*_names(facts.HostRow))]


def pair_rows() -> list[facts.PairCopy]:
    return [facts.PairCopy(**row) for row in PairState.objects.values(*_names(facts.PairCopy))]


def begin(*, term: int) -> None:
    """From now on the control of ``term`` writes; at first nobody is connected to it."""
    with transaction.atomic(durable=True):
        CopyTerm.objects.update_or_create(name=LEADER, defaults={"term": term})
        for runtime in (RuntimeStatus, HostRuntime):
            runtime.objects.filter(connected=True).update(connected=False)


def write(batch: Batch, *, term: int) -> None:
    """One transaction for everything that happened since the last one; then tell the pages. Raises Deposed."""
    try:
        _write(batch, term)
    except IntegrityError:
        # An object was deleted in between; what is about the others still counts.
        _write(_existing(batch), term)


def _existing(batch: Batch) -> Batch:
    known = set(Application.objects.values_list("id", flat=True))
    hosts = set(Host.objects.values_list("id", flat=True))
    return dataclasses.replace(
        batch, statuses=[row for row in batch.statuses if row.application_id in known],
        hosts=[row for row in batch.hosts if row.host_id in hosts],
        pairs=[row for row in batch.pairs
               if row.primary_id in known and (row.active_id is None or row.active_id in known)],
        events=[row for row in map(partial(_told, known, hosts), batch.events) if row])


def _told(known: set[int], hosts: set[int], row: facts.EventRow) -> facts.EventRow | None:
    """What happened to an application or a host that was deleted keeps its name; None for what nobody could tell any
    more what it was about."""
    told = dataclasses.replace(row, application_id=row.application_id if row.application_id in known else None,
                               host_id=row.host_id if row.host_id in hosts else None)
    was_about_one = row.application_id is not None or row.host_id is not None
    says = told.application_id or told.host_id or told.application_name or told.host_name
    return told if says or not was_about_one else None


def _write(batch: Batch, term: int) -> None:
    with _writing(term):
        _STATUSES.write(batch.statuses)
        _COUNTERS.write(batch.counted)
        _HOSTS.write(batch.hosts)
        _PAIRS.write(batch.pairs)
        _EVENTS.write(batch.events)
        if batch.heard_at is not None:
            for runtime in (RuntimeStatus, HostRuntime):
                runtime.objects.filter(connected=True).update(heard_at=batch.heard_at)
        announce(*batch.topics)


@contextlib.contextmanager
def _writing(term: int) -> Iterator[None]:
    """A transaction of the control of ``term``. Raises Deposed."""
    with transaction.atomic(durable=True):
        row, _ = CopyTerm.objects.select_for_update().get_or_create(name=LEADER, defaults={"term": term})
        if row.term > term:
            raise Deposed(f"this control does not lead any more: one of term {row.term} writes")
        if row.term < term:
            CopyTerm.objects.filter(name=LEADER).update(term=term)
        yield


def prune_events(*, term: int) -> int:
    """Drop some of the oldest entries beyond EVENTS_KEPT and ALARMS_KEPT; how many went."""
    newest = Event.objects.aggregate(newest=Max("id"))["newest"] or 0
    old = Event.objects.filter(id__lte=newest - EVENTS_KEPT).exclude(KEPT_APART).order_by("id")
    going = [*old.values_list("id", flat=True)[:EVENTS_A_TURN], *_crowded()][:EVENTS_A_TURN]
    with _writing(term):
        deleted, _ = Event.objects.filter(id__in=going).delete()
    return deleted


def _crowded() -> Iterator[int]:
    """Refusals and alarms of whoever has more than ALARMS_KEPT of them, the oldest of each."""
    apart = Event.objects.filter(KEPT_APART)
    of_stranger = Q(source=EventSource.STRANGER)
    of_deleted = Q(application=None) & ~Q(application_name="")
    for whose in (apart.filter(of_stranger), apart.filter(~of_stranger, of_deleted),
                  apart.exclude(of_stranger).exclude(of_deleted)):
        yield from _crowded_among(whose)


def _crowded_among(apart: QuerySet[Event]) -> Iterator[int]:
    groups = apart.order_by().values("application_id", "host_id").annotate(many=Count("id"))
    for group in groups.filter(many__gt=ALARMS_KEPT):
        own = apart.filter(application_id=group["application_id"], host_id=group["host_id"]).order_by("id")
        yield from own.values_list("id", flat=True)[:min(group["many"] - ALARMS_KEPT, EVENTS_A_TURN)]
