"""Waits until a job has ended, or until something else is so, for who asked for it and wants to know. So many at once;
nobody waits beyond that."""

import threading
import time
from collections.abc import Callable

from django.db import connection

from provisioning.models import Job

from .jobs import get_job

LOOK_S = 0.25
WAITING_MOST = 16
"""Each of them is a request that holds one of the places of the web process (console.places)."""
_places = threading.BoundedSemaphore(WAITING_MOST)


def ended(job: Job, within_s: float) -> Job:
    """``job`` as it is when it has ended, or after ``within_s``; at once where WAITING_MOST wait already. Raises
    NotFound."""
    found = [job]

    def has_ended() -> bool:
        found[0] = get_job(job.pk)
        return not found[0].is_active

    if job.is_active and within_s > 0:
        wait_until(has_ended, within_s)
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
