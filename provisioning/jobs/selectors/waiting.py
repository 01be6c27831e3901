"""Waits until a job has ended, or until something else is so, for who asked for it and wants to know. So many at once;
nobody waits beyond that, nor for long where nothing moves."""

import threading
import time
from collections.abc import Callable

from django.db import connection

from provisioning.jobs.rules.awaited import Awaited
from provisioning.models import Job

from .awaited import awaited
from .jobs import get_job

LOOK_S, LOOK_WHY_S = 0.25, 2.0
STANDS_S = 30.0
"""What is stuck for so long is not waited for: a worker that was started anew, or a machine, is back sooner."""
WAITING_MOST = 16
"""Each of them is a request that holds one of the places of the web process (console.places)."""
_places = threading.BoundedSemaphore(WAITING_MOST)


class Standstill:
    """Whether waiting is of no use any more: what is waited for has been stuck for STANDS_S."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._since: float | None = None

    def lasts(self, found: Awaited | None) -> bool:
        """``found``: what is waited for now."""
        if found is None or not found.is_stuck:
            self._since = None
            return False
        if self._since is None:
            self._since = self._clock()
        return self._clock() - self._since >= STANDS_S


def ended(job: Job, within_s: float) -> Job:
    """``job`` as it is when it has ended, when nothing has moved for STANDS_S, or after ``within_s``; at once where
    WAITING_MOST wait already. Raises NotFound."""
    found, standstill, why_at = [job], Standstill(), float("-inf")

    def is_over() -> bool:
        nonlocal why_at
        found[0] = get_job(job.pk)
        if not found[0].is_active or time.monotonic() - why_at < LOOK_WHY_S:
            return not found[0].is_active
        why_at = time.monotonic()
        return standstill.lasts(awaited(found).get(job.pk))

    if job.is_active and within_s > 0:
        wait_until(is_over, within_s)
    return found[0]


def wait_until(is_so: Callable[[], bool], within_s: float, *, look_s: float = LOOK_S) -> bool:
    """Whether ``is_so``: looked at every ``look_s`` for ``within_s``, and a last time then; where WAITING_MOST wait
    already, only now. The database is not kept meanwhile. Raises what ``is_so`` raises."""
    deadline = time.monotonic() + within_s
    if is_so():
        return True
    if within_s <= 0 or not _places.acquire(blocking=False):
        return False
    try:
        while (left := deadline - time.monotonic()) > 0:
            if not connection.in_atomic_block:
                connection.close()
            time.sleep(min(look_s, left))
            if is_so():
                return True
        return False
    finally:
        _places.release()
