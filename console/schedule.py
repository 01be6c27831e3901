"""What the console worker does by itself from time to time, in threads of its process: no message at the broker, no
process for each. One duty is done at a time, or two; one that is not done yet is not begun again."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError

from console import tasks as of_console
from provisioning import tasks
from provisioning.core.kept_connections import piece_of_work
from provisioning.jobs.worker.reaper import REAP_EVERY_S
from provisioning.looks.worker import TICK

log = logging.getLogger(__name__)
THREADS = 2
"""The audit of everything takes a while; meanwhile the others go on."""


@dataclass(frozen=True)
class Duty:
    """``work`` is done every ``every_s`` seconds, for the first time so long after the start, or ``at_once``."""

    work: Callable[[], object]
    every_s: float
    at_once: bool = False


DUTIES = (
    # A start waits for it.
    Duty(tasks.ask_for_heartbeat, 3.0, at_once=True),
    Duty(tasks.audit_changes, 3.0),
    Duty(tasks.keep_broker_accounts, 5.0),
    Duty(tasks.reap_jobs, REAP_EVERY_S),
    Duty(of_console.end_more_detail, 10.0),
    Duty(tasks.look_around, TICK.total_seconds()),
    Duty(of_console.keep_drills, 20.0),
    Duty(of_console.keep_sign_ins, 60.0),
    Duty(of_console.keep_answers, 600.0),
    Duty(of_console.keep_tokens, 600.0),
    Duty(tasks.audit_everything, settings.PAIRWISE_AUDIT_MINUTES * 60.0),
)


class Schedule:
    def __init__(self, duties: Sequence[Duty] = DUTIES):
        self._duties, self._stopped = duties, threading.Event()
        self._threads = ThreadPoolExecutor(THREADS, "duty")
        self._begun: dict[Duty, Future[None]] = {}

    def start(self, ended: Callable[[], None]) -> None:
        """``ended`` is called should it end without having been asked to."""
        threading.Thread(target=self._run, args=(ended,), name="schedule", daemon=True).start()

    def stop(self) -> None:
        """Nothing more is begun."""
        self._stopped.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _run(self, ended: Callable[[], None]) -> None:
        try:
            due = {duty: time.monotonic() + (0.0 if duty.at_once else duty.every_s) for duty in self._duties}
            while not self._stopped.wait(max(0.0, min(due.values()) - time.monotonic())):
                now = time.monotonic()
                for duty in [duty for duty, at in due.items() if at <= now]:
                    due[duty] = now + duty.every_s
                    self._begin(duty)
        except Exception:
            if self._stopped.is_set():
                # Its threads take nothing any more.
                return
            log.exception("The schedule has ended, and the console worker ends with it, so that it is started anew.")
            ended()

    def _begin(self, duty: Duty) -> None:
        before = self._begun.get(duty)
        if before is None or before.done():
            self._begun[duty] = self._threads.submit(done, duty)


def done(duty: Duty) -> None:
    """Once, whatever becomes of it."""
    try:
        with piece_of_work():
            duty.work()
    except Exception as error:
        log.error("%s failed: %s", duty.work.__name__, error, exc_info=not isinstance(error, DatabaseError))


schedule = Schedule()
