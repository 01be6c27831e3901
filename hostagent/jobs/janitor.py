"""A thread of the worker that cleans up after interrupted jobs and sends reports that could not be sent."""

import contextlib
import logging
import threading
import time

from protocol.patience import PatientClock

from .context import Context
from .frame import deliver_final, recover

log = logging.getLogger(__name__)

EVERY_S = 5.0
PRUNE_EVERY_S = 3600.0


class Janitor:
    def __init__(self, context: Context):
        self._context = context
        self._done: set[str] = set()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._pruned_at, self._clock = 0.0, PatientClock()

    def start(self) -> None:
        """Begin at once: orphans of a killed worker are found when the next one starts."""
        self._thread = threading.Thread(target=self._run, name="janitor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except Exception:
                log.exception("The journal of jobs could not be looked through.")
            if self._ended.wait(EVERY_S):
                return

    def look(self) -> None:
        """One look at every job of the journal that is not known to be over."""
        journal = self._context.journal
        if time.monotonic() - self._pruned_at > PRUNE_EVERY_S or not self._pruned_at:
            journal.prune(self._clock.now(time.time(), time.monotonic()))
            self._pruned_at = time.monotonic()
        jobs = journal.jobs()
        self._done &= set(jobs)
        for job in jobs:
            if job not in self._done and self._is_over(job):
                self._done.add(job)

    def _is_over(self, job: str) -> bool:
        entry = self._context.journal.open(job)
        if entry is None:
            return False
        with contextlib.closing(entry):
            if not entry.body:
                # Its file went away meanwhile.
                return False
            if entry.body["state"] == "working" and not recover(self._context, entry):
                return False
            return deliver_final(self._context, entry)
