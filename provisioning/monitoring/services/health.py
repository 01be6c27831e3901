"""Do the parts of the console answer? Every check is bounded in time and works while anything is down."""

import threading
import time
from collections.abc import Callable, Mapping

import redis
from django.conf import settings
from django.db import connection, connections, transaction
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.retry import Retry

from provisioning.broker.selectors import broker
from provisioning.core import control_client
from provisioning.core.console_worker import console_worker_health
from provisioning.core.control import control_seen
from provisioning.core.database import WRITE_S, WriteProof, waiting_at_most
from provisioning.core.database_version import trouble_with, version_trouble
from provisioning.core.health import (
    DOWN,
    LOCAL_HOST,
    OK,
    UNKNOWN,
    Component,
    agent_health,
    host_worker_health,
)
from provisioning.logs.selectors.reader import reader_health
from provisioning.models import ComponentHeartbeat, Host, HostRuntime

CHECK_S = 0.9
COMPONENTS = ("database", "redis", "control", "console_worker", "log_reader", "broker_accounts", "agent",
              "worker")
NO_ACCOUNTS = "Hosts cannot have accounts at the broker, so none takes jobs: ./run manage check says why."
_flights: dict[str, "Flight"] = {}
_lock = threading.Lock()


def _write() -> None:
    """One row, in a transaction that waits at most WRITE_S."""
    with waiting_at_most(WRITE_S), transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)",
                               [f"{WRITE_S}s"] * 2)
        ComponentHeartbeat.show("database")


proof = WriteProof(_write)


def _check_database() -> dict[str, Component | None]:
    try:
        now = timezone.now()
        is_host = Host.objects.filter(name=LOCAL_HOST).exists()
        runtime = HostRuntime.objects.filter(host__name=LOCAL_HOST).first()
        control = control_seen(now)
        proof.look()
        unwritten_since = "the Configuration Database takes no write, so nothing newer is in it." if proof.trouble \
            else ""
        version = version_trouble()
        database = _down("database", version.explained) if version else proof.component
        found = {"database": database, "console_worker": console_worker_health(now, blind=unwritten_since),
                 "log_reader": reader_health(now, blind=unwritten_since),
                 "broker_accounts": Component(DOWN, None, NO_ACCOUNTS) if broker().why else None}
        if not is_host:
            # This machine only serves the console; the hosts are others.
            return found | {"agent": None, "worker": None}
        blind = unwritten_since or ("" if control.answers else "control, which hears of it, does not answer.")
        return found | {"agent": agent_health(runtime, control.now, blind=blind),
                        "worker": host_worker_health(runtime, control.now, blind=blind)}
    finally:
        # Of both databases: this thread ends, and its places in the pools with it.
        connections.close_all()


def _check_redis() -> dict[str, Component]:
    client = redis.Redis.from_url(
        settings.PAIRWISE_REDIS_URL, socket_timeout=CHECK_S / 2, socket_connect_timeout=CHECK_S / 2,
        retry=Retry(NoBackoff(), 0))
    try:
        client.ping()
    finally:
        client.close()
    return {"redis": Component(OK, 0.0)}


def _check_control() -> dict[str, Component]:
    trouble = control_client.ping(timeout_s=CHECK_S * 0.8).get("trouble", "")
    return {"control": Component(DOWN, 0.0, f"{trouble} Pairs cannot fail over.") if trouble else Component(OK, 0.0)}


CHECKS: dict[str, tuple[Callable[[], Mapping[str, Component | None]], str]] = {
    "database": (_check_database, "The Configuration Database does not answer."),
    "redis": (_check_redis, "Redis does not answer."),
    "control": (_check_control, "Control does not answer."),
}


class Flight(threading.Thread):
    """One run of one check. Requests that come while it is under way share its answer, so a check that hangs never
    has a second thread."""

    def __init__(self, name: str):
        super().__init__(daemon=True, name=f"health-{name}")
        self.component = name
        self.answers: Mapping[str, Component | None] = {}

    def run(self):
        check, sentence = CHECKS[self.component]
        try:
            self.answers = check()
        except Exception as error:
            # The error's own text may hold an address or a password.
            trouble = trouble_with(error)
            self.answers = {self.component: _down(self.component, trouble.explained if trouble else sentence)}
        else:
            _answered_at[self.component] = time.monotonic()


_answered_at: dict[str, float] = {}
"""When each check last came back with an answer, monotonic."""


def _down(name: str, sentence: str) -> Component:
    return Component(DOWN, None if name not in _answered_at else time.monotonic() - _answered_at[name], sentence)


def health() -> dict[str, Component]:
    """Every component of ``COMPONENTS``, without agent and worker where the console's machine is no host, without the
    log reader where none has ever run and no pair is chosen for it, and without the hosts' accounts while these are
    well, within about CHECK_S seconds. Never raises."""
    deadline = time.monotonic() + CHECK_S
    with _lock:
        for name in CHECKS:
            if name not in _flights or not _flights[name].is_alive():
                _flights[name] = Flight(name)
                _flights[name].start()
        flights = list(_flights.values())
    found: dict[str, Component | None] = {}
    for flight in flights:
        flight.join(max(0.0, deadline - time.monotonic()))
        found |= flight.answers
    return {name: found.get(name) or _unanswered(name) for name in COMPONENTS
            if name not in found or found[name] is not None}


def _unanswered(name: str) -> Component:
    """Of a check that has not come back."""
    if name not in CHECKS:
        return Component(UNKNOWN, None, "Not known without the Configuration Database.")
    writing = proof.component
    return writing if name == "database" and writing.status != OK else _down(name, CHECKS[name][1])
