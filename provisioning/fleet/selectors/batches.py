"""Jobs that were asked for together, as a grid of host × step."""

import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from provisioning.applications.selectors.applications import with_related
from provisioning.errors import NotFound
from provisioning.jobs.selectors.readiness import why_not
from provisioning.models import Application, Job, JobStep
from provisioning.spelling import sort_key
from provisioning.states import JobKind, JobState


@dataclass(frozen=True)
class BatchRow:
    """The newest job of one application; ``attempts`` counts it and those before it; ``steps`` has one entry per
    column of the grid, None where this job has no such step."""

    job: Job
    attempts: int
    steps: tuple[JobStep | None, ...]


@dataclass(frozen=True)
class Batch:
    """``columns``: names of the steps, in their order; ``rows``: by host, then by application."""

    key: uuid.UUID
    first: Job
    columns: tuple[str, ...]
    rows: tuple[BatchRow, ...]

    @property
    def jobs(self) -> list[Job]:
        return [row.job for row in self.rows]

    @property
    def counts(self) -> Counter:
        """{job state: how many}."""
        return Counter(job.state for job in self.jobs)

    @property
    def ended(self) -> int:
        return sum(not job.is_active for job in self.jobs)

    @property
    def succeeded(self) -> int:
        return self.counts[JobState.SUCCEEDED]

    @property
    def name(self) -> str:
        """``Install 5 applications``."""
        number = len(self.rows)
        return f"{self.first.get_kind_display()} {number} application{'' if number == 1 else 's'}"


def get_batch(key: uuid.UUID) -> Batch:
    """The batch as it is now, in two queries. Raises NotFound."""
    jobs = list(Job.objects.filter(batch=key).order_by("created_at").prefetch_related("steps"))
    if not jobs:
        raise NotFound("There are no such jobs.")
    newest: dict[int | str, Job] = {}
    attempts: Counter[int | str] = Counter()
    for job in jobs:
        who = job.application_id or job.application_name
        newest[who] = job
        attempts[who] += 1
    columns = tuple(dict.fromkeys(step.name for job in newest.values() for step in job.steps.all()))
    rows = (BatchRow(job, attempts[who], _cells(job, columns)) for who, job in newest.items())
    by_host = sorted(rows, key=lambda row: (sort_key(row.job.host_name), sort_key(row.job.application_name)))
    return Batch(key, jobs[0], columns, tuple(by_host))


def why_not_of(application_ids: Collection[int], kind: JobKind) -> dict[int, str]:
    """{application: why no such job can be made for it now} of those of which there is a reason."""
    rows = with_related(Application.objects.filter(pk__in=application_ids))
    return {key: found[kind] for key, found in why_not(rows, [kind]).items() if kind in found}


def _cells(job: Job, columns: tuple[str, ...]) -> tuple[JobStep | None, ...]:
    steps = {step.name: step for step in job.steps.all()}
    return tuple(steps.get(name) for name in columns)
