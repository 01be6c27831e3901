"""``/alarms``: what conditions raised, with what happened around it; Acknowledge and Clear."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from protocol.events import written
from provisioning.alarms.forms import AlarmFilter
from provisioning.alarms.rules.advice import advice
from provisioning.alarms.rules.incident import incident
from provisioning.alarms.rules.sentences import ends_by
from provisioning.alarms.selectors import alarms as selector
from provisioning.alarms.services import alarms as services
from provisioning.core.permissions import actor_of

from .changes import Change, answered
from .documents import Strict
from .events import EventRow
from .events import described as events_described
from .filters import Filter, Text
from .paging import Page, PageOf

router = Router(tags=["alarms"])


class AlarmsFilter(Filter):
    """``state``: "" for those that are active and not masked. ``cause``: what follows from that alarm."""

    text: Text = ""
    state: Literal["", "masked", "ended", "all"] = ""
    category: Literal["", "critical", "major", "minor"] = ""
    condition: Text = ""
    application: Text = ""
    host: Text = ""
    cause: int | None = Field(None, ge=0, le=2**53)


class AlarmRow(BaseModel):
    """``number`` of its event; ``application`` and ``host`` are names, "" for none. ``ends_at``: when its Cancel
    Timeout clears it, null for never. ``cause``: the alarm that it follows from, ``followed``: how many active ones
    follow from it."""

    id: int
    condition: str
    category: str
    number: str
    application: str
    host: str
    text: str
    raised_at: datetime
    last_at: datetime
    times: int
    ends_at: datetime | None
    cleared_at: datetime | None
    cleared_how: str
    cleared_by: str
    clear_reason: str
    acknowledged_at: datetime | None
    acknowledged_by: str
    note: str
    masked: bool
    cause: int | None
    followed: int


class ReactionRow(BaseModel):
    """What was or is done because of it: ``said`` is what came of it, ``delivery`` the message that tells of it."""

    what: str
    state: str
    is_clearance: bool
    tries: int
    said: str
    delivery: int | None


class AlarmDetail(AlarmRow):
    """``incident``: what happened, in sentences; ``advice``: what to do; ``ends_by``: what ends it. ``events`` around
    it, of which there are more where they are ``cut``."""

    incident: str
    advice: str
    ends_by: str
    pair: str
    events: list[EventRow]
    cut: bool
    reactions: list[ReactionRow]


class Acknowledge(Strict):
    note: str = Field("", max_length=1000)


class Clear(Strict):
    reason: str = Field(max_length=1000)


@router.get("", response=PageOf[AlarmRow], summary="List alarms")
def alarms(request: HttpRequest, page: Query[Page], filters: Query[AlarmsFilter]) -> HttpResponse:
    """Alarms, the newest first."""
    return page.of(selector.alarm_list(**filters.chosen(AlarmFilter)), described, AlarmRow, sort="-id")


@router.get("/{int:alarm_id}", response=AlarmDetail, summary="An alarm")
def alarm(request: HttpRequest, alarm_id: int) -> HttpResponse:
    """One alarm, and what happened around it."""
    return answered(detail(alarm_id), AlarmDetail)


@router.post("/{int:alarm_id}/acknowledge", response=AlarmDetail, summary="Acknowledge an alarm")
def acknowledge(request: HttpRequest, alarm_id: int, change: Query[Change],
                asked: Acknowledge | None = None) -> HttpResponse:
    """Somebody looks after it. It stays active."""
    def work() -> HttpResponse:
        services.acknowledge(actor=actor_of(request), alarm_id=alarm_id, note=asked.note if asked else "")
        return answered(detail(alarm_id), AlarmDetail)

    return change.carried_out(work)


@router.post("/{int:alarm_id}/clear", response=AlarmDetail, summary="Clear an alarm")
def clear(request: HttpRequest, alarm_id: int, asked: Clear, change: Query[Change]) -> HttpResponse:
    """It is over. Its next event raises another one."""
    def work() -> HttpResponse:
        services.clear(actor=actor_of(request), alarm_id=alarm_id, reason=asked.reason)
        return answered(detail(alarm_id), AlarmDetail)

    return change.carried_out(work)


def detail(alarm_id: int) -> AlarmDetail:
    """Raises NotFound."""
    row = selector.get_alarm(alarm_id)
    story = selector.story(row)
    [said] = described([row])
    condition = row.condition
    return AlarmDetail(
        **dict(said), incident=incident(story.said(), row.raised_at),
        advice=advice(condition.predefined if condition else ""),
        ends_by=ends_by(condition.cancel_event if condition else 0), pair=story.pair.name if story.pair else "",
        events=events_described(story.events), cut=story.cut, reactions=[
            ReactionRow(what=str(each), state=each.state, is_clearance=each.is_clearance, tries=each.tries,
                        said=each.said, delivery=each.delivery_id)
            for each in row.reactions.select_related("alarm")])


def described(rows: Iterable[Any]) -> list[AlarmRow]:
    return [AlarmRow(
        id=row.pk, condition=row.condition_name, category=row.category, number=written(row.number),
        application=row.application, host=row.host, text=row.text, raised_at=row.raised_at, last_at=row.last_at,
        times=row.times, ends_at=row.ends_at, cleared_at=row.cleared_at, cleared_how=row.cleared_how,
        cleared_by=row.cleared_by, clear_reason=row.clear_reason, acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by, note=row.note, masked=row.masked, cause=row.cause_id,
        followed=row.followed) for row in rows]
