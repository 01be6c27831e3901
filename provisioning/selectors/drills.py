"""Failover drills: which one runs, what they found, when the next ones are due."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from provisioning.errors import Link, NotFound, Refusal
from provisioning.models import Drill, DrillSchedule
from provisioning.rules.drill_schedule import DrillPlan, due, next_due
from provisioning.states import DrillState

from .pairs import has_backup


def running_drill() -> Drill | None:
    """The drill that runs now; the console runs one at a time."""
    return Drill.objects.filter(state=DrillState.RUNNING).first()


def drill_on(application_ids: Iterable[int]) -> Drill | None:
    """The running drill that one of these applications takes part in."""
    keys = list(application_ids)
    return Drill.objects.filter(Q(primary__in=keys) | Q(primary__backup_server__in=keys),
                                state=DrillState.RUNNING).first()


def under_way(drill: Drill) -> str:
    return f"{drill} of {drill.primary_name} and {drill.backup_name} is running."


def in_the_way(drill: Drill) -> Refusal:
    """What a verb is refused with while ``drill`` runs on the pair."""
    return Refusal(f"{under_way(drill)} Wait until it has ended, or cancel it.", "", (drill_link(drill),))


def drill_link(drill: Drill) -> Link:
    return Link("drill", str(drill.pk), str(drill))


def get_drill(drill_id: int) -> Drill:
    """Raises NotFound."""
    found = Drill.objects.select_related("primary").prefetch_related("steps").filter(pk=drill_id).first()
    if found is None:
        raise NotFound("There is no such failover drill.")
    return found


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
    return {drill.primary_id: drill for drill in Drill.objects.filter(pk__in=newest, primary__isnull=False)}


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
