"""Moves jobs that nobody reports any more to lost, so that nothing is "running" for ever (ADR 2)."""

import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import FloatField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast
from django.utils import timezone

from provisioning.core import ages, changes
from provisioning.core.log_context import about_job
from provisioning.core.prepared import Prepared
from provisioning.jobs.kinds import KINDS
from provisioning.jobs.selectors.awaited import REAPER, SILENT
from provisioning.models import ComponentHeartbeat, Job, JobReport
from provisioning.states import ACTIVE_JOBS, JobState
from provisioning.turns import delete_in_turns, write_in_turns

from . import dispatch, reports, silence, states

log = logging.getLogger(__name__)

CANCEL_ANSWER_S = 120
"""A host that goes on reporting a job for so long after it was asked to end it does not obey."""
NOT_SENT_AFTER_S = 10
"""A job that was not even tried to be handed over for so long: the process that should have died in between."""
REAP_EVERY_S = 5.0
HANDED_AGAIN_EVERY_S = 10
"""How often a job that no host took, or of which none says anything, is looked for in the broker, and given to it
again when it is not there. A host that works on one says so every protocol.jobs.ALIVE_S."""


@dataclass(frozen=True)
class JobVerdict:
    """What is to be done about an active job. ``lost``: the reason and the advice with which it is given up; ``gap``:
    first give up on reports that are missing, and look again; ``asks``: what the broker is asked for then."""

    lost: tuple[str, str] | None = None
    gap: bool = False
    asks: tuple[Callable[[Job], object], ...] = ()


def _ended_reports() -> QuerySet[JobReport]:
    """Of jobs that take none any more."""
    return JobReport.objects.exclude(job__state__in=[*ACTIVE_JOBS, JobState.LOST])


_ENDED_REPORTS = Prepared(lambda: _ended_reports().order_by().values_list("pk")[:1])


def reap(now: datetime | None = None) -> int:
    """Look at every active job once; returns how many were moved to lost."""
    now = now or timezone.now()
    since = _hears_since(now)
    jobs = list(Job.objects.filter(state__in=ACTIVE_JOBS))
    waiting = _first_waiting(jobs)
    due = []
    for job in jobs:
        found = judge(job, now, since, waiting.get(job.pk))
        if found.lost or found.gap:
            due.append(job.pk)
        else:
            _ask(job, found)
    lost = sum(write_in_turns(due, lambda keys: sum(_settle(key, now, since) for key in keys)))
    for key in waiting.keys() & set(due):
        reports.catch_up(key)
    if _ENDED_REPORTS.rows():
        delete_in_turns(_ended_reports())
    _note_silence(jobs, now)
    return lost


def _note_silence(jobs: Iterable[Job], now: datetime) -> None:
    """Ask the hosts that take none of their jobs, and keep which of them do not answer: people are told why they
    wait."""
    facts = ComponentHeartbeat.objects.get(name=REAPER).facts
    known = facts.get(SILENT, {})
    found = silence.look(jobs, known, now)
    if found != known:
        ComponentHeartbeat.objects.filter(name=REAPER).update(facts=facts | {SILENT: found})
        turned = found.keys() ^ known.keys()
        changes.tell(*{topic for job in jobs if job.host_name in turned for topic in dispatch.topics(job)})


@about_job
def _settle(key: uuid.UUID, now: datetime, since: datetime) -> bool:
    """Do what is due to one job, as it is by now; True when it was moved to lost."""
    job = Job.objects.select_for_update().get(pk=key)
    if not states.is_active(job):
        return False
    found = judge(job, now, since, _first_waiting([job]).get(key))
    if found.gap:
        reports.skip_gap(job)
        if not states.is_active(job) or reports.is_behind(job):
            return False
        found = judge(job, now, since)
    transaction.on_commit(lambda: _ask(job, found))
    return found.lost is not None and _lose(job, now, *found.lost)


@about_job
def _ask(job: Job, found: JobVerdict) -> None:
    for ask in found.asks:
        ask(job)


def hears_since(last: datetime | None, since: datetime, now: datetime) -> datetime:
    """Since when the console hears hosts without a gap; ``last`` and ``since``: its last look, and what that said."""
    return now if last is not None and now - last > ages.LOOK_AT_JOBS else since


def _hears_since(now: datetime) -> datetime:
    row = ComponentHeartbeat.objects.filter(name=REAPER).first()
    known = datetime.fromtimestamp(row.facts["since"], UTC) if row else datetime.fromtimestamp(0, UTC)
    since = hears_since(row.at if row else None, known, now)
    facts = (row.facts if row else {}) | {"since": since.timestamp()}
    ComponentHeartbeat.show(REAPER, at=now, **facts)
    return since


