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

OF_NO_APPLICATION = models.Q(application=None, application_name="")
"""What was about a host, or about nothing: what happened to an application that was deleted is none of it."""


def is_kept_apart(event) -> bool:
    """``KEPT_APART`` of one event, stored or not."""
    return event.source in OF_REFUSALS or (event.level == EventLevel.ALARM and event.source not in OF_PEERS)


ONCE_CHARACTERS = 64


class Event(models.Model):
    """An entry of the timeline: what happened to an application or host, with its event number (domain.md 3.5).
    ``host`` of an application's entry is where it was then. Both are kept by the names that they had, too: an entry
    outlives them. ``once`` is the ``dedup-id`` with which its server publishes it by itself, "" where none does."""

    at = models.DateTimeField(db_index=True)
    number = models.PositiveIntegerField(default=0)
    level = models.CharField(max_length=12, choices=EventLevel, default=EventLevel.STANDARD)
    application = models.ForeignKey(Application, null=True, on_delete=models.SET_NULL, related_name="events")
    application_name = models.CharField(max_length=255, blank=True, default="")
    host = models.ForeignKey(Host, null=True, on_delete=models.SET_NULL, related_name="events")
    host_name = models.CharField(max_length=255, blank=True, default="")
    source = models.CharField(max_length=16, default="control")
    text = models.TextField()
    once = models.CharField(max_length=ONCE_CHARACTERS, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["application", "at"], name="event_of_application")]

    def __str__(self):
        return f"{written(self.number)} {self.text}".lstrip()

    def save(self, *args, **kwargs):
        """Control, which adds many at once, gives the names itself."""
        for name in ("application", "host"):
            if (about := getattr(self, name)) is not None and not getattr(self, f"{name}_name"):
                setattr(self, f"{name}_name", about.name)
        super().save(*args, **kwargs)

    @property
    def application_shown(self) -> str:
        """As the application is called now or, once it was deleted, was when this happened; "" for none."""
        return self.application.name if self.application else self.application_name

    @property
    def host_shown(self) -> str:
        """As ``application_shown``, of the host."""
        return self.host.name if self.host else self.host_name
