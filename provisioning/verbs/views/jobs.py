"""Jobs: the list, and one job from its start to its report."""

from dataclasses import dataclass

from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from provisioning.applications.selectors.applications import get_application
from provisioning.core.permissions import actor_of, sentence_for
from provisioning.core.text import key_of
from provisioning.jobs.facts import StartFile
from provisioning.jobs.forms import JobFilter
from provisioning.jobs.kinds import KINDS, Kind
from provisioning.jobs.rules.awaited import Awaited
from provisioning.jobs.selectors import jobs as selector
from provisioning.jobs.selectors.awaited import awaited
from provisioning.jobs.selectors.readiness import why_not
from provisioning.jobs.selectors.start_files import files_of
from provisioning.models import Job
from provisioning.states import ACTIVE_JOBS, JobState
from provisioning.verbs.services import jobs as services
from provisioning.verbs.services.jobs import again_refusals
from provisioning.web.answers import dialog
from provisioning.web.pages import carry_out, page, show
from provisioning.web.tables import Column, Table, page_of

LINES = 500
"""Log lines of one answer; a page that follows a job asks for the next ones by itself."""
TABLE = Table(tuple(Column(label) for label in (
    "Job", "State", "Host", "Started by", "Started", "Took", "What happened")))


@dataclass(frozen=True)
class JobView:
    """What the pages say about a job besides its fields. ``sentence``: what is going on, or how it ended; ``facts``:
    (label, words before it, value) of its result; ``awaited``: what it waits for while it is active; ``why_not_*``: the
    sentence that disables the button."""

    job: Job
    kind: Kind
    sentence: str
    facts: list[tuple[str, str, str]]
    start_files: tuple[StartFile, ...]
    usual_s: float | None
    elapsed_s: float | None
    not_handed_over: bool
    awaited: Awaited | None
    changes: bool
    why_not_cancel: str
    why_not_retry: str
    why_not_then: str = ""


def seen(job: Job, actor) -> JobView:
    """``job`` as this actor sees it now."""
    kind = KINDS[job.kind]
    barred = "" if actor.may(kind.permission) else sentence_for(kind.permission)
    begun = job.started_at or job.created_at
    waiting = job.is_waiting_for_broker
    elapsed = ((job.finished_at or timezone.now()) - begun).total_seconds() if job.started_at or job.is_active else None
    return JobView(
        job, kind, kind.own_sentence(job) if job.is_active else kind.sentence(job),
        [(label, before, job.result[key]) for label, key, before in kind.facts if job.result.get(key)],
        start_files=files_of(job.result.get("start_files")) if kind.about_start_files else (),
        usual_s=selector.usual_duration_s(job.kind), elapsed_s=elapsed, not_handed_over=waiting,
        awaited=awaited([job]).get(job.pk),
        # A host that was silent and speaks again knows better: a lost job may still change.
        changes=job.state in ACTIVE_JOBS or job.state == JobState.LOST,
        why_not_cancel=barred or _why_not_cancel(job),
        why_not_retry=barred or _why_not_retry(job), why_not_then=_why_not_then(job, kind, actor),
    )


def _why_not_retry(job: Job) -> str:
    if job.is_waiting_for_broker:
        return ""
    stands = again_refusals(job)
    return stands[0].message if stands else ""


def _why_not_then(job: Job, kind: Kind, actor) -> str:
    """Why this user cannot do what comes next, when something does."""
    if not kind.then or job.state != JobState.SUCCEEDED or job.application_id is None:
        return ""
    need = KINDS[kind.then].permission
    row = get_application(job.application_id)
    return why_not([row], [kind.then])[row.pk].get(kind.then, "") if actor.may(need) else sentence_for(need)


def _why_not_cancel(job: Job) -> str:
    if not job.is_active:
        return "The job has ended."
    return "Cancelling was asked for; the host has to end its work first." if job.cancel_requested_at else ""


@require_safe
@page()
def job_list(request):
    form = JobFilter(request.GET)
    chosen = form.chosen()
    jobs = page_of(selector.job_list(**chosen), request.GET)
    total, looks = selector.job_counts(**chosen)
    return show(request, "jobs/list.html", {
        "form": form, "page": jobs, "header": TABLE.header("", request.GET.dict()), "total": total,
        "hidden_looks": looks, "awaited": awaited(jobs)})


@require_safe
@page()
def job_detail(request, pk):
    """The job's page; htmx gets the part that changes while the job runs."""
    job = selector.get_job(pk)
    context = {"view": seen(job, actor_of(request)), "job": job}
    if request.htmx:
        return render(request, "jobs/_status.html", context | {"live": True})
    return render(request, "jobs/detail.html", context | _lines(request, job))


def _lines(request, job: Job) -> dict:
    after = key_of(request.GET.get("after")) or 0
    lines = selector.job_lines(job, after=after, limit=LINES + 1)
    shown = lines[:LINES]
    return {"lines": shown, "after": shown[-1].number if shown else after, "more": len(lines) > LINES,
            "follow": job.is_active or job.state == JobState.LOST}


@require_safe
@page()
def job_lines(request, pk):
    """The log lines after ``?after=``, and what asks for the next ones."""
    job = selector.get_job(pk)
    return render(request, "jobs/_lines.html", {"job": job} | _lines(request, job))


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def job_cancel(request, pk):
    """Ask first; then end the work on the host."""
    job = selector.get_job(pk)
    kind = KINDS[job.kind]
    actor_of(request).require(kind.permission)
    if request.method != "POST":
        return dialog(request, "jobs/cancel.html", f"Cancel {job}?", {"job": job, "follows": kind.cancelling(job)})
    back = reverse("job-detail", args=[pk])
    return carry_out(
        request, lambda: services.cancel_job(actor=actor_of(request), job_id=pk), back=back, to=lambda job: back,
        said=kind.cancelled)


@require_POST
@page()
def job_retry(request, pk):
    """A new job with the same arguments."""
    actor_of(request).require(KINDS[selector.get_job(pk).kind].permission)
    return carry_out(
        request, lambda: services.retry_job(actor=actor_of(request), job_id=pk), back=reverse("job-detail", args=[pk]),
        to=lambda job: reverse("job-detail", args=[job.pk]),
        said=lambda job: f"{job} was sent." if job.enqueued_at else f"{job} still waits to be sent.")
