"""``/maintenance``: times in which alarms about something are masked."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.alarms.forms import MaintenanceFilter
from provisioning.alarms.rules.maintenance import MaintenanceDraft, state_of
from provisioning.alarms.selectors import maintenance as selector
from provisioning.alarms.services import maintenance as services
from provisioning.core.permissions import actor_of

from .changes import Change, answered
from .documents import Strict
from .filters import Filter, Text
from .paging import Page, PageOf
from .saved import created

router = Router(tags=["alarms"])


class MaintenancesFilter(Filter):
    """``state``: "" for what goes on or will."""

    text: Text = ""
    state: Literal["", "over"] = ""


class MaintenanceRow(BaseModel):
    """``about`` is host, application or pair, ``name`` that of it, of a pair its primary's."""

    id: int
    about: str
    name: str
    state: str
    begins_at: datetime
    ends_at: datetime
    reason: str
    created_by: str
    created_at: datetime
    ended_by: str


class MaintenanceBody(Strict):
    """``begins_at``: null for now."""

    about: Literal["host", "application", "pair"]
    name: Text
    begins_at: datetime | None = None
    ends_at: datetime
    reason: str = Field(max_length=1000)


@router.get("", response=PageOf[MaintenanceRow], summary="List times of maintenance")
def maintenance(request: HttpRequest, page: Query[Page], filters: Query[MaintenancesFilter]) -> HttpResponse:
    """Times of maintenance, the newest first."""
    rows = selector.maintenance_list(timezone.now(), **filters.chosen(MaintenanceFilter))
    return page.of(rows, described, MaintenanceRow, sort="-id")


@router.post("", response={201: MaintenanceRow, 200: MaintenanceRow}, summary="Begin a maintenance")
def begin(request: HttpRequest, asked: MaintenanceBody, change: Query[Change]) -> HttpResponse:
    """Mask alarms about something for a time."""
    draft = MaintenanceDraft(kind=asked.about, name=asked.name, begins_at=asked.begins_at, ends_at=asked.ends_at,
                             reason=asked.reason)
    return change.carried_out(lambda: _answered(
        services.begin_maintenance(actor=actor_of(request), draft=draft), created(change)))


@router.post("/{int:maintenance_id}/end", response=MaintenanceRow, summary="End a maintenance")
def end(request: HttpRequest, maintenance_id: int, change: Query[Change]) -> HttpResponse:
    """End it now, or have it not begin."""
    return change.carried_out(lambda: _answered(
        services.end_maintenance(actor=actor_of(request), maintenance_id=maintenance_id)))


def _answered(row: Any, status: int = 200) -> HttpResponse:
    return answered(described([row])[0], MaintenanceRow, status=status)


def described(rows: Iterable[Any]) -> list[MaintenanceRow]:
    now = timezone.now()
    return [MaintenanceRow(
        id=row.pk, about=row.kind, name=row.name, state=state_of(row.begins_at, row.ends_at, now),
        begins_at=row.begins_at, ends_at=row.ends_at, reason=row.reason, created_by=row.created_by,
        created_at=row.created_at, ended_by=row.ended_by) for row in rows]
