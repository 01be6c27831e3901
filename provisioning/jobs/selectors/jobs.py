"""Jobs as lists and their log lines by offset."""

import statistics
import uuid

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from provisioning.core.called import called
from provisioning.errors import NotFound
from provisioning.jobs.kinds import KINDS, OF_HOSTS
from provisioning.models import Application, Host, Job, JobLine
from provisioning.states import ACTIVE_JOBS, JobState

USUAL_OF = 20
"""The usual duration of a kind of job is the median of so many earlier ones."""


def job_list(*, state: str = "", kind: str = "", host: str = "", application: str = "") -> QuerySet[Job]:
    """Jobs, active ones first, then newest first. ``state`` is a state or "active"; host and application are names, or
    parts of names (``called``). Looks on hosts, which go on all the time, are among them only when their ``kind`` is
    asked for."""
    found = Job.objects.select_related("application", "host").filter(_shown(kind), _matching(state, host, application))
    is_finished = Case(When(state__in=ACTIVE_JOBS, then=Value(0)), default=Value(1), output_field=IntegerField())
    return found.order_by(is_finished, "-created_at")


def job_counts(*, state: str = "", kind: str = "", host: str = "", application: str = "") -> tuple[int, int]:
    """How many jobs there are that such a list may show, whatever it is filtered by; and how many looks on hosts it
    leaves out."""
    looks = Q(kind__in=OF_HOSTS) & _matching(state, host, application)
    counts = Job.objects.aggregate(total=Count("pk", filter=_shown(kind)), looks=Count("pk", filter=looks))
    return counts["total"], 0 if kind else counts["looks"]


def _shown(kind: str) -> Q:
    return Q(kind=kind) if kind else ~Q(kind__in=OF_HOSTS)


def _matching(state: str, host: str, application: str) -> Q:
    found = Q()
    if state:
        found &= Q(state__in=ACTIVE_JOBS) if state == "active" else Q(state=state)
    if host:
        found &= called(Host, host, "host_name")
    if application:
        found &= called(Application, application, "application_name")
    return found


def get_job(job_id: uuid.UUID | str) -> Job:
    """One job with its steps. Raises NotFound."""
    try:
        return Job.objects.select_related("application", "host", "retry_of").prefetch_related("steps").get(
            pk=uuid.UUID(str(job_id)))
    except (ValueError, Job.DoesNotExist):
        raise NotFound(f"There is no job {job_id}.") from None


def working_on(row: Application) -> Job | None:
    """The job that works on ``row``, of a list of applications, now; none when all that is missing of it is its last
    report."""
    job = row.active_jobs[0] if row.active_jobs else None
    return None if job is None or lacks_its_last_report(row, job) else job


def lacks_its_last_report(row: Application, job: Job) -> bool:
    """True when control says that what ``job`` was asked for has happened to ``row``."""
    runtime = getattr(row, "runtime", None)
    return runtime is not None and KINDS[job.kind].is_done(
        job.created_at, runtime.status, runtime.started_at)


def job_lines(job: Job, *, after: int = 0, limit: int = 500) -> list[JobLine]:
    """Up to ``limit`` log lines whose number is greater than ``after``, in order."""
    return list(job.lines.filter(number__gt=after).order_by("number")[:limit])


def usual_duration_s(kind: str) -> float | None:
    """Median seconds from start to end of the last succeeded jobs of a kind; None when there is none."""
    done = Job.objects.filter(kind=kind, state=JobState.SUCCEEDED, started_at__isnull=False, finished_at__isnull=False)
    pairs = done.order_by("-finished_at").values_list("started_at", "finished_at")[:USUAL_OF]
    seconds = [(finished - started).total_seconds() for started, finished in pairs if started and finished]
    return statistics.median(seconds) if seconds else None
