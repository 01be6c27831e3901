"""What jobs that have not ended wait for, read for many at once."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from protocol.jobs import AT_ONCE
from provisioning.core import ages
from provisioning.core.console_worker import console_worker_health
from provisioning.core.control import control_seen
from provisioning.core.known import Control, age_s, word
from provisioning.jobs.rules.awaited import Awaited, Facts, reads_no_reports
from provisioning.jobs.rules.awaited import awaited as judge
from provisioning.models import ComponentHeartbeat, Host, Job
from provisioning.states import ACTIVE_JOBS, JobState

REAPER = "reaper"
"""Name of the heartbeat of who looks after jobs that nobody takes or reports of (``jobs.worker.reaper``)."""
SILENT = "silent"
"""In its facts: {host: Unix time since when its worker, which was asked for a job that it did not take, is silent}."""


def awaited(jobs: Iterable[Job]) -> dict[uuid.UUID, Awaited]:
    """{job: what it waits for} of those that have not ended; the same number of queries, however many ``jobs`` there
    are, and none where all have ended."""
    active = [job for job in jobs if job.is_active]
    if not active:
        return {}
    now = timezone.now()
    control, keys = control_seen(now), {job.host_id for job in active if job.host_id is not None}
    hosts = {row.pk: row for row in Host.objects.filter(pk__in=keys).select_related("runtime")}
    known: dict[str, Any] = {"control": control.silence if not control.answers else "",
             "behind": control.silence if control.answers and control.is_behind else "",
             "console_worker": reads_no_reports(console_worker_health(now))}
    crowds, silent = _crowds(keys), silent_hosts(now)
    return {job.pk: judge(Facts(
        state=job.state, host=job.host_name, is_deleted=job.host_id is None,
        is_sent=not job.is_waiting_for_broker, silent_s=silent.get(job.host_name),
        said_s=age_s(job.heard_at or job.started_at, now), is_cancelled=job.cancel_requested_at is not None,
        **known, **_host(hosts.get(job.host_id or 0), control), **_others(job, crowds.get(job.host_id or 0))))
        for job in active}


def silent_hosts(now: datetime) -> dict[str, float]:
    """{host: for how many seconds its worker has not answered over the broker} of those that were asked lately."""
    row = ComponentHeartbeat.objects.filter(name=REAPER).first()
    if row is None or now - row.at > ages.LOOK_AT_JOBS:
        return {}
    return {host: age for host, since in row.facts.get(SILENT, {}).items()
            if (age := age_s(datetime.fromtimestamp(since, UTC), now)) is not None}


def _host(host: Host | None, control: Control) -> dict[str, Any]:
    runtime = getattr(host, "runtime", None)
    if runtime is None:
        return {}
    said = word(control, status=runtime.status, reason=runtime.reason)
    return {"host_status": said.status, "host_reason": said.reason, "heard_s": age_s(runtime.heard_at, control.now),
            "worker_runs": runtime.worker_alive}


@dataclass(frozen=True)
class Crowd:
    """What a host works on, and {job: how many it takes before that one}."""

    works: tuple[str, ...]
    before: Mapping[uuid.UUID, int]


def _crowds(keys: Iterable[int]) -> dict[int, Crowd]:
    """{host: its active jobs that the broker has} of those hosts that take no further one at present."""
    rows = Job.objects.filter(host__in=keys, state__in=ACTIVE_JOBS, enqueued_at__isnull=False).order_by("created_at")
    works: dict[int | None, list[Job]] = defaultdict(list)
    waiting: dict[int | None, list[Job]] = defaultdict(list)
    for row in rows.only("kind", "state", "application_name", "host_name", "host_id"):
        (waiting if row.state == JobState.QUEUED else works)[row.host_id].append(row)
    return {host: Crowd(tuple(map(str, rows)), {row.pk: number for number, row in enumerate(waiting[host])})
            for host, rows in works.items() if host is not None and len(rows) >= AT_ONCE}


def _others(job: Job, crowd: Crowd | None) -> dict[str, Any]:
    if crowd is None or job.pk not in crowd.before:
        return {}
    return {"others": crowd.works, "before": crowd.before[job.pk]}
