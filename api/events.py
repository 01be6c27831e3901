"""``/events``: the timeline."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router
from pydantic import BaseModel, Field

from protocol.events import written
from provisioning.core.events import event_list, last_failover, settled
from provisioning.monitoring.forms import EventFilter

from .filters import Text, Times
from .paging import Page, PageOf

router = Router(tags=["events"])


class EventsFilter(Times):
    """``after``: those with a greater ``id``, the oldest first, none of which is missed by who asks again after the
    last one."""

    text: Text = ""
    application: Text = ""
    host: Text = ""
    number: Text = ""
    level: Literal["", "alarm", "standard"] = ""
    after: int | None = Field(None, ge=0, le=2**53)


class EventRow(BaseModel):
    """``number`` as logs write it, "" for none; ``application`` and ``host`` are names, "" for none."""

    id: int
    at: datetime
    level: str
    number: str
    application: str
    host: str
    source: str
    text: str


@router.get("", response=PageOf[EventRow], summary="List events")
def events(request: HttpRequest, page: Query[Page], filters: Query[EventsFilter]) -> HttpResponse:
    """Events, the newest first; or all after one that is known, the oldest first."""
    within, chosen = filters.judged(EventFilter).parts(last_failover)
    rows = within.of(event_list(**chosen))
    if filters.after is None:
        return page.of(rows, described, EventRow, sort="-id")
    return page.after(settled(rows, timezone.now()), described, EventRow, number="id", after=filters.after)


def described(rows: Iterable[Any]) -> list[EventRow]:
    return [EventRow(
        id=row.pk, at=row.at, level=row.level, number=written(row.number), application=row.application_shown,
        host=row.host_shown, source=row.source, text=row.text) for row in rows]
