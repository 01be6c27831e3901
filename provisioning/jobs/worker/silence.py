"""Which hosts are given jobs and do not answer over the broker, by which they would take them."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from provisioning.models import Job
from provisioning.states import JobState

from .ping import answer_of_worker

TAKES_S = 3.0
"""A worker that answers takes a job, or is busy: it is asked only about one that has waited for longer."""
ASKED_MOST = 16
"""Hosts that are asked at one look, all at once: it takes as long as one of them (``ping.PING_S``)."""


def look(jobs: Iterable[Job], known: Mapping[str, float], now: datetime, *,
         ask: Callable[[str], bool | None] = answer_of_worker) -> dict[str, float]:
    """{host: Unix time since when it is silent} of the hosts of these jobs. ``known``: what the look before found."""
    late = [job for job in jobs if _waits_s(job, now) > TAKES_S]
    hosts = dict.fromkeys(job.host_name for job in sorted(late, key=lambda job: job.created_at))
    # One that is known and answers again takes its jobs, and is none of these any more.
    asked = sorted(hosts, key=known.__contains__)[:ASKED_MOST]
    answers: dict[str, bool | None] = {}
    if asked:
        with ThreadPoolExecutor(len(asked), "ping") as pool:
            answers = dict(zip(asked, pool.map(ask, asked), strict=True))
    return {host: known.get(host, now.timestamp()) for host in hosts
            if answers.get(host) is False or (answers.get(host) is None and host in known)}


def _waits_s(job: Job, now: datetime) -> float:
    """How long it has waited at the broker; 0 of one that does not."""
    waits = job.state == JobState.QUEUED and job.host_id is not None and job.enqueued_at is not None
    return (now - job.enqueued_at).total_seconds() if waits and job.enqueued_at else 0.0
