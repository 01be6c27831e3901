"""The timeline."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from protocol.events import KINDS, Own, level_of
from provisioning.models import Application, Event, Host
from provisioning.models.records import OF_REFUSALS
from provisioning.states import EventLevel, EventSource

from .called import named


def of_console(number: Own, text: str, *, application_id: int | None = None, host_id: int | None = None,
               at: datetime | None = None) -> Event:
    """What the console itself tells, not stored yet."""
    return Event(at=at or timezone.now(), number=number, level=level_of(number), application_id=application_id,
                 host_id=host_id, source=EventSource.CONSOLE, text=text)


def last_of(numbers: Collection[Own]) -> int:
    """Which of ``numbers`` was told last, 0 for none."""
    return Event.objects.filter(number__in=numbers).order_by("-id").values_list("number", flat=True).first() or 0


def refusals_of(host: Host, newest: int) -> QuerySet[Event]:
    """What was refused of this host, or of somebody who claimed to be it, newest first."""
    refused = Q(source__in=OF_REFUSALS) | Q(source=EventSource.JOIN, level=EventLevel.ALARM)
    return Event.objects.filter(refused, host=host).order_by("-id")[:newest]


OF_PAIR = (10327, 10328, *(number for number, kind in KINDS.items() if kind.of_pair))
"""Event numbers that control adds to the timelines of both members: role changes, what was asked for and what stood in
the way (control.narration)."""


def event_list(*, application: str = "", host: str = "", level: str = "", number: int | None = None,
               text: str = "") -> QuerySet[Event]:
    """Events, newest first; ``application`` and ``host`` are names, or parts of names (``named``). What concerns a
    whole pair stands in the timelines of both members and is told once, of its primary, unless the backup alone is
    asked for."""
    found = Event.objects.select_related("application", "host").exclude(_twice(application))
    if application:
        found = found.filter(application__in=named(Application, application))
    if host:
        found = found.filter(host__in=named(Host, host))
    if level:
        found = found.filter(level=level)
    if number is not None:
        found = found.filter(number=number)
    if text:
        found = found.filter(text__holds=text)
    return found.order_by("-id")


def _twice(application: str) -> Q:
    """What a list of the events of ``application`` (a part of names, or "" for all) has of the primary already."""
    of_backup = Q(number__in=OF_PAIR, application__primary_server__isnull=False)
    if not application:
        return of_backup
    return of_backup & Q(application__primary_server__in=named(Application, application))
