"""What control's record of a pair and the copy that pages show have in common. It refers to no other table."""

from django.db import models


class Decided(models.Model):
    """What control decided. ``paused_*`` say who paused automatic failover, why and when; empty while it is on."""

    version = models.PositiveBigIntegerField(default=0)
    epoch = models.PositiveBigIntegerField(default=0)
    standby_in_sync = models.BooleanField(default=False)
    active_copy = models.CharField(max_length=32, blank=True)
    standby_copy = models.CharField(max_length=32, blank=True)
    automatic_failover = models.BooleanField(default=True)
    paused_by = models.CharField(max_length=150, blank=True)
    paused_reason = models.TextField(blank=True)
    paused_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    since = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self):
        return f"{self.pk}: epoch {self.epoch}"
