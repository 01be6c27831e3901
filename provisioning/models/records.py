from django.db import models

from protocol.events import written
from provisioning.states import EventLevel, EventSource

from .applications import Application
from .hosts import Host

OF_PEERS = ("server", "agent")
"""Sources of what a server or an agent says itself, whatever level it gives it."""
OF_REFUSALS = (EventSource.REFUSED, EventSource.STRANGER)
KEPT_APART = models.Q(source__in=OF_REFUSALS) | models.Q(level=EventLevel.ALARM) & ~models.Q(source__in=OF_PEERS)
"""Refusals and the console's own alarms: a flood of others does not push them out of the timeline."""


def is_kept_apart(event) -> bool:
    """``KEPT_APART`` of one event, stored or not."""
    return event.source in OF_REFUSALS or (event.level == EventLevel.ALARM and event.source not in OF_PEERS)


class Event(models.Model):
    """An entry of the timeline: what happened to an application or host, with its event number (domain.md 3.5).
    ``host`` of an application's entry is where it was then."""

    at = models.DateTimeField(db_index=True)
    number = models.PositiveIntegerField(default=0)
    level = models.CharField(max_length=12, choices=EventLevel, default=EventLevel.STANDARD)
    application = models.ForeignKey(Application, null=True, on_delete=models.CASCADE, related_name="events")
    host = models.ForeignKey(Host, null=True, on_delete=models.CASCADE, related_name="events")
    source = models.CharField(max_length=16, default="control")
    text = models.TextField()

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"{written(self.number)} {self.text}".lstrip()
