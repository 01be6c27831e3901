from django.conf import settings
from django.db import models

from provisioning.states import EventLevel, HistoryAction

from .applications import Application
from .hosts import Host


class Event(models.Model):
    """An entry of the timeline: what happened to an application or host, with its event number (domain.md 3.5)."""

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
        return f"{self.number:05d} {self.text}"


class HistoryEntry(models.Model):
    """Who changed what, when, from where and why; full snapshots with secrets masked. Only ever added."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    user_name = models.CharField(max_length=150)
    origin = models.CharField(max_length=64, blank=True, help_text="Address or command the change came from.")
    request_id = models.CharField(max_length=36, blank=True, db_index=True)
    action = models.CharField(max_length=12, choices=HistoryAction)
    object_type = models.CharField(max_length=32)
    object_id = models.CharField(max_length=64)
    object_name = models.CharField(max_length=255)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["object_type", "object_id"])]

    def __str__(self):
        return f"{self.action} {self.object_type} {self.object_name}"
