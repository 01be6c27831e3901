"""``/history``: who changed what, and bringing former versions back."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.core.events import last_failover, last_failover_of
from provisioning.core.permissions import actor_of
from provisioning.core.text import key_of
from provisioning.errors import Refusal
from provisioning.history import restore as restoring
from provisioning.history.entries import deleted_objects, field_changes, flatten, get_entry, history_list, history_users
from provisioning.history.forms import DeletedFilter, HistoryFilter

from .changes import Change, answered
from .documents import Strict
from .filters import Filter, Text, Times
from .paging import Page, PageOf

router = Router(tags=["history"])
Number = Field(None, ge=0, le=2**53)


class EntryFilter(Times):
    """``after``: those with a greater ``number``, the oldest first; numbers have no gaps."""

    text: Text = ""
    object_type: Text = ""
    object_id: Text = ""
    action: Literal["", "created", "changed", "deleted", "operated", "sign_in"] = ""
    user: Text = ""
    request_id: Text = ""
    after: int | None = Number


class DeletedObjectFilter(Filter):
    text: Text = ""
    object_type: Text = ""


class Changed(BaseModel):
    """A field of the object; an empty side is an empty field, a secret is masked."""

    label: str
    before: str
    after: str


class Entry(BaseModel):
    """``request_id`` is the same for all that one request did. ``digest`` covers the entry and the one before it."""

    number: int
    at: datetime
    user: str
    origin: str
    request_id: str
    action: str
    object_type: str
    object_id: str
    object_name: str
    reason: str
    changes: list[Changed]
    digest: str


class EntryDetail(Entry):
    """``version``: {label: value} of the object as this entry knows it last."""

    version: dict[str, str]


class PlannedField(BaseModel):
    """``name`` of the field; ``why_not``: what stands against restoring it, so that it is left as it is."""

    name: str
    label: str
    now: str
    then: str
    why_not: list[str]


class RestorePlan(BaseModel):
    """What restoring would do. ``revision`` names the state that it was made from: 0 for an object that is deleted."""

    possible: bool
    revision: int
    fields: list[PlannedField]
    notes: list[str]
    refusals: list[str]


class Restore(Strict):
    """``revision`` of the plan; ``fields``: names of those to restore, null for all that can be."""

    revision: int = Field(ge=0, le=2**53)
    fields: list[Text] | None = Field(None, max_length=200)
    reason: str = Field("", max_length=1000)


class Restored(BaseModel):
    """What there is again. ``waits``: what of it does not count at once, "" when all does."""

    object_type: str
    object_id: str
    object_name: str
    waits: str


@router.get("", response=PageOf[Entry], summary="List entries of History")
def history(request: HttpRequest, page: Query[Page], filters: Query[EntryFilter]) -> HttpResponse:
    """Entries, the newest first; or all after one that is known, the oldest first."""
    within, chosen = filters.judged(HistoryFilter, users=history_users()).parts(_last_failover)
    rows = within.of(history_list(**chosen))
    if filters.after is None:
        return page.of(rows, described, Entry, sort="-id")
    return page.after(rows, described, Entry, number="number", after=filters.after)


@router.get("/deleted", response=PageOf[Entry], summary="List what was deleted")
def deleted(request: HttpRequest, page: Query[Page], filters: Query[DeletedObjectFilter]) -> HttpResponse:
    """The last entry of each object that was deleted and not brought back, the newest first."""
    return page.of(deleted_objects(**filters.chosen(DeletedFilter)), described, Entry, sort="-id")


@router.get("/{int:number}", response=EntryDetail, summary="An entry of History")
def entry(request: HttpRequest, number: int) -> HttpResponse:
    row = get_entry(number)
    [said] = described([row])
    return answered(EntryDetail(**dict(said), version=flatten(row.version or {})), EntryDetail)


@router.get("/{int:number}/restore", response=RestorePlan, summary="What restoring a version would do")
def restore_plan(request: HttpRequest, number: int) -> HttpResponse:
    """What restoring this version would do; changes nothing."""
    plan = restoring.plan(actor=actor_of(request), number=number)
    return answered(RestorePlan(
        possible=plan.is_possible, revision=plan.revision, notes=_messages(plan.notes),
        refusals=_messages(plan.refusals), fields=[
            PlannedField(name=item.name, label=each.label, now=each.theirs, then=each.yours,
                         why_not=_messages(item.why_not))
            for item in plan.items for each in item.differences]), RestorePlan)


@router.post("/{int:number}/restore", response=Restored, summary="Restore a version")
def restore(request: HttpRequest, number: int, asked: Restore, change: Query[Change]) -> HttpResponse:
    """Restore this version, or bring back what was deleted, as the plan said."""
    def work() -> HttpResponse:
        row = restoring.restore(actor=actor_of(request), number=number, revision=asked.revision, names=asked.fields,
                                reason=change.why(request, asked.reason))
        found = get_entry(number)
        return answered(Restored(object_type=found.object_type, object_id=str(row.pk), object_name=str(row),
                                 waits=restoring.waits(found, row)), Restored)

    return change.carried_out(work)


def described(rows: Iterable[Any]) -> list[Entry]:
    return [Entry(
        number=row.number, at=row.at, user=row.user_name, origin=row.origin, request_id=row.request_id,
        action=row.action, object_type=row.object_type, object_id=row.object_id, object_name=row.object_name,
        reason=row.reason, digest=row.digest,
        changes=[Changed(label=each.label, before=each.before, after=each.after)
                 for each in field_changes(row.before, row.after)])
        for row in rows]


def _messages(refusals: Iterable[Refusal]) -> list[str]:
    return [each.message for each in refusals]


def _last_failover(*, object_type: str = "", object_id: str = "", **others: object) -> datetime | None:
    """Of the application whose entries are asked for, else of any."""
    key = key_of(object_id) if object_type == "application" else None
    return last_failover() if key is None else last_failover_of(key)
