"""The console's Celery application: its own worker, which also reads what hosts report and keeps the schedule, and the
sender of jobs."""

import os
import signal
import sys
import time

from celery import Celery
from celery.signals import worker_init, worker_ready, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
# `up` has asked for them, and those of Django load every page.
os.environ["CELERY_SKIP_CHECKS"] = "1"

from django.conf import settings

from hostagent import hangups
from hostagent.reconnection import RETURNS, ReturningAmqp
from protocol import collector
from protocol.jobs import CONSOLE_QUEUE, broker_options

collector.look_rarely()
ENDS_S = 5.0
"""How long it takes at most to end once its schedule has: as long as `up` waits for it (``console.up.child``)."""


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
def _begin(sender, **_) -> None:
    """In this process, beside its tasks: hosts reach no queue that Celery reads."""
    from console.schedule import schedule
    from provisioning.jobs.worker.report_reader import reader

    if sender.app is app:
        reader.start()
        schedule.start(_end)


@worker_shutting_down.connect(weak=False)
def _begin_no_more(**_) -> None:
    from console.schedule import schedule
    from provisioning.jobs.worker.report_reader import reader

    reader.stop()
    schedule.stop()


def _end() -> None:
    """A worker without its schedule would only seem to work: `up` starts it anew."""
    os.kill(os.getpid(), signal.SIGTERM)
    # After an error that Celery does not expect it waits for what never comes: `up` would take it for running.
    time.sleep(ENDS_S)
    os._exit(1)
