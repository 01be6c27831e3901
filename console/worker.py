"""The console worker (``python -m console.worker``): carries out the console's tasks in threads of one process, reads
what hosts report and keeps the schedule (``console.celery``). Celery's own command would load a shell, too."""

import logging
import sys

THREADS = 4


def main() -> int:
    from celery.concurrency import get_implementation

    from console.celery import app
    from protocol.jobs import CONSOLE_QUEUE

    worker = app.Worker(queues=CONSOLE_QUEUE, pool_cls=get_implementation("threads"), concurrency=THREADS, quiet=True,
                        loglevel=logging.WARNING, without_mingle=True, without_gossip=True, without_heartbeat=True)
    worker.start()
    return worker.exitcode or 0


if __name__ == "__main__":
    sys.exit(main())
