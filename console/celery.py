"""The console's Celery application: its own worker, which also reads what hosts report, and the sender of jobs."""

import os
import select
import signal
import sys
import threading
import time

from celery import Celery
from celery.signals import worker_init, worker_ready, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

from django.conf import settings

from hostagent import hangups, pool_end  # noqa: F401 - pool_end connects to the worker's signal
from hostagent.reconnection import RETURNS, ReturningAmqp
from protocol.jobs import CONSOLE_QUEUE, broker_options

ENDS_S = 5.0
"""How long it takes at most to end once its beat has: as long as `up` waits for it (``console.up.child``)."""


def celery_broker_url(redis_url: str) -> str:
    """Celery spells a Redis socket ``redis+socket://``; redis-py spells it ``unix://``."""
    return redis_url.replace("unix://", "redis+socket://", 1)


BROKER_URL = settings.PAIRWISE_BROKER_URL or celery_broker_url(settings.PAIRWISE_REDIS_URL)
app = Celery("pairwise-console", broker=BROKER_URL, amqp=ReturningAmqp)
# In every thread, not in this one alone.
app.set_default()
app.conf.update(
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_default_queue=CONSOLE_QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    **RETURNS,
    broker_transport_options=broker_options(BROKER_URL),
    # It remembers when it ran last only while it runs: the other one keeps a file, and a full disk ends it.
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        "broker accounts": {"task": "provisioning.keep_broker_accounts", "schedule": 5.0, "options": {"expires": 5}},
        "drills": {"task": "console.keep_drills", "schedule": 20.0, "options": {"expires": 20}},
        "more detail": {"task": "console.end_more_detail", "schedule": 10.0, "options": {"expires": 10}},
        "answers": {"task": "console.keep_answers", "schedule": 600.0, "options": {"expires": 600}},
        "sign-ins": {"task": "console.keep_sign_ins", "schedule": 60.0, "options": {"expires": 60}},
        "tokens": {"task": "console.keep_tokens", "schedule": 600.0, "options": {"expires": 600}},
        "reap": {"task": "provisioning.reap_jobs", "schedule": 5.0, "options": {"expires": 5}},
        "audit of changes": {"task": "provisioning.audit_changes", "schedule": 3.0, "options": {"expires": 3}},
        "audit": {"task": "provisioning.audit_everything", "schedule": settings.PAIRWISE_AUDIT_MINUTES * 60.0,
                  "options": {"expires": settings.PAIRWISE_AUDIT_MINUTES * 60}},
        "look around": {"task": "provisioning.look_around", "schedule": 15.0, "options": {"expires": 15}},
        "beat": {"task": "provisioning.heartbeat", "schedule": 2.0, "options": {"expires": 4}},
    },
)
app.autodiscover_tasks(["provisioning", "console"])
hangups.heed(app)


@worker_init.connect(weak=False)
def _require_the_key(sender, **_) -> None:
    from console.up.errors import CannotStart
    from console.up.keys import require_the_key_of_this_process

    if sender.app is not app:
        return
    try:
        require_the_key_of_this_process()
    except CannotStart as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


@worker_ready.connect(weak=False)
def _end_with_beat(sender, **_) -> None:
    """A worker whose beat has ended would only seem to work: `up` starts both anew."""
    if beat := sender.controller.beat:
        threading.Thread(target=_ask_to_end_after, args=(os.pidfd_open(beat.pid),), name="beat", daemon=True).start()


@worker_ready.connect(weak=False)
def _read_reports(sender, **_) -> None:
    """In this process, which carries out no task: hosts reach no queue that Celery reads."""
    from provisioning.jobs.worker.report_reader import reader

    if sender.app is app:
        reader.start()


@worker_shutting_down.connect(weak=False)
def _read_no_more_reports(**_) -> None:
    from provisioning.jobs.worker.report_reader import reader

    reader.stop()


def _ask_to_end_after(process: int) -> None:
    select.select([process], [], [])
    os.kill(os.getpid(), signal.SIGTERM)
    # After an error that Celery does not expect it waits for what never comes: `up` would take it for running.
    time.sleep(ENDS_S)
    os._exit(1)
