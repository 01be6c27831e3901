"""Moves jobs that nobody reports any more to lost, so that nothing is "running" for ever (design section 5.4)."""

import logging
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from provisioning.models import ComponentHeartbeat, Job, JobReport
from provisioning.states import ACTIVE_JOBS, JobKind, JobState

from . import dispatch, reports, states

log = logging.getLogger(__name__)

CANCEL_ANSWER_S = 120
"""A host that goes on reporting a job for so long after it was asked to end it does not obey."""
NOT_SENT_AFTER_S = 10
"""A job that was not even tried to be handed over for so long: the process that should have died in between."""
REAP_EVERY_S = 5.0
"""As in the schedule of console/celery.py."""
HANDED_AGAIN_EVERY_S = 10
"""How often a job that no host took, or of which none says anything, is looked for in the broker, and given to it
again when it is not there. A host that works on one says so every protocol.jobs.ALIVE_S."""
REAPER = "reaper"
DEAF_AFTER_S = 15
"""More than this between two looks: the console, its worker or the broker was away, and heard no host meanwhile."""
_UNKNOWN = {
    JobKind.INSTALL: "It is not known whether the new installation is in place. Look at the application's directory, "
                     "or install again.",
    JobKind.START: "It is not known whether the server runs: its Status tells as soon as the host is connected.",
    JobKind.STOP: "It is not known whether the server has stopped: its Status tells as soon as the host is connected.",
    JobKind.RESTART: "It is not known whether the server runs: its Status tells as soon as the host is connected.",
    JobKind.COLLECT_FACTS: "What is true there is not known.",
    JobKind.CHECK_START_FILES: "Nothing was changed on the host.",
    JobKind.REPAIR_START_FILES: "It is not known whether the start files were written. Check them again.",
    JobKind.MAKE_CERTIFICATES: "It is not known whether certificate and key were written. Make them again.",
}


def reap(now: datetime | None = None) -> int:
    """Look at every active job once; returns how many were moved to lost."""
    now = now or timezone.now()
    since = _hears_since(now)
    lost = 0
    for key in list(Job.objects.filter(state__in=ACTIVE_JOBS).values_list("pk", flat=True)):
        with transaction.atomic():
            job = Job.objects.select_for_update().get(pk=key)
            lost += _look_at(job, now, since)
    JobReport.objects.exclude(job__state__in=[*ACTIVE_JOBS, JobState.LOST]).delete()
    return lost


def hears_since(last: datetime | None, since: datetime, now: datetime) -> datetime:
    """Since when the console hears hosts without a gap; ``last`` and ``since``: its last look, and what that said."""
    return now if last is not None and _older(last, now, DEAF_AFTER_S) else since


def _hears_since(now: datetime) -> datetime:
    row = ComponentHeartbeat.objects.filter(name=REAPER).first()
    known = datetime.fromtimestamp(row.facts["since"], UTC) if row else datetime.fromtimestamp(0, UTC)
    since = hears_since(row.at if row else None, known, now)
    ComponentHeartbeat.objects.update_or_create(name=REAPER, defaults={
        "at": now, "facts": {"since": since.timestamp()}})
    return since


def _look_at(job: Job, now: datetime, since: datetime) -> bool:
    """``since``: what hosts said before may still be on its way (``hears_since``)."""
    if job.state == JobState.QUEUED:
        return _look_at_queued(job, now, since)
    if _older(_first_waiting(job), now, settings.JOB_LOST_AFTER_S):
        reports.skip_gap(job)
    if not states.is_active(job):
        return False
    heard = max(job.heard_at or job.started_at or job.created_at, since)
    silent_s = (now - heard).total_seconds()
    if silent_s > settings.JOB_LOST_AFTER_S:
        return _lose(job, now, f"Host {job.host_name} has not reported for {silent_s:.0f} s. {_UNKNOWN[job.kind]}",
                     "Check that the agent of that host runs and reaches Redis, then press Retry.")
    if _is_due_again(silent_s):
        transaction.on_commit(lambda: dispatch.hand_over_again(job.pk))
    if job.cancel_requested_at is not None:
        if _older(max(job.cancel_requested_at, since), now, CANCEL_ANSWER_S):
            return _lose(job, now, f"Host {job.host_name} was asked to end the job and did not within "
                                   f"{CANCEL_ANSWER_S} s. {_UNKNOWN[job.kind]}",
                         "Restart the agent of that host, then press Retry.")
        # The first request may have met a worker that was just starting.
        transaction.on_commit(lambda: dispatch.revoke(job, terminate=True))
    return False


def _look_at_queued(job: Job, now: datetime, since: datetime) -> bool:
    if job.host_id is None:
        return _lose(job, now, f"Host {job.host_name} was deleted before it took the job.", "")
    if job.enqueued_at is None:
        return _look_at_kept_back(job, now)
    minutes = settings.JOB_UNCLAIMED_AFTER_S // 60
    # A host that took it while the console was deaf is about to say so.
    deaf = not _older(since, now, settings.JOB_LOST_AFTER_S)
    if _older(job.enqueued_at, now, settings.JOB_UNCLAIMED_AFTER_S) and not deaf:
        moved = _lose(job, now, f"No worker of host {job.host_name} took the job within {minutes} minutes. Nothing was "
                                "done.", "Start the agent of that host, then press Retry.")
        transaction.on_commit(lambda: dispatch.revoke(job, terminate=False))
        return moved
    if _is_due_again((now - job.enqueued_at).total_seconds()):
        transaction.on_commit(lambda: dispatch.hand_over_again(job.pk))
    return False


def _look_at_kept_back(job: Job, now: datetime) -> bool:
    """A job that the broker did not take: it is handed over once the broker answers, unless too late."""
    if _older(job.created_at, now, settings.JOB_UNCLAIMED_AFTER_S):
        return _lose(job, now, "The broker could not be reached for "
                               f"{settings.JOB_UNCLAIMED_AFTER_S // 60} minutes after the job was asked for, so no "
                               "host has seen it. Nothing was done.", "Press Retry if it is still wanted.")
    if job.reason or _older(job.created_at, now, NOT_SENT_AFTER_S):
        transaction.on_commit(lambda: dispatch.hand_over(job.pk))
    return False


def _is_due_again(waits_s: float) -> bool:
    """True at about one look in HANDED_AGAIN_EVERY_S."""
    return waits_s >= HANDED_AGAIN_EVERY_S and waits_s % HANDED_AGAIN_EVERY_S < REAP_EVERY_S


def _first_waiting(job: Job) -> datetime | None:
    waiting = job.waiting_reports.order_by("seq").first()
    return datetime.fromtimestamp(waiting.body["received"], UTC) if waiting else None


def _older(at: datetime | None, now: datetime, seconds: float) -> bool:
    return at is not None and now - at > timedelta(seconds=seconds)


def _lose(job: Job, now: datetime, reason: str, advice: str) -> bool:
    log.warning("job %s is lost: %s", job.pk, reason)
    return states.move(job, JobState.LOST, at=now, reason=reason, advice=advice)
