"""``/drills``: failover drills of all pairs, and when they start by themselves."""

from collections.abc import Iterable
from datetime import datetime, time
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.applications.selectors.applications import find_application, get_application
from provisioning.core.permissions import actor_of
from provisioning.drills import selectors as selector
from provisioning.drills.rules.drills import conditions_of
from provisioning.drills.rules.figures import figures_of
from provisioning.drills.services import drills as services
from provisioning.pairs.selectors.pairs import Pair, get_pair

from .changes import Change, answered
from .documents import Strict
from .filters import Filter, Text, Whole
from .paging import Page, PageOf, by_id_or_name

router = Router(tags=["drills"])
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="A time of the day, UTC.")]


class DrillsFilter(Filter):
    """``pair``: the name of a member, as it was called then."""

    pair: Text = ""
    state: Literal["", "running", "passed", "failed", "refused", "interrupted"] = ""


class DrillFigures(BaseModel):
    """Messages of the probe load; ``outage_…_ms``: the longest time without an acknowledgement around each switch.
    ``lost`` is null where nobody could read them back."""

    sent: int
    acknowledged: int
    delivered: int
    lost: int | None
    duplicated: int
    outage_over_ms: float | None
    outage_back_ms: float | None


class DrillRow(BaseModel):
    """``figures`` are null before the probe load."""

    id: int
    primary: str
    backup: str
    state: str
    asked_by: str
    scheduled: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    sentence: str
    advice: str
    served_before: str
    serves_now: str
    switched_back: bool
    figures: DrillFigures | None


class DrillCondition(BaseModel):
    """``state``: ok, no or unknown."""

    code: str
    label: str
    state: str
    sentence: str
    advice: str
    necessary: bool


class DrillStep(BaseModel):
    phase: str
    state: str
    started_at: datetime | None
    finished_at: datetime | None
    sentence: str


class DrillDetail(DrillRow):
    """``preflight``: what was looked at before. ``cancelled_by``: who asked for it to end, "" for nobody."""

    preflight: list[DrillCondition]
    steps: list[DrillStep]
    cancelled_by: str


class ScheduleBody(Strict):
    """Every ``every_days`` days at ``at``, or as soon as possible until ``until``: times of the day, UTC. ``mark``: of
    the schedule that this is based on, "" for whatever is set."""

    enabled: bool
    every_days: Whole
    at: Clock
    until: Clock
    mark: Text = ""


class Schedule(BaseModel):
    """What is set for a pair; without a schedule ``enabled`` is false and the rest null. ``note``: why the last one
    that was due did not start. ``mark`` names what is set."""

    primary: str
    enabled: bool
    every_days: int | None = None
    at: str | None = None
    until: str | None = None
    set_by: str = ""
    set_at: datetime | None = None
    last_started_at: datetime | None = None
    next_at: datetime | None = None
    note: str = ""
    mark: str


@router.get("", response=PageOf[DrillRow], summary="List failover drills")
def drills(request: HttpRequest, page: Query[Page], filters: Query[DrillsFilter]) -> HttpResponse:
    """The newest first."""
    return page.of(selector.drill_list(pair=filters.pair, state=filters.state), described, DrillRow, sort="-id")


@router.get("/{int:drill_id}", response=DrillDetail, summary="A failover drill")
def drill(request: HttpRequest, drill_id: int) -> HttpResponse:
    """From its first phase to its report."""
    return _answered(drill_id)


@router.post("/{int:drill_id}/cancel", response={202: DrillDetail, 200: DrillDetail}, summary="Cancel a drill")
def cancel(request: HttpRequest, drill_id: int, change: Query[Change]) -> HttpResponse:
    """It leaves the pair as it found it, if it can: 202 while it does."""
    return change.carried_out(lambda: _answered(
        services.cancel_drill(actor=actor_of(request), drill_id=drill_id).pk, running=200 if change.dry_run else 202))


@router.get("/schedules/{pair}", response=Schedule, summary="When drills of a pair start by themselves")
def schedule(request: HttpRequest, pair: str) -> HttpResponse:
    return answered(_schedule(_pair(pair)), Schedule)


@router.put("/schedules/{pair}", response=Schedule, summary="Have drills of a pair start by themselves, or stop that")
def set_schedule(request: HttpRequest, pair: str, body: ScheduleBody, change: Query[Change]) -> HttpResponse:
    found = _pair(pair)
    draft = services.ScheduleDraft(enabled=body.enabled, every_days=body.every_days, at=time.fromisoformat(body.at),
                                   until=time.fromisoformat(body.until))

    def work() -> HttpResponse:
        services.set_schedule(actor=actor_of(request), application_id=found.id, draft=draft, seen=body.mark or None)
        return answered(_schedule(found), Schedule)

    return change.carried_out(work)


def _pair(key: str) -> Pair:
    """By the name or id of either member. Raises NotFound."""
    return get_pair(by_id_or_name(key, get_application, find_application).pk)


def _schedule(pair: Pair) -> Schedule:
    row = selector.schedule_of(pair.id)
    if row is None:
        return Schedule(primary=pair.primary.name, enabled=False, mark=services.mark_of(None))
    return Schedule(
        primary=pair.primary.name, enabled=row.enabled, every_days=row.every_days, at=f"{row.at:%H:%M}",
        until=f"{row.until:%H:%M}", set_by=row.set_by, set_at=row.set_at, last_started_at=row.last_started_at,
        next_at=selector.next_of(row), note=row.note, mark=services.mark_of(row))


def _answered(drill_id: int, *, running: int = 200) -> HttpResponse:
    """Raises NotFound."""
    row = selector.get_drill(drill_id)
    [said] = described([row])
    body = DrillDetail(
        **dict(said), cancelled_by=row.cancel_requested_by,
        preflight=[DrillCondition(**vars(each)) for each in conditions_of(row.preflight)],
        steps=[DrillStep(phase=each.phase, state=each.state, started_at=each.started_at, finished_at=each.finished_at,
                         sentence=each.sentence) for each in row.steps.all()])
    return answered(body, DrillDetail, status=running if row.is_running else 200)


def described(rows: Iterable[Any]) -> list[DrillRow]:
    return [DrillRow(
        id=row.pk, primary=row.primary_name, backup=row.backup_name, state=row.state, asked_by=row.asked_by,
        scheduled=row.scheduled, created_at=row.created_at, started_at=row.started_at, finished_at=row.finished_at,
        sentence=row.sentence, advice=row.advice, served_before=row.served_before, serves_now=row.serves_now,
        switched_back=row.switched_back,
        figures=DrillFigures(**vars(figures_of(row.figures))) if row.figures else None) for row in rows]
