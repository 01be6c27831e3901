"""The timeline."""

from django.db.models import Q, QuerySet

from protocol.events import KINDS
from provisioning.models import Application, Event, Host
from provisioning.models.records import OF_REFUSALS
from provisioning.states import EventLevel, EventSource

from .called import named


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
