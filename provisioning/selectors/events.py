"""The timeline."""

from django.db.models import QuerySet

from provisioning.models import Event


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
