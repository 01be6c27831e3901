"""Sends reports to the console's queue over one connection of its own."""

import contextlib

from celery import Celery
from kombu import Connection

from protocol.jobs import CONSOLE_QUEUE, RECORD_REPORT


class Sender:
    """Callable (report, signature); raises when the broker cannot be reached, after one attempt. Not thread-safe."""

    def __init__(self, app: Celery):
        self._app = app
        self._connection: Connection | None = None

    def __call__(self, report: dict, signature: str) -> None:
        try:
            if self._connection is None:
                self._connection = self._app.connection_for_write()
                # One attempt: the reporter decides when to try again.
                self._connection.transport_options = {**self._connection.transport_options, "max_retries": 0}
            # Nothing is declared: the queue is the console's, a host may only add to it.
            self._app.send_task(RECORD_REPORT, args=[report, signature], queue=CONSOLE_QUEUE, declare=[], retry=False,
                                connection=self._connection, ignore_result=True)
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.release()
