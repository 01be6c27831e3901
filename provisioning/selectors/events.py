"""The timeline."""

from django.db.models import Q, QuerySet

from protocol.events import KINDS
from provisioning.models import Event, Host
from provisioning.states import EventLevel, EventSource


def refusals_of(host: Host, newest: int) -> QuerySet[Event]:
    """What was refused of this host, or of somebody who claimed to be it, newest first."""
    refused = Q(source=EventSource.REFUSED) | Q(source=EventSource.JOIN, level=EventLevel.ALARM)
    return Event.objects.filter(refused, host=host).order_by("-id")[:newest]

OF_PAIR = (10327, 10328, *(number for number, kind in KINDS.items() if kind.of_pair))
"""Event numbers that control adds to the timelines of both members: role changes, what was asked for and what stood in
the way (control.narration)."""


def event_list(*, application: str = "", host: str = "", level: str = "", number: int | None = None,
               text: str = "") -> QuerySet[Event]:
    """Events, newest first; ``application`` and ``host`` are names. What concerns a whole pair stands in the timelines
    of both members and is told once, of its primary, unless one ``application`` is asked for."""
    found = Event.objects.select_related("application", "host")
    if application:
        found = found.filter(application__name=application)
    else:
        found = found.exclude(number__in=OF_PAIR, application__primary_server__isnull=False)
    if host:
        found = found.filter(host__name=host)
    if level:
        found = found.filter(level=level)
    if number is not None:
        found = found.filter(number=number)
    if text:
        found = found.filter(text__holds=text)
    return found.order_by("-id")
