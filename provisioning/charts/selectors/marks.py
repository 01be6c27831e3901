"""What happened to an object that its charts mark: role changes, changes of its configuration, jobs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from protocol.events import Own
from provisioning.charts.facts import HOST
from provisioning.core.text import closed
from provisioning.models import Application, Event, HistoryEntry, Host, Job
from provisioning.states import HistoryAction

ROLE, CONFIGURATION, JOB = "role", "configuration", "job"
LABELS = {ROLE: "Role change", CONFIGURATION: "Configuration", JOB: "Job"}
MOST = 50
"""Marks of each kind."""
AROUND = timedelta(minutes=2)
_CHANGES = (HistoryAction.CREATED, HistoryAction.CHANGED)


@dataclass(frozen=True)
class Mark:
    kind: str
    at: datetime
    text: str
    address: str

    @property
    def label(self) -> str:
        return LABELS[self.kind]


@dataclass(frozen=True)
class Marks:
    """Newest first. ``cut``: there are more of some kind than are shown."""

    rows: list[Mark]
    cut: bool


def marks_of(rows: Sequence[Application] | Sequence[Host], since: datetime, until: datetime) -> Marks:
    """Of all applications, or hosts, that a page shows charts of."""
    found = [list(_newest(query, at, since, until, mark)) for query, at, mark in _sources(rows)]
    shown = [mark for marks in found for mark in marks[:MOST]]
    return Marks(sorted(shown, key=lambda mark: mark.at, reverse=True), any(len(marks) > MOST for marks in found))


def _newest(query: QuerySet[Any], at: str, since: datetime, until: datetime,
            mark: Callable[[Any], Mark]) -> Iterator[Mark]:
    within = query.filter(**{f"{at}__gte": since, f"{at}__lt": until})
    return map(mark, within.order_by(f"-{at}")[:MOST + 1])


def _sources(rows: Sequence[Application] | Sequence[Host]) -> Iterator[tuple[QuerySet[Any], str,
                                                                              Callable[[Any], Mark]]]:
    keys = [row.pk for row in rows]
    is_host = isinstance(rows[0], Host)
    kind = HOST if is_host else "application"
    yield HistoryEntry.objects.filter(object_type=kind, object_id__in=[str(key) for key in keys],
                                      action__in=_CHANGES), "at", _of_entry
    yield Job.objects.filter(Q(host__in=keys) if is_host else Q(application__in=keys)), "created_at", _of_job
    if not is_host:
        # What concerns a pair stands in the timelines of both members.
        yield Event.objects.filter(application=keys[0], number=Own.ROLE_CHANGED), "at", _of_event


def _of_entry(row: HistoryEntry) -> Mark:
    said = f"{row.object_name}: {row.get_action_display().lower()} by {row.user_name or 'the console'}"
    return Mark(CONFIGURATION, row.at, " ".join(closed(text) for text in (said, row.reason) if text),
                reverse("history-entry", args=[row.number]))


def _of_job(row: Job) -> Mark:
    about = row.application_name or row.host_name
    return Mark(JOB, row.created_at, closed(f"{row.get_kind_display()} {about}: {row.get_state_display().lower()}"),
                reverse("job-detail", args=[row.pk]))


def _of_event(row: Event) -> Mark:
    since, until = (f"{timezone.localtime(at):%Y-%m-%dT%H:%M}" for at in (row.at - AROUND, row.at + AROUND))
    return Mark(ROLE, row.at, row.text, reverse("event-list", query={
        "application": row.application_shown, "since": since, "until": until}))
