"""Tells the pages what changed: one entry a topic in a Redis stream that the live pages read."""

import functools
import logging
import threading
import time

import redis
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

STREAM = "pairwise:changes"
STREAM_LENGTH = 10_000
TIMEOUT_S = 0.5
SIGNED_OUT = "signed-out:"
QUIET_S = 1.0
"""After a failure nothing is tried for so long: a Redis that hangs must not slow every save down."""

log = logging.getLogger(__name__)
_quiet_until = 0.0
_was_away = False
_lock = threading.Lock()


def signed_out(user_id: int) -> str:
    """The topic by which open streams look whether the session that they were opened with is still there; it is for
    them alone."""
    return f"{SIGNED_OUT}{user_id}"


def announce(*topics: str) -> None:
    """After commit, publish each of ``topics`` ("application:<id>", "events:<application id>", "pair:<primary id>",
    "host:<id>", "job:<uuid>", "drill:<id>", "batch:<uuid>", "applications", "jobs", "status"). Outside a transaction at
    once. Never raises: without Redis the pages poll."""
    if topics:
        transaction.on_commit(functools.partial(_publish, tuple(dict.fromkeys(topics))), robust=True)


@functools.cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S,
                                retry=Retry(NoBackoff(), 0))


def _publish(topics: tuple[str, ...]) -> None:
    global _quiet_until, _was_away
    if time.monotonic() < _quiet_until:
        return
    try:
        with _client(settings.PAIRWISE_REDIS_URL).pipeline(transaction=False) as pipe:
            for topic in topics:
                pipe.xadd(STREAM, {"topic": topic}, maxlen=STREAM_LENGTH, approximate=True)
            pipe.execute()
        _was_away = False
    except (redis.RedisError, OSError) as error:
        with _lock:
            _quiet_until = time.monotonic() + QUIET_S
            first, _was_away = not _was_away, True
        log.log(logging.WARNING if first else logging.DEBUG,
                "Redis did not take the notice that %s changed, live pages poll until it does: %s", topics[0], error)
