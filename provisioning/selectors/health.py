"""Do the parts of the console answer? Every check is bounded in time and works while anything is down."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.db import connection
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.retry import Retry

from provisioning import control_client
from provisioning.models import ComponentHeartbeat, Host, HostRuntime
from provisioning.states import HostStatus

CHECK_S = 0.9
HEARTBEAT_MAX_AGE = timedelta(seconds=8)
HOST_MAX_AGE = timedelta(seconds=10)
LOCAL_HOST = "localhost"
COMPONENTS = ("database", "redis", "control", "console_worker", "agent", "worker")


@dataclass(frozen=True)
class Component:
    """How one component is. ``status`` is ok or down; ``reason`` a sentence when down."""

    status: str = "ok"
    reason: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"status": self.status} | ({"reason": self.reason} if self.reason else {})


OK = Component()
_flights: dict[str, "Flight"] = {}
_lock = threading.Lock()


def down(reason: str) -> Component:
    return Component("down", reason)


def worker_health(beat_at: datetime | None, now: datetime) -> Component:
    """Of the console worker, from its heartbeat."""
    if beat_at is None:
        return down("The console worker has never reported. Start it (./run starts it).")
    if now - beat_at > HEARTBEAT_MAX_AGE:
        return down(f"The console worker was last heard of {(now - beat_at).total_seconds():.0f} s ago.")
    return OK


def agent_health(runtime: HostRuntime | None, now: datetime) -> Component:
    """Of the Local Control Agent of this machine, from what control heard of it."""
    if runtime is None or runtime.heard_at is None:
        return down(f"The agent of {LOCAL_HOST} has never reported.")
    if runtime.status != HostStatus.RUNNING:
        return down(f"The agent of {LOCAL_HOST} is {runtime.status}. {runtime.reason}".strip())
    if now - runtime.heard_at > HOST_MAX_AGE:
        silent_s = (now - runtime.heard_at).total_seconds()
        return down(f"The agent of {LOCAL_HOST} was last heard of {silent_s:.0f} s ago.")
    return OK


def host_worker_health(runtime: HostRuntime | None, now: datetime) -> Component:
    """Of the host worker of this machine; the agent is the one who knows."""
    if agent_health(runtime, now) != OK:
        return down(f"Not known while the agent of {LOCAL_HOST} does not answer.")
    return OK if runtime.worker_alive else down(f"The host worker of {LOCAL_HOST} does not run.")


def _check_database() -> dict[str, Component | None]:
    try:
        now = timezone.now()
        beat_at = ComponentHeartbeat.objects.filter(name="console-worker").values_list("at", flat=True).first()
        found = {"database": OK, "console_worker": worker_health(beat_at, now)}
        if not Host.objects.filter(name=LOCAL_HOST).exists():
            # This machine only serves the console; the hosts are others.
            return found | {"agent": None, "worker": None}
        runtime = HostRuntime.objects.filter(host__name=LOCAL_HOST).first()
        return found | {"agent": agent_health(runtime, now), "worker": host_worker_health(runtime, now)}
    finally:
        connection.close()


def _check_redis() -> dict[str, Component]:
    client = redis.Redis.from_url(
        settings.PAIRWISE_REDIS_URL, socket_timeout=CHECK_S / 2, socket_connect_timeout=CHECK_S / 2,
        retry=Retry(NoBackoff(), 0))
    try:
        client.ping()
    finally:
        client.close()
    return {"redis": OK}


def _check_control() -> dict[str, Component]:
    control_client.ping(timeout_s=CHECK_S * 0.8)
    return {"control": OK}


CHECKS: dict[str, tuple[Callable[[], dict[str, Component]], str]] = {
    "database": (_check_database, "The Configuration Database does not answer."),
    "redis": (_check_redis, "Redis does not answer."),
    "control": (_check_control, "Control does not answer."),
}
_UNKNOWN = "Not known while the Configuration Database does not answer."


class Flight(threading.Thread):
    """One run of one check. Requests that come while it is under way share its answer, so a check that hangs never
    has a second thread."""

    def __init__(self, name: str):
        super().__init__(daemon=True, name=f"health-{name}")
        self.component, self.answers = name, {}

    def run(self):
        check, sentence = CHECKS[self.component]
        try:
            self.answers = check()
        except Exception:
            # Whatever it was, the component did not answer; the error's text may hold an address or a password.
            self.answers = {self.component: down(sentence)}


def health() -> dict[str, Component]:
    """Every component of ``COMPONENTS``, without agent and worker where the console's machine is no host, within about
    CHECK_S seconds. Never raises."""
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
    return {
        name: found.get(name) or down(CHECKS[name][1] if name in CHECKS else _UNKNOWN) for name in COMPONENTS
        if name not in found or found[name] is not None
    }
