"""Failover drills: which one runs, what they found, when the next ones are due."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from provisioning.core.console_worker import console_worker_health
from provisioning.core.known import age_s
from provisioning.errors import NotFound
from provisioning.jobs.rules.awaited import Awaited, reads_no_reports
from provisioning.models import Drill, DrillSchedule
from provisioning.pairs.selectors.pairs import has_backup
from provisioning.states import DrillState

from .rules.awaited import awaited
from .rules.schedule import DrillPlan, due, next_due


def get_drill(drill_id: int) -> Drill:
    """Raises NotFound."""
    found = Drill.objects.select_related("primary").prefetch_related("steps").filter(pk=drill_id).first()
    if found is None:
        raise NotFound("There is no such failover drill.")
    return found


def drill_awaited(drill: Drill) -> Awaited | None:
    """What ``drill`` waits for while it runs; None when it has ended."""
    if not drill.is_running:
        return None
    now = timezone.now()
    return awaited(is_taken=drill.started_at is not None, said_s=age_s(drill.heard_at or drill.started_at, now),
                   console_worker=reads_no_reports(console_worker_health(now)))


def drill_list(*, pair: str = "", state: str = "") -> QuerySet[Drill]:
    """Drills of all pairs, newest first; ``pair``: the name of a member when it ran, ``state`` a value
    of DrillState."""
    found = Drill.objects.all()
    if pair:
        found = found.filter(Q(primary_name=pair) | Q(backup_name=pair))
    return found.filter(state=state) if state else found


def drills_of(primary_id: int) -> QuerySet[Drill]:
    """All drills of a pair, newest first."""
    return Drill.objects.filter(primary=primary_id)


def last_drills(primary_ids: Iterable[int] | None = None) -> dict[int, Drill]:
    """{primary: its last drill that has ended and was not refused} of these pairs, or of all. One query.

    A refused one proves nothing about failover, so it does not take the place of one that did.
    """
    told = Drill.objects.exclude(state__in=(DrillState.RUNNING, DrillState.REFUSED))
    if primary_ids is not None:
        told = told.filter(primary__in=list(primary_ids))
    newest = told.order_by().values("primary").annotate(newest=Max("pk")).values("newest")
    return {drill.primary_id: drill for drill in Drill.objects.filter(pk__in=newest) if drill.primary_id is not None}


def last_passed(primary_id: int) -> Drill | None:
    return drills_of(primary_id).filter(state=DrillState.PASSED).first()


# --- schedules


def schedule_of(primary_id: int) -> DrillSchedule | None:
    return DrillSchedule.objects.filter(primary=primary_id).first()


def plan_of(schedule: DrillSchedule) -> DrillPlan:
    return DrillPlan(every_days=schedule.every_days, at=schedule.at, until=schedule.until, since=schedule.set_at,
                     enabled=schedule.enabled)


def next_of(schedule: DrillSchedule | None) -> datetime | None:
    """When the next drill starts by itself; None when none does."""
    return next_due(plan_of(schedule), timezone.now(), schedule.last_started_at) if schedule else None


def due_schedules(now: datetime) -> list[DrillSchedule]:
    """What is to start now, those that waited longest first."""
    rows = DrillSchedule.objects.filter(has_backup("primary__"), enabled=True).select_related("primary")
    found = [row for row in rows if due(plan_of(row), now, row.last_started_at)]
    return sorted(found, key=lambda row: (row.last_started_at or row.set_at, row.pk))
