"""Whether a host's worker answers over the broker, as jobs would reach it."""

import base64
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from celery import current_app as app
from kombu.pidbox import Mailbox

from protocol.outside import read_json

from .dispatch import BROKER_ERRORS, CONNECT_TIMEOUT_S, mailbox

log = logging.getLogger(__name__)
ASK_AGAIN_S = 1.0
PING_S, BETWEEN_LOOKS_S = 0.8, 0.02
ANSWER_BYTES_MAX = 64 * 1024
_TAKE = """
local answer = redis.call('RPOP', KEYS[1])
if answer and #answer > tonumber(ARGV[1]) then return '' end
return answer
"""


class Answers(Mailbox):
    """Of a host that was asked: at Redis, an answer that is too large does not leave it, and kombu takes none apart."""

    connection: Any

    def _collect(self, ticket, limit=None, timeout=1, callback=None, channel=None, accept=None):
        connection = self.connection
        channel = channel or connection.default_channel
        if connection.transport.driver_type != "redis":
            return super()._collect(ticket, limit, timeout, callback, channel, accept)
        name, take, until = self.reply_queue.name, channel.client.register_script(_TAKE), time.monotonic() + timeout
        try:
            while (raw := take([name], [ANSWER_BYTES_MAX])) is None and time.monotonic() < until:
                time.sleep(BETWEEN_LOOKS_S)
        finally:
            channel.after_reply_message_received(name)
        return [raw] if raw is not None and is_pong(raw) else []


def is_pong(raw: bytes | str) -> bool:
    """True of a message, as kombu writes it into Redis, by which a worker answers a ping."""
    try:
        answer = read_json(base64.b64decode(read_json(raw)["body"]))
        return {"ok": "pong"} in answer.values()
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def worker_answers(host_name: str, within_s: float = PING_S) -> bool:
    """True when the worker of the host answers within ``within_s``; False too when the broker is away."""
    return bool(answer_of_worker(host_name, within_s))


def answer_of_worker(host_name: str, within_s: float = PING_S) -> bool | None:
    """As ``worker_answers``; None when the broker is away, so that nobody could be asked."""
    options = {"socket_connect_timeout": CONNECT_TIMEOUT_S, "socket_timeout": within_s + CONNECT_TIMEOUT_S}
    try:
        with app.connection_for_write(connect_timeout=CONNECT_TIMEOUT_S, transport_options=options) as connection:
            return bool(mailbox(host_name, connection, Answers).multi_call("ping", timeout=within_s, limit=1))
    except BROKER_ERRORS as error:
        log.info("The worker of %s could not be asked: %s", host_name, error)
        return None
    except Exception as error:
        # At RabbitMQ kombu takes apart whatever the host sent as its answer.
        log.warning("The worker of %s did not answer as one: %s", host_name, type(error).__name__)
        return False


@dataclass
class _Asked:
    next_at: float = float("-inf")
    under_way: bool = False
    answers: bool = False


class Pings:
    """Asks the worker of each host once at a time and once in ASK_AGAIN_S, however often its host wants to know: an
    answer takes up to PING_S. Whoever wants to know meanwhile waits for nothing and gets the answer before, False at
    first. One of a process."""

    def __init__(self, ask: Callable[[str], bool] = worker_answers, clock: Callable[[], float] = time.monotonic):
        self._ask, self._clock, self._lock = ask, clock, threading.Lock()
        self._hosts: dict[str, _Asked] = {}

    def answers(self, host_name: str) -> bool:
        """For a host that has shown who it is: each that asks is kept."""
        with self._lock:
            asked = self._hosts.setdefault(host_name, _Asked())
            if asked.under_way or self._clock() < asked.next_at:
                return asked.answers
            asked.under_way = True
        try:
            asked.answers = self._ask(host_name)
        finally:
            asked.next_at, asked.under_way = self._clock() + ASK_AGAIN_S, False
        return asked.answers


pings = Pings()
