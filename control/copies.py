"""What control writes into the Configuration Database, for pages to read: copies of what it knows, written afterwards.

Plain functions, run in a database thread. No decision waits for them. Those that write take the ``term`` in which their
control leads, and raise Deposed when one of a later term has written.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max

from provisioning.models import Application, CopyTerm, Event, Host, HostRuntime, PairState, RuntimeStatus
from provisioning.signals import announce

from . import facts
from .database import Deposed
from .lease import LEADER

EVENTS_KEPT = 200_000
"""The timeline keeps so many of the newest entries."""
EVENTS_A_TURN = 1000
"""Entries that are dropped in one transaction: others want to write too."""
_STATUS_FIELDS = [f.name for f in dataclasses.fields(facts.StatusRow) if f.name != "application_id"]
_HOST_FIELDS = [f.name for f in dataclasses.fields(facts.HostRow) if f.name != "host_id"]
_PAIR_FIELDS = [f.name for f in dataclasses.fields(facts.PairCopy) if f.name != "primary_id"]


@dataclasses.dataclass(frozen=True)
class Batch:
    """What is written in one transaction; ``topics`` are announced to open pages after it. ``heard_at``: when all who
    are connected were heard of, None when that is not to be written."""

    statuses: list[facts.StatusRow] = dataclasses.field(default_factory=list)
    hosts: list[facts.HostRow] = dataclasses.field(default_factory=list)
    pairs: list[facts.PairCopy] = dataclasses.field(default_factory=list)
    events: list[facts.EventRow] = dataclasses.field(default_factory=list)
    topics: list[str] = dataclasses.field(default_factory=list)
    heard_at: datetime | None = None

    def __len__(self) -> int:
        return len(self.statuses) + len(self.hosts) + len(self.pairs) + len(self.events)


def status_rows() -> list[facts.StatusRow]:
    rows = RuntimeStatus.objects.values("application_id", *_STATUS_FIELDS)
    return [facts.StatusRow(**{**row, "ports": tuple(row["ports"])}) for row in rows]


def host_rows() -> list[facts.HostRow]:
    return [facts.HostRow(**row) for row in HostRuntime.objects.values("host_id", *_HOST_FIELDS)]


def pair_rows() -> list[facts.PairCopy]:
    return [facts.PairCopy(**row) for row in PairState.objects.values("primary_id", *_PAIR_FIELDS)]


def begin(*, term: int) -> None:
    """From now on the control of ``term`` writes, to which nobody is connected yet."""
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
        events=[row for row in batch.events if (row.application_id is None or row.application_id in known)
                and (row.host_id is None or row.host_id in hosts)])


def _write(batch: Batch, term: int) -> None:
    with _writing(term):
        if batch.statuses:
            RuntimeStatus.objects.bulk_create(
                [RuntimeStatus(**_columns(row, ports=list(row.ports))) for row in batch.statuses],
                update_conflicts=True, unique_fields=["application"], update_fields=_STATUS_FIELDS, batch_size=200)
        if batch.hosts:
            HostRuntime.objects.bulk_create(
                [HostRuntime(**_columns(row)) for row in batch.hosts],
                update_conflicts=True, unique_fields=["host"], update_fields=_HOST_FIELDS, batch_size=200)
        if batch.pairs:
            PairState.objects.bulk_create(
                [PairState(**_columns(row)) for row in batch.pairs], update_conflicts=True, unique_fields=["primary"],
                update_fields=["active", *(name for name in _PAIR_FIELDS if name != "active_id")], batch_size=200)
        if batch.events:
            Event.objects.bulk_create([Event(**_columns(row)) for row in batch.events], batch_size=500)
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


def _columns(row, **changed) -> dict:
    return {f.name: getattr(row, f.name) for f in dataclasses.fields(row)} | changed


def prune_events(*, term: int) -> int:
    """Drop some of the oldest entries beyond EVENTS_KEPT; how many went."""
    with _writing(term):
        newest = Event.objects.aggregate(newest=Max("id"))["newest"] or 0
        oldest = Event.objects.filter(id__lte=newest - EVENTS_KEPT).order_by("id").values("id")[:EVENTS_A_TURN]
        deleted, _ = Event.objects.filter(id__in=oldest).delete()
    return deleted
