"""How a Celery worker, the host's and the console's, comes back to a broker that was away."""

from typing import Any

from celery.app.amqp import AMQP
from kombu.connection import Connection
from kombu.transport import redis, virtual

from . import unexpanded  # noqa: F401 - every Celery application of ours has its connections from here

FIRST_RETRY_S, LONGEST_RETRY_S = 1, 3
RETURNS = {
    "broker_connection_retry_on_startup": True, "broker_connection_max_retries": None,
    # A Redis whose disk is full, or that has no replica left, refuses to hand anything out until that is over. Celery
    # takes it for the end, which its main process then does not always find.
    "broker_channel_error_retry": True,
}
"""For ``Celery.conf.update``."""


class ReturningConnection(Connection):
    """Tries again every LONGEST_RETRY_S, where kombu's own pauses grow to half a minute: for so long a host would take
    no jobs after the broker is back, and the console would hear of none."""

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        pauses = {"interval_start": FIRST_RETRY_S, "interval_step": 1, "interval_max": LONGEST_RETRY_S}
        return super().ensure_connection(*args, **{**pauses, **kwargs})  # type: ignore[no-untyped-call]  # kombu has no types


class ReturningAmqp(AMQP):  # type: ignore[misc]  # Celery has no types
    """For ``Celery(amqp=...)``."""

    Connection = ReturningConnection


class LettingGo(redis.QoS):
    """A message whose acknowledgement did not reach Redis gives its place back all the same.

    Celery only logs such a failure, and the connection on which it waits for messages may outlive it: with every place
    of its prefetch window taken for ever, a worker would ask for nothing any more and look well. The message stays in
    Redis as not acknowledged; delivered again, it is known by its id.
    """

    def ack(self, delivery_tag: Any) -> None:
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]  # kombu has no types
        except Exception:
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]  # kombu has no types
            raise


redis.Channel.QoS = LettingGo
