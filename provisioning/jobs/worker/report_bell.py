"""Redis says when something was added to a queue of reports: whoever reads them need not ask all the time."""

import contextlib
import logging
import time

import redis
from redis.connection import Connection

from protocol.jobs import reports_queue

log = logging.getLogger(__name__)
LISTENS_S = 60.0
"""A connection that is open at this end only tells nothing: it is made anew so often."""


class Bell:
    """By the server's tracking of keys (``CLIENT TRACKING``, from Redis 6.0 on), on a connection of its own. A server
    that is too old, or an account that may not ask for it, is asked as before."""

    def __init__(self, client: redis.Redis):
        self._pool = client.connection_pool
        self._connection: Connection | None = None
        self._refused, self._until = False, 0.0

    def rings(self, within_s: float) -> bool | None:
        """True when a queue changed since the last call, or does within ``within_s`` seconds, and when that is not
        known, as it is listened only from now on. None, at once, where the server does not tell. Never raises."""
        if self._refused:
            return None
        try:
            if self._connection is None or time.monotonic() > self._until:
                self.close()
                self._refused = not self._listens()
                return None if self._refused else True
            if not self._connection.can_read(within_s):
                return False
            while self._connection.can_read(0):
                self._connection.read_response(push_request=True)
        except (redis.RedisError, OSError) as error:
            log.info("it is listened for reports anew: %s", error)
            self.close()
        return True

    def _listens(self) -> bool:
        self._connection, self._until = self._pool.get_connection(), time.monotonic() + LISTENS_S
        try:
            self._connection.send_command("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", reports_queue(""))
            self._connection.read_response()
        except redis.ResponseError as error:
            log.info("Redis does not say when reports come, and is asked all the time: %s", error)
            self.close()
            return False
        return self._connection.protocol in (3, "3")

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(redis.RedisError, OSError):
                connection.disconnect()
                self._pool.release(connection)
