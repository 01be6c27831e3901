"""Moves jobs that nobody reports any more to lost, so that nothing is "running" for ever (design section 5.4)."""

import logging
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from provisioning.models import Job, JobReport
from provisioning.states import ACTIVE_JOBS, JobKind, JobState

from . import dispatch, reports, states

log = logging.getLogger(__name__)

CANCEL_ANSWER_S = 120
"""A host that goes on reporting a job for so long after it was asked to end it does not obey."""
NOT_SENT_AFTER_S = 10
"""A job that was not even tried to be handed over for so long: the process that should have died in between."""
_UNKNOWN = {
    JobKind.INSTALL: "It is not known whether the new installation is in place. Look at the application's directory, "
                     "or install again.",
    JobKind.START: "It is not known whether the server runs: its Status tells as soon as the host is connected.",
    JobKind.STOP: "It is not known whether the server has stopped: its Status tells as soon as the host is connected.",
    JobKind.CHECK_START_FILES: "Nothing was changed on the host.",
    JobKind.REPAIR_START_FILES: "It is not known whether the start files were written. Check them again.",
}


def reap(now: datetime | None = None) -> int:
    """Look at every active job once; returns how many were moved to lost."""
    now = now or timezone.now()
    lost = 0
    for key in list(Job.objects.filter(state__in=ACTIVE_JOBS).values_list("pk", flat=True)):
        with transaction.atomic():
            job = Job.objects.select_for_update().get(pk=key)
            lost += _look_at(job, now)
    JobReport.objects.exclude(job__state__in=[*ACTIVE_JOBS, JobState.LOST]).delete()
    return lost


def _look_at(job: Job, now: datetime) -> bool:
    if job.state == JobState.QUEUED:
        return _look_at_queued(job, now)
    if _older(_first_waiting(job), now, settings.JOB_LOST_AFTER_S):
        reports.skip_gap(job)
    if not states.is_active(job):
        return False
    heard = job.heard_at or job.started_at or job.created_at
    silent_s = (now - heard).total_seconds()
    if silent_s > settings.JOB_LOST_AFTER_S:
        return _lose(job, now, f"Host {job.host_name} has not reported for {silent_s:.0f} s. {_UNKNOWN[job.kind]}",
                     "Check that the agent of that host runs and reaches Redis, then press Retry.")
    if job.cancel_requested_at is not None:
        if _older(job.cancel_requested_at, now, CANCEL_ANSWER_S):
            return _lose(job, now, f"Host {job.host_name} was asked to end the job and did not within "
                                   f"{CANCEL_ANSWER_S} s. {_UNKNOWN[job.kind]}",
                         "Restart the agent of that host, then press Retry.")
        # The first request may have met a worker that was just starting.
        transaction.on_commit(lambda: dispatch.revoke(job, terminate=True))
    return False


def _look_at_queued(job: Job, now: datetime) -> bool:
    if job.host_id is None:
        return _lose(job, now, f"Host {job.host_name} was deleted before it took the job.", "")
    if job.enqueued_at is None:
        if not job.reason and _older(job.created_at, now, NOT_SENT_AFTER_S):
            Job.objects.filter(pk=job.pk, state=JobState.QUEUED, enqueued_at=None).update(
                reason=dispatch.NOT_HANDED_OVER, advice=dispatch.START_THE_BROKER)
        return False
    if _older(job.enqueued_at, now, settings.JOB_UNCLAIMED_AFTER_S):
        moved = _lose(job, now, f"No worker of host {job.host_name} took the job within "
                                f"{settings.JOB_UNCLAIMED_AFTER_S // 60} minutes. Nothing was done.",
                      "Start the agent of that host, then press Retry.")
        transaction.on_commit(lambda: dispatch.revoke(job, terminate=False))
        return moved
    return False


def _first_waiting(job: Job) -> datetime | None:
    waiting = job.waiting_reports.order_by("seq").first()
    return datetime.fromtimestamp(waiting.body["received"], UTC) if waiting else None


def _older(at: datetime | None, now: datetime, seconds: float) -> bool:
    return at is not None and now - at > timedelta(seconds=seconds)


def _lose(job: Job, now: datetime, reason: str, advice: str) -> bool:
    log.warning("job %s is lost: %s", job.pk, reason)
    return states.move(job, JobState.LOST, at=now, reason=reason, advice=advice)