def judge(job: Job, now: datetime, since: datetime, first_waiting: datetime | None = None) -> JobVerdict:
    """``since``: what hosts said before may still be on its way (``hears_since``); ``first_waiting``: since when a
    report waits for one that is missing. Pure."""
    if job.state == JobState.QUEUED:
        return _judge_queued(job, now, since)
    if _older(first_waiting, now, settings.JOB_LOST_AFTER_S):
        return JobVerdict(gap=True)
    heard = max(job.heard_at or job.started_at or job.created_at, since)
    silent_s = (now - heard).total_seconds()
    if silent_s > settings.JOB_LOST_AFTER_S:
        return JobVerdict(lost=(f"Host {job.host_name} has not reported for {silent_s:.0f} s. {_unknown(job)}",
                                "Check that the agent of that host runs and reaches Redis, then press Retry."))
    again = (_give_it_again,) if _is_due_again(silent_s) else ()
    if job.cancel_requested_at is None:
        return JobVerdict(asks=again)
    if _older(max(job.cancel_requested_at, since), now, CANCEL_ANSWER_S):
        return JobVerdict(lost=(
            f"Host {job.host_name} was asked to end the job and did not within {CANCEL_ANSWER_S} s. "
            f"{_unknown(job)}", "Restart the agent of that host, then press Retry."))
    # The first request may have met a worker that was just starting.
    return JobVerdict(asks=(*again, _end_it))


def _judge_queued(job: Job, now: datetime, since: datetime) -> JobVerdict:
    if job.host_id is None:
        return JobVerdict(lost=(f"Host {job.host_name} was deleted before it took the job.", ""))
    if job.enqueued_at is None:
        return _judge_kept_back(job, now)
    minutes = settings.JOB_UNCLAIMED_AFTER_S // 60
    # A host that took it while the console was deaf is about to say so.
    deaf = not _older(since, now, settings.JOB_LOST_AFTER_S)
    if _older(job.enqueued_at, now, settings.JOB_UNCLAIMED_AFTER_S) and not deaf:
        return JobVerdict(asks=(_forget_it,), lost=(
            f"No worker of host {job.host_name} took the job within {minutes} minutes. Nothing was done.",
            "Start the agent of that host, then press Retry."))
    again = _is_due_again((now - job.enqueued_at).total_seconds())
    return JobVerdict(asks=(_give_it_again,) if again else ())


def _judge_kept_back(job: Job, now: datetime) -> JobVerdict:
    """A job that the broker did not take: it is sent once the broker answers, unless too late."""
    if _older(job.created_at, now, settings.JOB_UNCLAIMED_AFTER_S):
        return JobVerdict(lost=(
            f"The broker could not be reached for {settings.JOB_UNCLAIMED_AFTER_S // 60} minutes after the job was "
            "asked for, so no host has seen it. Nothing was done.", "Press Retry if it is still wanted."))
    return JobVerdict(asks=(_hand_it_over,) if job.reason or _older(job.created_at, now, NOT_SENT_AFTER_S) else ())


def _unknown(job: Job) -> str:
    kind = KINDS[job.kind]
    return kind.told(kind.lost, job)


def _end_it(job: Job) -> bool:
    return dispatch.revoke(job, terminate=True)


def _forget_it(job: Job) -> bool:
    return dispatch.revoke(job, terminate=False)


def _give_it_again(job: Job) -> bool:
    return dispatch.hand_over_again(job.pk)


def _hand_it_over(job: Job) -> bool:
    return dispatch.hand_over(job.pk)


def _is_due_again(waits_s: float) -> bool:
    """True at about one look in HANDED_AGAIN_EVERY_S."""
    return waits_s >= HANDED_AGAIN_EVERY_S and waits_s % HANDED_AGAIN_EVERY_S < REAP_EVERY_S


def _first_waiting(jobs: Iterable[Job]) -> dict[uuid.UUID, datetime]:
    """{job: when the first of its reports arrived that wait for one that is missing}."""
    # What they say is not read: it may be megabytes of each job, at every look.
    first = JobReport.objects.filter(job=OuterRef("pk")).order_by("seq").values(
        at=Cast("body__received", FloatField()))[:1]
    rows = Job.objects.filter(pk__in=[job.pk for job in jobs]).annotate(received=Subquery(first))
    return {key: datetime.fromtimestamp(received, UTC)
            for key, received in rows.values_list("pk", "received") if received is not None}


def _older(at: datetime | None, now: datetime, seconds: float) -> bool:
    return at is not None and now - at > timedelta(seconds=seconds)


def _lose(job: Job, now: datetime, reason: str, advice: str) -> bool:
    log.warning("job %s is lost: %s", job.pk, reason)
    return states.move(job, JobState.LOST, at=now, reason=reason, advice=advice)
