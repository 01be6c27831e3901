"""Sends reports to the host's own queue of them over one connection of its own."""

import contextlib
from typing import Any

from celery import Celery
from kombu.connection import Connection
from kombu.entity import Exchange, Queue

from protocol.jobs import RECORD_REPORT, bounded_queue, reports_queue


class Sender:
    """Callable (report, signature); raises when the broker cannot be reached, after one attempt. Not thread-safe."""

    def __init__(self, app: Celery, host: str):
        self._app, self._queue = app, reports_queue(host)
        self._connection: Connection | None = None

    def __call__(self, report: dict[str, Any], signature: str) -> None:
        try:
            if self._connection is None:
                self._connection = self._app.connection_for_write()
                # One attempt: the reporter decides when to try again.
                self._connection.transport_options = {**(self._connection.transport_options or {}), "max_retries": 0}
            self._app.send_task(RECORD_REPORT, args=[report, signature], queue=self._queue, retry=False,
                                connection=self._connection, ignore_result=True, **self._way(self._connection))
        except Exception:
            self.close()
            raise

    def _way(self, connection: Connection) -> dict[str, Any]:
        """At Redis a host may add to its queue and nothing else. RabbitMQ drops what is sent to a queue that is not
        there, and who may send by the exchange that is there for everybody reaches every queue: so by one of its own.
        """
        if connection.transport.driver_type == "redis":
            return {"declare": []}
        queue = Queue(self._queue, Exchange(self._queue), self._queue,  # type: ignore[no-untyped-call]  # no types
                      queue_arguments=bounded_queue())
        return {"exchange": self._queue, "routing_key": self._queue, "declare": [queue]}

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.release()  # type: ignore[no-untyped-call]  # kombu has no types
