"""The dashboard: applications and hosts by status, and how the parts of the console are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.db.models import Count, QuerySet
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.retry import Retry

from provisioning.accounts.selectors.proxies import unnamed_proxy
from provisioning.applications.selectors.applications import with_status
from provisioning.broker.selectors import broker
from provisioning.core import ages
from provisioning.core.control import CONTROL, control_beats, control_seen
from provisioning.hosts.selectors.hosts import host_list
from provisioning.logs.selectors.reader import LOG_READER, reader_health
from provisioning.models import Application, ComponentHeartbeat
from provisioning.states import ApplicationStatus, HostStatus

REDIS_S = 0.4
BEATING = {
    "control": ("Control", "Configuration Server and Solution Control: decides who is primary, knows every status."),
    "console-worker": ("Console worker", "Records what hosts report and finds jobs that were lost."),
}
READER = {LOG_READER: ("Log reader", "Reads the log records of the pair that is chosen at Centralized Log.")}
"""Shown where one has run, or is missed as a pair is chosen."""
STANDBY = {"control-standby": ("Standby control", "Takes over when the control that leads is gone.")}
"""Shown when there are several controls."""


@dataclass(frozen=True)
class StatusCount:
    """So many objects have this status; ``share`` of all of them in percent."""

    status: str
    number: int
    share: float


@dataclass(frozen=True)
class Part:
    """A part of the console. ``status``: ok, late (was there a moment ago) or failed; ``at``: last sign of life;
    ``trouble``: what is wrong all the same, as a sentence."""

    name: str
    label: str
    what: str
    status: str
    at: datetime | None
    trouble: str = ""

    @property
    def is_heard(self) -> bool:
        """Whether pages say when it was last heard of."""
        return self.name in (BEATING | READER)


def _counts(found: dict[str, int], order: Iterable[str]) -> list[StatusCount]:
    total = sum(found.values()) or 1
    return [
        StatusCount(str(status), found[status], 100 * found[status] / total) for status in order if found.get(status)
    ]


def application_counts() -> list[StatusCount]:
    """Applications by status, in the order of ApplicationStatus; statuses that nothing has are left out, and so are
    applications that have none."""
    rows: QuerySet = with_status(Application.objects.order_by())
    rows = rows.filter(status__isnull=False).values_list("status").annotate(n=Count("pk"))
    return _counts(dict(rows), ApplicationStatus)


def host_counts() -> list[StatusCount]:
    """Hosts by status."""
    found: dict[str, int] = {}
    hosts: QuerySet = host_list()
    for status in hosts.values_list("status", flat=True):
        found[status] = found.get(status, 0) + 1
    return _counts(found, HostStatus)


def heartbeat_status(at: datetime | None, now: datetime, late_after: timedelta = ages.CONSOLE_PART) -> str:
    """ok while the heartbeat is fresh, late up to ten times as long, failed after that or without one."""
    if at is None or now - at > 10 * late_after:
        return "failed"
    return "ok" if now - at <= late_after else "late"


def console_parts() -> list[Part]:
    """Every part of the console. This page was made by the web server out of the database, so both answer."""
    now, noted = timezone.now(), broker()
    reads = READER if reader_health(now) else {}
    control, server = control_seen(now), " ".join(filter(None, (noted.server, noted.program and f"({noted.program})")))
    beats = dict(ComponentHeartbeat.objects.values_list("name", "at")) | control_beats()
    parts = [
        Part("web", "Web", "These pages and what hosts fetch.", "ok", now, unnamed_proxy()),
        Part("database", "Configuration Database", "Every object, job and history entry.", "ok", now),
        Part("redis", "Redis", f"Carries jobs to hosts and changes to open pages. {server}".strip(),
             "ok" if redis_answers() else "failed", now, noted.why),
    ]
    return parts + [
        Part(name, label, what, "failed" if name == CONTROL and control.is_ahead else heartbeat_status(
            beats.get(name), control.now if name == CONTROL else now,
            ages.CONTROL if name == CONTROL else ages.CONSOLE_PART), beats.get(name))
        for name, (label, what) in (BEATING | reads | (STANDBY if len(settings.PAIRWISE_CONTROLS) > 1 else {})).items()
    ]


def redis_answers() -> bool:
    """True when Redis answers a PING within REDIS_S."""
    client = redis.Redis.from_url(settings.PAIRWISE_REDIS_URL, socket_timeout=REDIS_S, socket_connect_timeout=REDIS_S,
                                  retry=Retry(NoBackoff(), 0))
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()
