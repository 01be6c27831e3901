"""SIGHUP at the processes of a Celery worker, the host's and the console's. Celery would end a worker to start it anew,
with a command line that does not work; a pool process would end at once, and the job in it with it."""

import signal

from celery import Celery, bootsteps
from celery.signals import worker_process_init

from protocol.hangups import outlive


class Outlive(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """Steps are taken after Celery has set handlers of its own, and before it waits for its broker."""

    def start(self, parent: object) -> None:
        outlive()


def heed(app: Celery) -> None:
    """A worker of ``app`` outlives its terminal, with its pool."""
    app.steps["worker"].add(Outlive)


def _outlive(**_: object) -> None:
    # Celery has given them the usual action by now, and billiard gives those that do not ignore it one that ends them.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


worker_process_init.connect(_outlive, weak=False)
