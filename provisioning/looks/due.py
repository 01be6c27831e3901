"""When a host is looked at by itself."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, Q
from django.utils import timezone

from provisioning.jobs.selectors.installed import installed
from provisioning.looks.worker import AT_ONCE, TICK, can_look, look_at
from provisioning.models import Host, Job
from provisioning.states import ACTIVE_JOBS, HostStatus, JobKind


@dataclass(frozen=True)
class Seen:
    """A host that can be looked at: when that was last asked for, and when an application there was last changed or a
    job there ended."""

    host_id: int
    last: datetime | None
    changed: datetime | None = None


def due(hosts: Iterable[Seen], now: datetime, *, every: timedelta) -> list[int]:
    """Hosts to look at now: those where something was changed since, then those whose turn it is, longest first; no
    more at one time than spreads them over the period."""
    found = list(hosts)
    new = [each for each in found if each.last is None or (each.changed is not None and each.changed > each.last)]
    looked = [(each.last, each) for each in found if each.last is not None and each not in new]
    turn = [each for last, each in sorted(looked, key=lambda one: one[0]) if now - last >= every]
    most = max(AT_ONCE, math.ceil(2 * len(found) * TICK / every))
    return [each.host_id for each in (*new, *turn)][:most]


def look_around(now: datetime | None = None) -> int:
    """Ask for the looks that are due by the schedule; how many were asked for."""
    if not settings.PAIRWISE_LOOK_MINUTES:
        return 0
    # A time that lies ahead is of a clock that was wrong: it neither holds a look up nor asks for one again and again.
    now = now or timezone.now()
    found = Host.objects.filter(enabled=True, runtime__status=HostStatus.RUNNING).select_related("runtime")
    hosts = {host.pk: host for host in found if can_look(host)}
    changed = dict(installed().filter(host__in=hosts).values_list("host").annotate(
        at=Max("changed_at", filter=Q(changed_at__lte=now))))
    # By the console's clock; when a job finished is told by its host's.
    ended = dict(Job.objects.filter(host__in=changed, application__isnull=False, heard_at__lte=now).exclude(
        kind=JobKind.COLLECT_FACTS).exclude(state__in=ACTIVE_JOBS).values_list("host").annotate(
        at=Max("heard_at")).order_by())
    asked = Job.objects.filter(kind=JobKind.COLLECT_FACTS, host__in=changed, created_at__lte=now)
    last = dict(asked.values_list("host").annotate(at=Max("created_at")).order_by())
    seen = [Seen(key, last.get(key), max(filter(None, (at, ended.get(key))), default=None))
            for key, at in changed.items()]
    keys = due(seen, now, every=timedelta(minutes=settings.PAIRWISE_LOOK_MINUTES))
    return sum(look_at(hosts[key]) is not None for key in keys)
