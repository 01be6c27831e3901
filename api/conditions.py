"""``/alarm-conditions``: which event raises an alarm, what clears it, and what is done about it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import PatchDict, Query, Router
from pydantic import BaseModel

from provisioning.alarms.forms import ConditionFilter
from provisioning.alarms.rules.conditions import ConditionDraft
from provisioning.alarms.selectors.conditions import condition_list, find_condition, get_condition
from provisioning.alarms.services import conditions as services
from provisioning.core.permissions import actor_of

from .changes import Change, IfMatch, answered, revision_of
from .filters import BY_NAME, Named, Names, Sentences, Text, Whole
from .paging import Page, PageOf, by_id_or_name
from .saved import Written, address, created, given

router = Router(tags=["alarms"])


class ConditionsFilter(Named):
    text: Text = ""
    category: Literal["", "critical", "major", "minor"] = ""
    state: Literal["", "enabled", "disabled"] = ""


class ConditionRow(BaseModel):
    """Events are written as in logs, ``cancel_event`` "" for none; ``cancel_timeout`` in hours, 0 for none.
    ``reactions`` are done, ``channels`` told when it raises an alarm, ``clearance_…`` when one is cleared."""

    id: int
    name: str
    description: str
    category: str
    detect_event: str
    selection_mode: str
    application_type: str
    application: str
    cancel_event: str
    cancel_timeout: int
    enabled: bool
    reactions: list[str]
    channels: list[str]
    clearance_reactions: list[str]
    clearance_channels: list[str]
    predefined: str
    revision: int
    changed_at: datetime
    changed_by: str


class ConditionBody(Written):
    """As in the list."""

    READ_ONLY = Written.READ_ONLY | {"predefined"}

    name: Text
    description: Sentences = ""
    category: Literal["critical", "major", "minor"] = "major"
    detect_event: Text
    selection_mode: Literal["any", "application_type", "application"] = "any"
    application_type: Text = ""
    application: Text = ""
    cancel_event: Text = ""
    cancel_timeout: Whole = 24
    enabled: bool = True
    reactions: Names = []
    channels: Names = []
    clearance_reactions: Names = []
    clearance_channels: Names = []


@router.get("", response=PageOf[ConditionRow], summary="List Alarm Conditions")
def conditions(request: HttpRequest, page: Query[Page], filters: Query[ConditionsFilter]) -> HttpResponse:
    return page.of(condition_list(**filters.chosen(ConditionFilter)), described, ConditionRow, sort=filters.sort,
                   sorts=BY_NAME)


@router.post("", response={201: ConditionRow, 200: ConditionRow}, summary="Create an Alarm Condition")
def create(request: HttpRequest, body: ConditionBody, change: Query[Change]) -> HttpResponse:
    draft = ConditionDraft(**given(body.model_dump()))
    return change.carried_out(lambda: _answered(
        services.create_condition(actor=actor_of(request), draft=draft).pk, created(change)))


@router.get("/{condition}", response=ConditionRow, summary="An Alarm Condition")
def condition(request: HttpRequest, condition: str) -> HttpResponse:
    """One Alarm Condition, by its name or id."""
    return _answered(found(condition).pk)


@router.put("/{condition}", response=ConditionRow, summary="Replace an Alarm Condition")
def put(request: HttpRequest, condition: str, body: ConditionBody, change: Query[Change],
        if_match: str | None = IfMatch) -> HttpResponse:
    """Save all of an Alarm Condition; what is left out is as of a new one."""
    return _saved(request, found(condition), change, if_match, ConditionDraft(**given(body.model_dump())))


@router.patch("/{condition}", response=ConditionRow, summary="Change some of an Alarm Condition")
def patch(request: HttpRequest, condition: str, body: PatchDict[ConditionBody], change: Query[Change],
          if_match: str | None = IfMatch) -> HttpResponse:
    """Save what is sent of an Alarm Condition; the rest stays."""
    row = found(condition)
    return _saved(request, row, change, if_match, replace(services.draft_of(row), **given(body)))


@router.delete("/{condition}", response={204: None}, summary="Delete an Alarm Condition")
def delete(request: HttpRequest, condition: str, change: Query[Change],
           if_match: str | None = IfMatch) -> HttpResponse:
    """Delete an Alarm Condition; its alarms that are active are cleared."""
    row = found(condition)
    change.deleted(row, if_match, lambda: services.delete_condition(
        actor=actor_of(request), condition_id=row.pk, reason=change.why(request)))
    return HttpResponse(status=204)


def found(key: str) -> Any:
    """Raises NotFound."""
    return by_id_or_name(key, get_condition, find_condition)


def described(rows: Iterable[Any]) -> list[ConditionRow]:
    return [ConditionRow(
        **vars(services.draft_of(row)), id=row.pk, predefined=row.predefined, revision=row.revision,
        changed_at=row.changed_at, changed_by=row.changed_by) for row in rows]


def _answered(key: int, status: int = 200) -> HttpResponse:
    row = get_condition(key)
    return answered(described([row])[0], ConditionRow, status=status, revision=row.revision,
                    location=address("alarm-conditions", row.name) if status == 201 else "")


def _saved(request: HttpRequest, row: Any, change: Change, if_match: str | None,
           draft: ConditionDraft) -> HttpResponse:
    return change.carried_out(lambda: _answered(services.update_condition(
        actor=actor_of(request), condition_id=row.pk, draft=draft, revision=revision_of(if_match, row.revision),
        reason=change.why(request)).pk))
