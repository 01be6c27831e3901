"""What is true now. Written by control only, except ComponentHeartbeat (each process its own row)."""

from django.db import models
from django.utils import timezone

from provisioning.record.columns import Decided
from provisioning.states import ApplicationStatus, HostStatus, Mode, SyncLink

from .applications import Application
from .hosts import Host


class RuntimeStatus(models.Model):
    """Live state of one application. No row means: control has never heard of it (Stopped when not installed,
    Unknown otherwise)."""

    application = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="runtime", primary_key=True)
    status = models.CharField(max_length=24, choices=ApplicationStatus, default=ApplicationStatus.UNKNOWN)
    mode = models.CharField(max_length=8, choices=Mode, blank=True)
    reason = models.TextField(blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    pid = models.PositiveIntegerField(default=0)
    by_hand = models.BooleanField(default=False)
    account = models.CharField(max_length=64, blank=True, help_text="OS account that the server runs as.")
    restarts = models.PositiveIntegerField(default=0)
    version = models.CharField(max_length=32, blank=True)
    first_seq = models.PositiveBigIntegerField(default=0, help_text="First record that is kept; 0 when not known.")
    first_digest = models.CharField(max_length=64, blank=True, help_text="Running digest before first_seq.")
    last_seq = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    clients = models.PositiveIntegerField(default=0)
    ports = models.JSONField(default=list, blank=True)
    link = models.CharField(max_length=12, choices=SyncLink, blank=True)
    link_reason = models.TextField(blank=True)
    common_seq = models.PositiveBigIntegerField(default=0, help_text="Last record that both members have.")
    common_digest = models.CharField(max_length=64, blank=True, help_text="Running digest at common_seq here.")
    discarded = models.PositiveBigIntegerField(default=0, help_text="Records of a divergent tail put aside.")
    copy = models.CharField(max_length=32, blank=True, help_text="Name of the store; one made anew has another.")
    clock_offset_s = models.FloatField(null=True, help_text="Seconds that the server's clock is ahead of control's.")
    acknowledged = models.PositiveBigIntegerField(default=0, help_text="Messages, since the start of its process.")
    delivered = models.PositiveBigIntegerField(default=0, help_text="To subscribers, since the start of its process.")
    latencies = models.JSONField(default=list, blank=True, help_text="Of acknowledgements: counts by LATENCIES_MS.")
    waiting_bytes = models.PositiveBigIntegerField(default=0, help_text="Accepted, not acknowledged yet.")
    disk_free = models.PositiveBigIntegerField(default=0, help_text="Bytes on the disk of its messages.")
    disk_total = models.PositiveBigIntegerField(default=0, help_text="Bytes of that disk; 0 when not known.")
    started_at = models.DateTimeField(null=True)
    served_until = models.DateTimeField(null=True, help_text="When it ceased to serve; none while it serves.")
    changed_at = models.DateTimeField(null=True)
    connected = models.BooleanField(default=False, help_text="Heard of as long as control shows signs of life.")
    heard_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"{self.application_id}: {self.status}"


class HostRuntime(models.Model):
    """Live state of one host, from its agent."""

    host = models.OneToOneField(Host, on_delete=models.CASCADE, related_name="runtime", primary_key=True)
    status = models.CharField(max_length=16, choices=HostStatus, default=HostStatus.UNKNOWN)
    reason = models.TextField(blank=True)
    agent_version = models.CharField(max_length=32, blank=True)
    agent_pid = models.PositiveIntegerField(default=0)
    worker_alive = models.BooleanField(default=False)
    facts = models.JSONField(default=dict, blank=True)
    changed_at = models.DateTimeField(null=True)
    connected = models.BooleanField(default=False, help_text="Heard of as long as control shows signs of life.")
    heard_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"{self.host_id}: {self.status}"


class PairState(Decided):
    """What control's record says of a pair, or of a single server (``record.models.PairRecord``), as pages show it.

    A copy that control writes after the record: nobody decides by it. ``disputed``: an older record was put back and
    contradicts a member, or might; then nobody counts as in sync.
    """

    primary = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="pair_state", primary_key=True)
    active = models.ForeignKey(Application, null=True, on_delete=models.SET_NULL, related_name="+")
    disputed = models.BooleanField(default=False)


class CopyTerm(models.Model):
    """The term of the control that wrote these tables last: one of an earlier term may not write over it."""

    name = models.CharField(max_length=16, primary_key=True)
    term = models.PositiveBigIntegerField(default=0)

    def __str__(self):
        return f"term {self.term}"


class ComponentHeartbeat(models.Model):
    """Last sign of life of a console component: console-worker, beat. Control's own is in its record."""

    name = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField()
    facts = models.JSONField(default=dict, blank=True)

    def __str__(self):
        return self.name

    @classmethod
    def show(cls, *names, at=None, **facts):
        """A sign of life of each of ``names``, now unless ``at`` says when. Nearly always a single statement."""
        shown = {"at": at or timezone.now(), "facts": facts}
        if cls.objects.filter(name__in=names).update(**shown) < len(names):
            for name in names:
                cls.objects.update_or_create(name=name, defaults=shown)
