import secrets

from django.db import models

from provisioning.states import DrillPhase, DrillState, StepState

from .applications import Application


def new_key() -> str:
    """Names a drill at the Message Servers: never the same, also in a database that was put back."""
    return secrets.token_hex(8)


class Drill(models.Model):
    """A failover drill of a pair, from its start to its report.

    ``preflight`` are the conditions that were looked at: [{code, label, state, sentence, advice, necessary}].
    ``figures`` are those of ``drills.rules.figures.Figures``; empty before the probe load. ``served_before`` and
    ``serves_now`` name members. ``limit_s`` is how long each wait may take.
    """

    primary = models.ForeignKey(Application, null=True, on_delete=models.SET_NULL, related_name="drills")
    primary_name = models.CharField(max_length=255)
    backup_name = models.CharField(max_length=255)
    key = models.CharField(max_length=32, default=new_key, editable=False)
    state = models.CharField(max_length=12, choices=DrillState, default=DrillState.RUNNING)
    asked_by = models.CharField(max_length=150)
    scheduled = models.BooleanField(default=False)
    limit_s = models.PositiveSmallIntegerField(default=60)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    cancel_requested_by = models.CharField(max_length=150, blank=True)
    preflight = models.JSONField(default=list, blank=True)
    figures = models.JSONField(default=dict, blank=True)
    served_before = models.CharField(max_length=255, blank=True)
    serves_now = models.CharField(max_length=255, blank=True)
    switched_back = models.BooleanField(default=False)
    sentence = models.TextField(blank=True)
    advice = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="one_running_drill", fields=["state"],
                                    condition=models.Q(state=DrillState.RUNNING)),
        ]

    def __str__(self):
        return f"Failover drill {self.pk}"

    @property
    def is_running(self) -> bool:
        return self.state == DrillState.RUNNING


class DrillStep(models.Model):
    """One phase of a drill. ``took_ms``: of a switch, what control says that it took."""

    drill = models.ForeignKey(Drill, on_delete=models.CASCADE, related_name="steps")
    number = models.PositiveSmallIntegerField()
    phase = models.CharField(max_length=16, choices=DrillPhase)
    state = models.CharField(max_length=8, choices=StepState, default=StepState.WAITING)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    sentence = models.TextField(blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(name="drill_step_number", fields=["drill", "number"])]

    def __str__(self):
        return self.get_phase_display()


class DrillSchedule(models.Model):
    """When drills of a pair start by themselves: every ``every_days`` days at ``at`` (UTC), or later until ``until``
    when something stood in the way. ``note`` says why the last one that was due did not start."""

    primary = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="drill_schedule",
                                   primary_key=True)
    enabled = models.BooleanField(default=True)
    every_days = models.PositiveSmallIntegerField(default=7)
    at = models.TimeField()
    until = models.TimeField()
    set_by = models.CharField(max_length=150)
    set_at = models.DateTimeField()
    last_started_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)
    note_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"{self.primary_id}: every {self.every_days} days at {self.at:%H:%M} UTC"
