"""Waits shortly for jobs whose work is done and whose last report is still on its way (jobs.kinds)."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from provisioning.jobs.selectors.jobs import lacks_its_last_report
from provisioning.models import Job
from provisioning.states import ACTIVE_JOBS

PATIENCE_S = 3.0
"""A report that takes longer waits for Redis or for the console worker, and nobody can tell for how long."""
LOOK_AGAIN_S = 0.05
_has_waited: ContextVar[bool] = ContextVar("waited for all of them together", default=False)


def wait_for_last_reports(application_ids: Iterable[int]) -> None:
    """Come back when no job of these applications is done but for its last report, at the latest after PATIENCE_S.
    Call it outside of transactions, which would keep the report from being recorded."""
    if _has_waited.get():
        return
    keys, deadline = list(application_ids), time.monotonic() + PATIENCE_S
    while _are_on_their_way(keys) and time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN_S)


@contextmanager
def waited_together(application_ids: Iterable[int]) -> Iterator[None]:
    """Wait for all of these at once; verbs on them within do not wait again."""
    wait_for_last_reports(application_ids)
    token = _has_waited.set(True)
    try:
        yield
    finally:
        _has_waited.reset(token)


def _are_on_their_way(application_ids: list[int]) -> bool:
    jobs = Job.objects.filter(state__in=ACTIVE_JOBS, application__in=application_ids).select_related(
        "application__runtime")
    return any(job.application is not None and lacks_its_last_report(job.application, job) for job in jobs)
