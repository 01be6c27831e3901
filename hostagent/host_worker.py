"""The host worker (``python -m hostagent.host_worker``), which the agent starts: carries out jobs on this host, each in
a process of a pool (``hostagent.celery``). Celery's own command would load a shell, too, in each of them."""

import logging
import sys

from celery.concurrency import get_implementation

from protocol.jobs import AT_ONCE, host_queue

from .celery import app, config


def main() -> int:
    worker = app.Worker(hostname=f"worker@{config.host}", queues=host_queue(config.host), concurrency=AT_ONCE,
                        pool_cls=get_implementation("prefork"), loglevel=logging.INFO, without_mingle=True,
                        without_gossip=True, without_heartbeat=True)
    worker.start()
    return worker.exitcode or 0


if __name__ == "__main__":
    sys.exit(main())
