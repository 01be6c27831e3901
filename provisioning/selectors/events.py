"""The timeline."""

from django.db.models import Q, QuerySet

from provisioning.models import Event, Host
from provisioning.states import EventLevel, EventSource


def refusals_of(host: Host, newest: int) -> QuerySet[Event]:
    """What was refused of this host, or of somebody who claimed to be it, newest first."""
    refused = Q(source=EventSource.REFUSED) | Q(source=EventSource.JOIN, level=EventLevel.ALARM)
    return Event.objects.filter(refused, host=host).order_by("-id")[:newest]


def event_list(*, application: str = "", host: str = "", level: str = "", number: int | None = None,
               text: str = "") -> QuerySet[Event]:
    """Events, newest first; ``application`` and ``host`` are names."""
    found = Event.objects.select_related("application", "host")
    if application:
        found = found.filter(application__name=application)
    if host:
        found = found.filter(host__name=host)
    if level:
        found = found.filter(level=level)
    if number is not None:
        found = found.filter(number=number)
    if text:
        found = found.filter(text__icontains=text)
    return found.order_by("-id")
