"""The Celery application of the host worker (``hostagent.host_worker``), configured from PAIRWISE_AGENT_CONFIG."""

import ctypes
import encodings.idna  # noqa: F401 - loaded here once, not by every pool child in its first job
import gzip  # noqa: F401 - as well
import os
import signal
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import (
    task_postrun,
    worker_before_create_process,
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutting_down,
)

from protocol import collector
from protocol.jobs import RUN_JOB, broker_options, host_control, host_queue

from . import hangups, pool_end  # noqa: F401 - pool_end connects to the worker's signal
from .config import CONFIG_VARIABLE, AgentConfig, load
from .jobs.context import context_of
from .jobs.frame import run_job
from .jobs.janitor import Janitor
from .reconnection import RETURNS, ReturningAmqp
from .worker import PARENT_VARIABLE

PR_SET_PDEATHSIG = 1


def own_options(config: AgentConfig) -> dict[str, Any]:
    """What was delivered and not acknowledged is kept apart from other hosts', as the host's account at Redis may
    reach its own keys only (``provisioning.broker.rules``)."""
    options, host = broker_options(config.broker_url), config.host
    if config.broker_url.startswith("amqp"):
        return options
    own = {f"{name}_key": f"{name}.{host_queue(host)}" for name in ("unacked", "unacked_index", "unacked_mutex")}
    # One priority, so one key.
    return {**options, **own, "priority_steps": [0]}


def make_app(config: AgentConfig) -> Celery:
    # Without fixups: with the environment of a console that of Django would load all of that.
    celery = Celery("hostagent", broker=config.broker_url, set_as_current=False, amqp=ReturningAmqp, fixups=[])
    celery.conf.update(
        task_serializer="json", accept_content=["json"], result_serializer="json", task_ignore_result=True,
        result_backend=None, task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=1,
        broker_transport_options=own_options(config), worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=True, worker_send_task_events=False, task_create_missing_queues=True,
        worker_proc_alive_timeout=30.0, enable_utc=True,
        # Without an expiry: Redis would keep it in a table that all hosts had to write.
        control_exchange=host_control(config.host), control_queue_expires=None, **RETURNS,
    )
    return celery


config = load(Path(os.environ[CONFIG_VARIABLE]), os.environ)
app = make_app(config)
hangups.heed(app)
context = context_of(config, app)
janitor = Janitor(context)
main_pid = os.getpid()
"""The worker's main process; its pool children are forked from it and inherit this value."""


@app.task(name=RUN_JOB)  # type: ignore[untyped-decorator]  # Celery has no types
def run(payload: dict[str, Any], signature: str) -> None:
    """Entry point only: the frame verifies, journals, runs and reports."""
    run_job(context, payload, signature)


def _die_with_parent(expected_parent: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # The parent may have died before the line above.
    if os.getppid() != expected_parent:
        os._exit(1)


def _worker_starts(**_: object) -> None:
    if parent := os.environ.get(PARENT_VARIABLE):
        _die_with_parent(int(parent))


def _pool_child_is_made(**_: object) -> None:
    # The collector writes to each object that it looks at, and what was written to is no longer shared.
    collector.spare()


def _pool_child_starts(**_: object) -> None:
    _die_with_parent(main_pid)


def _job_is_over(**_: object) -> None:
    # What a job has freed would be kept for the next one.
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def _worker_is_ready(**_: object) -> None:
    janitor.start()


def _worker_ends(**_: object) -> None:
    janitor.stop()


worker_init.connect(_worker_starts, weak=False)
worker_before_create_process.connect(_pool_child_is_made, weak=False)
worker_process_init.connect(_pool_child_starts, weak=False)
task_postrun.connect(_job_is_over, weak=False)
worker_ready.connect(_worker_is_ready, weak=False)
worker_shutting_down.connect(_worker_ends, weak=False)
