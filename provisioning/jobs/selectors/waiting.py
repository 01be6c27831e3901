"""Waits until a job has ended, for who asked for it and wants to know. So many at once; nobody waits beyond that."""

import threading
import time

from django.db import connection

from provisioning.models import Job

from .jobs import get_job

LOOK_S = 0.25
WAITING_MOST = 16
"""Each of them is a request that holds one of the places of the web process (console.places)."""
_places = threading.BoundedSemaphore(WAITING_MOST)


def ended(job: Job, within_s: float) -> Job:
    """``job`` as it is when it has ended, or after ``within_s``; at once where WAITING_MOST wait already. The database
    is not kept meanwhile. Raises NotFound."""
    if within_s <= 0 or not job.is_active or not _places.acquire(blocking=False):
        return job
    try:
        deadline = time.monotonic() + within_s
        while job.is_active and (left := deadline - time.monotonic()) > 0:
            if not connection.in_atomic_block:
                connection.close()
            time.sleep(min(LOOK_S, left))
            job = get_job(job.pk)
        return job
    finally:
        _places.release()
