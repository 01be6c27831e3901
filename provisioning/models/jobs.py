import uuid

from django.db import models

from provisioning.errors import Link
from provisioning.states import ACTIVE_JOBS, JobKind, JobState, StepState

from .applications import Application
from .hosts import Host


class Job(models.Model):
    """Work on a host, for one application; looks on the host are for all of them and have none.
    ``id`` is the idempotency key and the Celery task id; ``batch`` is the same for jobs that were asked for together
    and for what tries them again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=32, choices=JobKind)
    state = models.CharField(max_length=12, choices=JobState, default=JobState.QUEUED)
    application = models.ForeignKey(Application, null=True, on_delete=models.SET_NULL, related_name="jobs")
    application_name = models.CharField(max_length=255)
    host = models.ForeignKey(Host, null=True, on_delete=models.SET_NULL, related_name="jobs")
    host_name = models.CharField(max_length=255)
    arguments = models.JSONField(default=dict)
    result = models.JSONField(default=dict, blank=True)
    reason = models.TextField(blank=True)
    advice = models.TextField(blank=True)
    reference = models.CharField(max_length=64, blank=True)
    worker = models.CharField(max_length=255, blank=True)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    enqueued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.CharField(max_length=150, blank=True)
    last_seq = models.PositiveIntegerField(default=0)
    retry_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="retries")
    batch = models.UUIDField(null=True, blank=True, db_index=True, editable=False)

    has_waiting: bool
    """Of a row that is read to take a report in (``jobs.worker.reports``)."""

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["application", "created_at"], name="job_of_application")]
        constraints = [
            models.UniqueConstraint(name="one_active_job_per_application", fields=["application"],
                                    condition=models.Q(state__in=sorted(ACTIVE_JOBS))),
            models.UniqueConstraint(name="one_active_look_per_host", fields=["host"], condition=models.Q(
                state__in=sorted(ACTIVE_JOBS), kind=JobKind.COLLECT_FACTS)),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.application_name or self.host_name}"

    @property
    def link(self) -> Link:
        """By which a refusal names it."""
        return Link("job", str(self.pk), str(self))

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_JOBS

    @property
    def is_waiting_for_broker(self) -> bool:
        """The broker did not take it, so no host has seen it."""
        return self.state == JobState.QUEUED and self.enqueued_at is None


class JobStep(models.Model):
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="steps")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=128)
    state = models.CharField(max_length=8, choices=StepState, default=StepState.WAITING)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(name="job_step_number", fields=["job", "number"])]

    def __str__(self):
        return self.name


class JobLine(models.Model):
    """A line of a job's log; ``number`` counts from 1 within the job, so a page resumes by offset."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    level = models.CharField(max_length=8, default="info")
    text = models.TextField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(name="job_line_number", fields=["job", "number"])]

    def __str__(self):
        return self.text


class JobReport(models.Model):
    """A report that arrived before the one ahead of it; applied and removed once its turn comes."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="waiting_reports")
    seq = models.PositiveIntegerField()
    body = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(name="job_report_seq", fields=["job", "seq"])]

    def __str__(self):
        return f"{self.job_id} {self.seq}"
