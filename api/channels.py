"""``/channels``: the ways by which people are told of alarms."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import PatchDict, Query, Router
from pydantic import BaseModel, Field

from provisioning.core.permissions import NOTIFY, actor_of
from provisioning.notifications.forms import ChannelFilter
from provisioning.notifications.rules.drafts import ChannelDraft
from provisioning.notifications.rules.kinds import fields_of
from provisioning.notifications.selectors.notifications import channel_list, find_channel, get_channel
from provisioning.notifications.services import channels as services
from provisioning.notifications.services.channels import MASK

from .changes import Change, IfMatch, Tried, answered, revision_of, tried
from .deliveries import DeliveryDetail
from .deliveries import detail as delivery_detail
from .documents import Strict
from .filters import BY_NAME, Named, Sentences, Text
from .paging import Page, PageOf, by_id_or_name
from .saved import Written, address, created, given

router = Router(tags=["notifications"])
Kind = Literal["mail", "webhook", "teams", "slack", "mattermost", "webex", "google_chat", "pagerduty", "opsgenie",
               "jira", "sns", "command"]


class Secret(Strict):
    """A value that is never answered, whoever asks. Sent back like this it stays what it is."""

    secret: Literal[True] = True
    is_set: bool


Fields = Annotated[dict[Text, Sentences | Secret | None], Field(max_length=20)]


class ChannelsFilter(Named):
    text: Text = ""
    kind: Literal["", Kind] = ""
    state: Literal["", "enabled", "disabled"] = ""


class ChannelRow(BaseModel):
    """``fields`` are those of its kind; ``rules``: how many notification rules tell it."""

    id: int
    name: str
    description: str
    kind: str
    enabled: bool
    fields: dict[str, str | Secret]
    rules: int
    revision: int
    changed_at: datetime
    changed_by: str


class ChannelBody(Written):
    """``fields`` are those of its kind. A secret that is null stays what it is, "" takes it away."""

    READ_ONLY = Written.READ_ONLY | {"rules"}

    name: Text
    description: Sentences = ""
    kind: Kind
    enabled: bool = True
    fields: Fields = {}


@router.get("", response=PageOf[ChannelRow], summary="List channels")
def channels(request: HttpRequest, page: Query[Page], filters: Query[ChannelsFilter]) -> HttpResponse:
    return page.of(channel_list(**filters.chosen(ChannelFilter)), described, ChannelRow, sort=filters.sort,
                   sorts=BY_NAME)


@router.post("", response={201: ChannelRow, 200: ChannelRow}, summary="Create a channel")
def create(request: HttpRequest, body: ChannelBody, change: Query[Change]) -> HttpResponse:
    draft = ChannelDraft(**_typed(body.model_dump()))
    return change.carried_out(lambda: _answered(
        services.create_channel(actor=actor_of(request), draft=draft).pk, created(change)))


@router.get("/{channel}", response=ChannelRow, summary="A channel")
def channel(request: HttpRequest, channel: str) -> HttpResponse:
    """One channel, by its name or id."""
    return _answered(found(channel).pk)


@router.put("/{channel}", response=ChannelRow, summary="Replace a channel")
def put(request: HttpRequest, channel: str, body: ChannelBody, change: Query[Change],
        if_match: str | None = IfMatch) -> HttpResponse:
    """Save all of a channel; what is left out is as of a new one."""
    return _saved(request, found(channel), change, if_match, ChannelDraft(**_typed(body.model_dump())))


@router.patch("/{channel}", response=ChannelRow, summary="Change some of a channel")
def patch(request: HttpRequest, channel: str, body: PatchDict[ChannelBody], change: Query[Change],
          if_match: str | None = IfMatch) -> HttpResponse:
    """Save what is sent of a channel; the rest stays, each of its fields, too."""
    row = found(channel)
    draft, sent = services.draft_of(row), _typed(given(body), row.kind)
    if sent.get("kind", draft.kind) == draft.kind:
        sent["fields"] = draft.fields | sent.get("fields", {})
    return _saved(request, row, change, if_match, replace(draft, **sent))


@router.delete("/{channel}", response={204: None}, summary="Delete a channel")
def delete(request: HttpRequest, channel: str, change: Query[Change],
           if_match: str | None = IfMatch) -> HttpResponse:
    """Delete a channel; what was sent through it stays."""
    row = found(channel)
    change.deleted(row, if_match, lambda: services.delete_channel(
        actor=actor_of(request), channel_id=row.pk, reason=change.why(request)))
    return HttpResponse(status=204)


@router.post("/{channel}/test", response={200: DeliveryDetail | Tried}, summary="Test a channel")
def test(request: HttpRequest, channel: str, change: Query[Change]) -> HttpResponse:
    """Send a message now, once, also through one that is disabled, and say what came of it."""
    actor, row = actor_of(request), found(channel)
    if change.dry_run:
        actor.require(NOTIFY)
        return tried([])
    return answered(delivery_detail(services.test_channel(actor=actor, channel_id=row.pk).pk), DeliveryDetail)


def found(key: str) -> Any:
    """Raises NotFound."""
    return by_id_or_name(key, get_channel, find_channel)


def described(rows: Iterable[Any]) -> list[ChannelRow]:
    return [ChannelRow(
        id=row.pk, name=row.name, description=row.description, kind=row.kind, enabled=row.enabled, fields=_fields(row),
        rules=row.rule_count, revision=row.revision, changed_at=row.changed_at, changed_by=row.changed_by)
        for row in rows]


def _fields(row: Any) -> dict[str, str | Secret]:
    """No kind has more than one secret, so whether there is any says it of that one without opening it."""
    secrets = {field.name: Secret(is_set=row.has_secrets) for field in fields_of(row.kind) if field.secret}
    return {**row.plain_fields, **secrets}


def _answered(key: int, status: int = 200) -> HttpResponse:
    row = get_channel(key)
    return answered(described([row])[0], ChannelRow, status=status, revision=row.revision,
                    location=address("channels", row.name) if status == 201 else "")


def _saved(request: HttpRequest, row: Any, change: Change, if_match: str | None,
           draft: ChannelDraft) -> HttpResponse:
    return change.carried_out(lambda: _answered(services.update_channel(
        actor=actor_of(request), channel_id=row.pk, draft=draft, revision=revision_of(if_match, row.revision),
        reason=change.why(request)).pk))


def _typed(sent: Mapping[str, Any], kind: str = "") -> dict[str, Any]:
    """As a draft has it: a secret that stays what it is, is MASK there; any other field that is null is not sent.
    ``kind`` where it is not among what was ``sent``."""
    if "fields" not in sent:
        return dict(sent)
    secrets = {field.name for field in fields_of(sent.get("kind", kind)) if field.secret}
    fields = {name: value if isinstance(value, str) else MASK for name, value in sent["fields"].items()
              if isinstance(value, str) or (name in secrets and _stays(value))}
    return {**sent, "fields": fields}


def _stays(value: Mapping[str, Any] | None) -> bool:
    return value is None or value["is_set"]
