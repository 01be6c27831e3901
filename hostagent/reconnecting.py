"""How a Celery worker, the host's and the console's, comes back to a broker that was away."""

from celery.app.amqp import AMQP
from kombu import Connection

FIRST_RETRY_S, LONGEST_RETRY_S = 1, 3


class ReturningConnection(Connection):
    """Tries again every LONGEST_RETRY_S, where kombu's own pauses grow to half a minute: for so long a host would take
    no jobs after the broker is back, and the console would hear of none."""

    def ensure_connection(self, *args, **kwargs):
        pauses = {"interval_start": FIRST_RETRY_S, "interval_step": 1, "interval_max": LONGEST_RETRY_S}
        return super().ensure_connection(*args, **{**pauses, **kwargs})


class ReturningAmqp(AMQP):
    """For ``Celery(amqp=...)``."""

    Connection = ReturningConnection
