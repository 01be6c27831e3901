"""``/rules``: which alarms are told through which channels."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import PatchDict, Query, Router
from pydantic import BaseModel

from provisioning.core.permissions import actor_of
from provisioning.notifications.forms import RuleFilter
from provisioning.notifications.rules.drafts import RuleDraft
from provisioning.notifications.selectors.notifications import find_rule, get_rule, rule_list
from provisioning.notifications.services import rules as services

from .changes import Change, IfMatch, answered, revision_of
from .filters import BY_NAME, Named, Names, Text, Whole
from .paging import Page, PageOf, by_id_or_name
from .saved import Written, address, created, given

router = Router(tags=["notifications"])
Category = Literal["critical", "major", "minor"]


class RulesFilter(Named):
    text: Text = ""
    channel: Text = ""
    state: Literal["", "enabled", "disabled"] = ""


class RuleRow(BaseModel):
    """A filter that is empty matches every alarm. ``quiet_hours`` as 22:00-06:00 in ``time_zone``, "" for none;
    ``wait_s`` and ``group_s`` in seconds, ``repeat_h`` in hours, 0 for never."""

    id: int
    name: str
    channels: list[str]
    categories: list[str]
    conditions: list[str]
    applications: list[str]
    hosts: list[str]
    pairs: list[str]
    quiet_hours: str
    time_zone: str
    wait_s: int
    repeat_h: int
    recovery: bool
    group_s: int
    limit_per_hour: int
    enabled: bool
    revision: int
    changed_at: datetime
    changed_by: str


class RuleBody(Written):
    """As in the list."""

    name: Text
    channels: Names = []
    categories: list[Category] = []
    conditions: Names = []
    applications: Names = []
    hosts: Names = []
    pairs: Names = []
    quiet_hours: Text = ""
    time_zone: Text = ""
    wait_s: Whole = 0
    repeat_h: Whole = 0
    recovery: bool = True
    group_s: Whole = 60
    limit_per_hour: Whole = 20
    enabled: bool = True


@router.get("", response=PageOf[RuleRow], summary="List notification rules")
def rules(request: HttpRequest, page: Query[Page], filters: Query[RulesFilter]) -> HttpResponse:
    return page.of(rule_list(**filters.chosen(RuleFilter)), described, RuleRow, sort=filters.sort, sorts=BY_NAME)


@router.post("", response={201: RuleRow, 200: RuleRow}, summary="Create a notification rule")
def create(request: HttpRequest, body: RuleBody, change: Query[Change]) -> HttpResponse:
    draft = RuleDraft(**given(body.model_dump()))
    return change.carried_out(lambda: _answered(
        services.create_rule(actor=actor_of(request), draft=draft).pk, created(change)))


@router.get("/{rule}", response=RuleRow, summary="A notification rule")
def rule(request: HttpRequest, rule: str) -> HttpResponse:
    """One notification rule, by its name or id."""
    return _answered(found(rule).pk)


@router.put("/{rule}", response=RuleRow, summary="Replace a notification rule")
def put(request: HttpRequest, rule: str, body: RuleBody, change: Query[Change],
        if_match: str | None = IfMatch) -> HttpResponse:
    """Save all of a notification rule; what is left out is as of a new one."""
    return _saved(request, found(rule), change, if_match, RuleDraft(**given(body.model_dump())))


@router.patch("/{rule}", response=RuleRow, summary="Change some of a notification rule")
def patch(request: HttpRequest, rule: str, body: PatchDict[RuleBody], change: Query[Change],
          if_match: str | None = IfMatch) -> HttpResponse:
    """Save what is sent of a notification rule; the rest stays."""
    row = found(rule)
    return _saved(request, row, change, if_match, replace(services.draft_of(row), **given(body)))


@router.delete("/{rule}", response={204: None}, summary="Delete a notification rule")
def delete(request: HttpRequest, rule: str, change: Query[Change],
           if_match: str | None = IfMatch) -> HttpResponse:
    """Delete a notification rule; what was still to be told by it is not."""
    row = found(rule)
    change.deleted(row, if_match, lambda: services.delete_rule(
        actor=actor_of(request), rule_id=row.pk, reason=change.why(request)))
    return HttpResponse(status=204)


def found(key: str) -> Any:
    """Raises NotFound."""
    return by_id_or_name(key, get_rule, find_rule)


def described(rows: Iterable[Any]) -> list[RuleRow]:
    return [RuleRow(**vars(services.draft_of(row)), id=row.pk, revision=row.revision, changed_at=row.changed_at,
                    changed_by=row.changed_by) for row in rows]


def _answered(key: int, status: int = 200) -> HttpResponse:
    row = get_rule(key)
    return answered(described([row])[0], RuleRow, status=status, revision=row.revision,
                    location=address("rules", row.name) if status == 201 else "")


def _saved(request: HttpRequest, row: Any, change: Change, if_match: str | None,
           draft: RuleDraft) -> HttpResponse:
    return change.carried_out(lambda: _answered(services.update_rule(
        actor=actor_of(request), rule_id=row.pk, draft=draft, revision=revision_of(if_match, row.revision),
        reason=change.why(request)).pk))
