"""``/jobs``: work on hosts, and what a verb that makes a job answers."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.core.permissions import actor_of
from provisioning.errors import Refusal, Refused
from provisioning.jobs.kinds import KINDS
from provisioning.jobs.rules.awaited import as_told
from provisioning.jobs.selectors.awaited import awaited
from provisioning.jobs.selectors.jobs import get_job, job_lines, job_list
from provisioning.jobs.selectors.waiting import ended
from provisioning.verbs.services.jobs import again_refusals, cancel_job, retry_job
from provisioning.verbs.services.told import tell

from .changes import Change, Tried, answered, of_object, tried
from .documents import Strict
from .paging import MOST, Page, PageOf

router = Router(tags=["jobs"])
SORTS = {"created": ("created_at",), "state": ("state", "created_at"), "kind": ("kind", "created_at")}
WAIT_MOST_S = 60


class Filters(BaseModel):
    state: str = Field("", max_length=32, description="A state, or active.")
    kind: str = Field("", max_length=32, description="Looks on hosts are listed only when they are asked for here.")
    host: str = Field("", max_length=255)
    application: str = Field("", max_length=255)
    sort: str = Field("-created", max_length=32, description=f"{', '.join(SORTS)}; with - in front reversed.")


class Waits(Change):
    """What a verb that makes a job takes."""

    wait: int = Field(0, ge=0, le=WAIT_MOST_S, description=(
        "Answer when the job has ended or nothing has moved for 30 s, after so many seconds at the latest."))


class Asked(Strict):
    """``reason``: why it is done."""

    reason: str = Field("", max_length=1000)


class JobRow(BaseModel):
    """``batch``: the same for jobs that were asked for together. ``waits_for``: what one that has not ended waits for,
    as a sentence; ``stuck``: it does not move until that is mended."""

    id: uuid.UUID
    kind: str
    state: str
    active: bool
    application: str
    host: str
    reason: str
    advice: str
    waits_for: str
    stuck: bool
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    batch: uuid.UUID | None


class JobStep(BaseModel):
    number: int
    name: str
    state: str
    started_at: datetime | None
    finished_at: datetime | None


class JobDetail(JobRow):
    """``sentence``: what is going on, or how it ended. ``result`` is what the host found, by the kind of job."""

    sentence: str
    result: dict[str, Any]
    retry_of: uuid.UUID | None
    steps: list[JobStep]


class JobLine(BaseModel):
    number: int
    at: datetime
    level: str
    text: str


class JobSteps(BaseModel):
    items: list[JobStep]


def described(rows: Iterable[Any]) -> list[dict[str, Any]]:
    rows = list(rows)
    waits = awaited(rows)
    return [{"active": row.is_active, "application": row.application_name, "host": row.host_name,
             **as_told(waits.get(row.pk)), **{name: getattr(row, name) for name in (
                 "id", "kind", "state", "reason", "advice", "created_by", "created_at", "started_at", "finished_at",
                 "batch")}} for row in rows]


def _steps(job: Any) -> list[dict[str, Any]]:
    return [{name: getattr(step, name) for name in JobStep.model_fields} for step in job.steps.all()]


def detail(job: Any) -> dict[str, Any]:
    return {**described([job])[0], "sentence": KINDS[job.kind].sentence(job), "result": job.result,
            "retry_of": job.retry_of_id, "steps": _steps(job)}


def accepted(job: Any, wait_s: float = 0) -> HttpResponse:
    """202 with the job, what it waits for and where it is; 200 when it ended within ``wait_s``."""
    job = get_job(ended(job, wait_s).pk)
    return answered(detail(job), JobDetail, status=202 if job.is_active else 200, location=f"/api/v1/jobs/{job.pk}")


ACCEPTED: dict[int, Any] = {200: JobDetail | Tried, 202: JobDetail}
"""What a verb that makes a job may answer."""


@router.get("", response=PageOf[JobRow], summary="List jobs")
def jobs(request: HttpRequest, page: Query[Page], filters: Query[Filters]) -> HttpResponse:
    rows = job_list(state=filters.state, kind=filters.kind, host=filters.host, application=filters.application)
    return page.of(rows, described, JobRow, sort=filters.sort, sorts=SORTS)


@router.get("/{uuid:job_id}", response=JobDetail, summary="A job")
def job(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    return answered(detail(get_job(job_id)), JobDetail)


@router.get("/{uuid:job_id}/steps", response=JobSteps, summary="The steps of a job")
def steps(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    return answered({"items": _steps(get_job(job_id))}, JobSteps)


class After(BaseModel):
    after: int = Field(0, ge=0, le=2**31 - 1, description="Only what has a larger number: next of the part before.")
    limit: int = Field(500, ge=1, le=MOST)


@router.get("/{uuid:job_id}/lines", response=PageOf[JobLine], summary="The log of a job")
def lines(request: HttpRequest, job_id: uuid.UUID, asked: Query[After]) -> HttpResponse:
    """next is the number of the last line that was given: ask again with it as after while the job is active."""
    found = job_lines(get_job(job_id), after=asked.after, limit=asked.limit)
    items = [{name: getattr(line, name) for name in JobLine.model_fields} for line in found]
    last = found[-1].number if found else asked.after
    return answered({"items": items, "next": str(last)}, PageOf[JobLine])


@router.post("/{uuid:job_id}/cancel", response=ACCEPTED, summary="Cancel a job")
def cancel(request: HttpRequest, job_id: uuid.UUID, asked: Query[Waits], body: Asked | None = None) -> HttpResponse:
    """At once while it is queued, else its host is asked to end the work."""
    actor, found = actor_of(request), get_job(job_id)
    if asked.dry_run:
        actor.require(KINDS[found.kind].permission)
        return tried([] if found.is_active else [Refusal(f"{found} has ended already.", "", (found.link,))])
    cancelled = cancel_job(actor=actor, job_id=job_id)
    tell(actor=actor, job=cancelled, reason=asked.why(request, body.reason if body else ""), what="cancelled")
    return accepted(cancelled, asked.wait)


@router.post("/{uuid:job_id}/retry", response=ACCEPTED, summary="Run a job again")
def retry(request: HttpRequest, job_id: uuid.UUID, asked: Query[Waits], body: Asked | None = None) -> HttpResponse:
    """A new job, but for one that no host was given yet: that is given to it."""
    actor, found = actor_of(request), get_job(job_id)
    if asked.dry_run:
        actor.require(KINDS[found.kind].permission)
        return tried([] if found.is_waiting_for_broker else of_object(again_refusals(found)))
    try:
        again = retry_job(actor=actor, job_id=job_id)
    except Refused as error:
        raise Refused(*of_object(error.refusals)) from error
    tell(actor=actor, job=again, reason=asked.why(request, body.reason if body else ""))
    return accepted(again, asked.wait)
