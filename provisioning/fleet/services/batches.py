"""One verb on many applications: a job for each that can, a sentence for each that cannot; followed and tried again
together."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from provisioning.applications.selectors.applications import get_application
from provisioning.core.permissions import Actor
from provisioning.errors import NotAllowed, PairwiseError, Refusal, Refused
from provisioning.fleet.selectors.batches import get_batch
from provisioning.jobs.worker import dispatch
from provisioning.models import Job
from provisioning.states import RETRYABLE_JOBS
from provisioning.turns import write_in_turns
from provisioning.verbs.services.jobs import (
    cancel_job,
    install_application,
    retry_job,
    start_application,
    stop_application,
)
from provisioning.verbs.services.last_reports import waited_together
from provisioning.verbs.services.log_on import without_asking

NOTHING_TO_RETRY = "Nothing here can be tried again: every job runs or has succeeded."
ALL_ENDED = "Every job has ended already."


@dataclass(frozen=True)
class Asked:
    """What came of it. ``refusals``: by application id (of jobs: by the job's application); ``batch``: None unless
    several jobs were made."""

    jobs: list[Job]
    refusals: dict[int, list[Refusal]]
    batch: uuid.UUID | None = None


def start_applications(*, actor: Actor, application_ids: Iterable[int]) -> Asked:
    """Start those that can."""
    return _each(application_ids, lambda key: start_application(actor=actor, application_id=key))


def stop_applications(*, actor: Actor, application_ids: Iterable[int], graceful: bool = False) -> Asked:
    """Stop those that run."""
    return _each(application_ids, lambda key: stop_application(actor=actor, application_id=key, graceful=graceful))


def install_applications(*, actor: Actor, application_ids: Iterable[int]) -> Asked:
    """Install those that can be, each into a directory of its own; none as root that nobody chose it for."""
    return _each(application_ids, lambda key: install_application(
        actor=actor, application_id=key, log_on_as=without_asking(get_application(key)), is_choice=False))


def retry_batch(*, actor: Actor, batch: uuid.UUID) -> Asked:
    """Run again what failed, was lost or was cancelled, and hand over what the broker did not take; the others are
    left alone. Raises NotFound, and Refused when there is nothing to try again."""
    waiting = [job for job in get_batch(batch).jobs if is_retryable(job)]
    if not waiting:
        raise Refused(NOTHING_TO_RETRY)
    with waited_together(job.application_id for job in waiting if job.application_id):
        return _gather((job.application_id or 0, partial(retry_job, actor=actor, job_id=job.pk))
                       for job in waiting)


def cancel_batch(*, actor: Actor, batch: uuid.UUID) -> Asked:
    """Cancel what has not ended. Raises NotFound, and Refused when all of it has."""
    active = [job for job in get_batch(batch).jobs if job.is_active]
    if not active:
        raise Refused(ALL_ENDED)
    return _gather((job.application_id or 0, partial(cancel_job, actor=actor, job_id=job.pk)) for job in active)


def is_retryable(job: Job) -> bool:
    """True when ``retry_job`` would take it."""
    return job.state in RETRYABLE_JOBS or job.is_waiting_for_broker


def _each(application_ids: Iterable[int], verb: Callable[[int], Job]) -> Asked:
    keys = list(dict.fromkeys(application_ids))
    with waited_together(keys):
        asked = _gather((key, partial(verb, key)) for key in keys)
    if len(asked.jobs) < 2:
        return asked
    batch = uuid.uuid4()
    write_in_turns([job.pk for job in asked.jobs], lambda keys: Job.objects.filter(pk__in=keys).update(batch=batch))
    for job in asked.jobs:
        job.batch = batch
    return Asked(asked.jobs, asked.refusals, batch)


def _gather(verbs: Iterable[tuple[int, Callable[[], Job]]]) -> Asked:
    jobs, refusals = [], {}
    with dispatch.one_connection():
        for key, verb in verbs:
            try:
                jobs.append(verb())
            except NotAllowed:
                raise
            except Refused as error:
                refusals[key] = list(error.refusals)
            except PairwiseError as error:
                refusals[key] = [Refusal(str(error))]
    return Asked(jobs, refusals)
