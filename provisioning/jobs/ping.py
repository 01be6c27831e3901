"""Whether a host's worker answers over the broker, as jobs would reach it."""

import logging

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from console.celery import app

from .dispatch import CONNECT_TIMEOUT_S, mailbox

log = logging.getLogger(__name__)
PING_S = 0.8


def worker_answers(host_name: str, within_s: float = PING_S) -> bool:
    """True when the worker of the host answers within ``within_s``; False too when the broker is away."""
    options = {"socket_connect_timeout": CONNECT_TIMEOUT_S, "socket_timeout": within_s + CONNECT_TIMEOUT_S}
    try:
        with app.connection_for_write(connect_timeout=CONNECT_TIMEOUT_S, transport_options=options) as connection:
            return bool(mailbox(host_name, connection).multi_call("ping", timeout=within_s, limit=1))
    except (OperationalError, OSError, RedisError) as error:
        log.info("The worker of %s could not be asked: %s", host_name, error)
        return False
    except Exception as error:
        # kombu takes apart whatever the host sent as its answer.
        log.warning("The worker of %s did not answer as one: %s", host_name, type(error).__name__)
        return False
