"""``/batches``: one verb on many applications, followed together."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.applications.selectors.applications import keys_by_name, names_by_key
from provisioning.core.permissions import actor_of
from provisioning.errors import Refusal, Refused
from provisioning.fleet.selectors.batches import Batch, get_batch, why_not_of
from provisioning.fleet.services import batches as services
from provisioning.jobs.kinds import KINDS
from provisioning.jobs.rules.awaited import Awaited, as_told
from provisioning.jobs.selectors.awaited import awaited
from provisioning.states import JobKind

from .changes import Change, Tried, answered, of_object, tried
from .documents import Strict
from .filters import Text
from .paging import id_of
from .problems import ADDRESSES

router = Router(tags=["jobs"])
Verb = Literal["install", "start", "stop", "stop-gracefully"]
VERBS: Mapping[str, Callable[..., services.Asked]] = {
    "install": services.install_applications, "start": services.start_applications,
    "stop": services.stop_applications,
    "stop-gracefully": lambda **asked: services.stop_applications(graceful=True, **asked)}
OF_VERB: Mapping[str, JobKind] = {"install": JobKind.INSTALL, "start": JobKind.START, "stop": JobKind.STOP,
                                  "stop-gracefully": JobKind.STOP}
MOST = 1000


class BatchBody(Strict):
    """``applications``: their names or ids, each once."""

    verb: Verb
    applications: Annotated[list[Text], Field(min_length=1, max_length=MOST)]


class BatchJob(BaseModel):
    """The newest job of an application; ``attempts`` counts it and those before it; ``steps`` {name: state}.
    ``waits_for`` and ``stuck`` as of any job."""

    id: uuid.UUID
    application: str
    host: str
    kind: str
    state: str
    reason: str
    advice: str
    waits_for: str
    stuck: bool
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    steps: dict[str, str]


class BatchDetail(BaseModel):
    """``counts`` {state of a job: how many}; ``ended``: how many jobs have."""

    id: uuid.UUID
    name: str
    ended: int
    counts: dict[str, int]
    jobs: list[BatchJob]


class BatchRefusal(BaseModel):
    """Why nothing was done with an application."""

    application: str
    messages: list[str]


class BatchAsked(BaseModel):
    """What came of it. ``batch`` is null unless several jobs were made."""

    batch: uuid.UUID | None
    jobs: list[uuid.UUID]
    refused: list[BatchRefusal]


@router.post("", response={202: BatchAsked, 200: BatchAsked}, summary="Do something with many applications")
def create(request: HttpRequest, body: BatchBody, change: Query[Change]) -> HttpResponse:
    """A job for each that can, a sentence for each that cannot. 409 when none can."""
    kind = OF_VERB[body.verb]
    actor_of(request).require(KINDS[kind].permission)
    keys = _keys(body.applications)
    if change.dry_run:
        return _tried(why_not_of(list(keys), kind), keys)
    asked = VERBS[body.verb](actor=actor_of(request), application_ids=list(keys))
    return _asked(asked, keys)


@router.get("/{uuid:batch_id}", response=BatchDetail, summary="A batch")
def batch(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """The newest job of each application."""
    return answered(described(get_batch(batch_id)), BatchDetail)


@router.post("/{uuid:batch_id}/retry", response={202: BatchAsked, 200: Tried},
             summary="Run again what failed of a batch")
def retry(request: HttpRequest, batch_id: uuid.UUID, change: Query[Change]) -> HttpResponse:
    """What failed, was lost or was cancelled, and what was not handed over."""
    found = _allowed(request, batch_id)
    if change.dry_run:
        return tried([] if any(map(services.is_retryable, found.jobs)) else [Refusal(services.NOTHING_TO_RETRY)])
    return _asked(services.retry_batch(actor=actor_of(request), batch=batch_id), _names(found))


@router.post("/{uuid:batch_id}/cancel", response={202: BatchAsked, 200: Tried},
             summary="Cancel what has not ended of a batch")
def cancel(request: HttpRequest, batch_id: uuid.UUID, change: Query[Change]) -> HttpResponse:
    found = _allowed(request, batch_id)
    if change.dry_run:
        return tried([] if found.ended < len(found.jobs) else [Refusal(services.ALL_ENDED)])
    return _asked(services.cancel_batch(actor=actor_of(request), batch=batch_id), _names(found))


def _allowed(request: HttpRequest, batch_id: uuid.UUID) -> Batch:
    """Raises NotFound, NotAllowed."""
    found = get_batch(batch_id)
    actor_of(request).require(KINDS[found.first.kind].permission)
    return found


def _keys(asked: list[str]) -> dict[int, str]:
    """{key: name} of the applications that are named. Raises Refused with those that there are not."""
    found = keys_by_name(asked)
    numbers = {each: number for each in asked if each not in found and (number := id_of(each)) is not None}
    names = names_by_key(numbers.values()) | {key: name for name, key in found.items()}
    chosen = {each: found.get(each, numbers.get(each, 0)) for each in asked}
    unknown = [Refusal(f"There is no application named {each}.", "applications")
               for each, key in chosen.items() if key not in names]
    if unknown:
        raise Refused(*unknown)
    return {key: names[key] for key in chosen.values()}


def _names(batch: Batch) -> dict[int, str]:
    return {job.application_id or 0: job.application_name for job in batch.jobs}


def _asked(asked: services.Asked, names: Mapping[int, str]) -> HttpResponse:
    """Raises Refused when nothing was done."""
    if not asked.jobs:
        raise Refused(*of_object(refusal for found in asked.refusals.values() for refusal in found))
    body = BatchAsked(batch=asked.batch, jobs=[job.pk for job in asked.jobs], refused=[
        BatchRefusal(application=names.get(key, ""), messages=[each.message for each in found])
        for key, found in asked.refusals.items()])
    where = f"/api/v1/batches/{asked.batch}" if asked.batch else ADDRESSES["job"].format(asked.jobs[0].pk)
    return answered(body, BatchAsked, status=202, location=where)


def _tried(why_not: Mapping[int, str], names: Mapping[int, str]) -> HttpResponse:
    """Which of them it would not be done with. Raises Refused when it would be with none."""
    if len(why_not) == len(names):
        raise Refused(*why_not.values())
    return answered(BatchAsked(batch=None, jobs=[], refused=[
        BatchRefusal(application=names[key], messages=[message]) for key, message in why_not.items()]), BatchAsked)


def described(batch: Batch) -> BatchDetail:
    waits = awaited(batch.jobs)
    return BatchDetail(
        id=batch.key, name=batch.name, ended=batch.ended, counts=dict(batch.counts), jobs=[
            _job(row.job, row.attempts, waits.get(row.job.pk)) for row in batch.rows])


def _job(job: Any, attempts: int, waits: Awaited | None) -> BatchJob:
    return BatchJob(
        id=job.pk, application=job.application_name, host=job.host_name, kind=job.kind, state=job.state,
        reason=job.reason, advice=job.advice, **as_told(waits), attempts=attempts, created_at=job.created_at,
        finished_at=job.finished_at, steps={step.name: step.state for step in job.steps.all()})
