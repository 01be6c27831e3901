"""The one place where a job's state changes."""

from datetime import datetime

from django.utils import timezone

from provisioning.core import changes
from provisioning.models import Job
from provisioning.states import ACTIVE_JOBS, FINISHED_JOBS, JOB_TRANSITIONS, JobState, StepState

from .dispatch import topics


def move(job: Job, state: JobState, *, at: datetime | None = None, **fields) -> bool:
    """Move ``job`` to ``state`` and set ``fields`` with it; False (and nothing done) when JOB_TRANSITIONS does not
    allow it or somebody else moved the row first. A finished job's open steps are closed. ``job`` is updated."""
    if state not in JOB_TRANSITIONS[JobState(job.state)]:
        return False
    at = at or timezone.now()
    if state in (JobState.CLAIMED, JobState.RUNNING):
        # A broker that froze while it was handed the job may have taken it all the same.
        fields.update(reason="", advice="", started_at=job.started_at or at)
    if state in FINISHED_JOBS:
        fields["finished_at"] = at
    if not Job.objects.filter(pk=job.pk, state=job.state).update(state=state, **fields):
        return False
    for name, value in {"state": state, **fields}.items():
        setattr(job, name, value)
    if state in FINISHED_JOBS:
        _close_steps(job, state, at)
    changes.tell(*topics(job))
    return True


def _close_steps(job: Job, state: JobState, at: datetime) -> None:
    running = job.steps.filter(state=StepState.RUNNING)
    running.update(state=StepState.DONE if state == JobState.SUCCEEDED else StepState.FAILED, finished_at=at)
    job.steps.filter(state=StepState.WAITING).update(state=StepState.SKIPPED)


def is_active(job: Job) -> bool:
    return job.state in ACTIVE_JOBS
