"""``/tokens``: API tokens of one's own; of an Administrator all of them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import PatchDict, Query, Router
from pydantic import BaseModel, Field

from provisioning.accounts.forms.tokens import TokenFilter
from provisioning.accounts.rules.tokens import LONGEST_DAYS, USUAL_DAYS, Draft
from provisioning.accounts.selectors.tokens import find_token, get_token, state_of, token_list
from provisioning.accounts.selectors.users import find_user, is_service
from provisioning.accounts.services import tokens as services
from provisioning.core.permissions import Actor, actor_of

from .changes import Change, IfMatch, answered, revision_of
from .documents import Strict
from .filters import BY_NAME, Named, Text
from .paging import Page, PageOf, by_id_or_name
from .repeats import refuse_key
from .saved import address, created, given
from .users import Roles

router = Router(tags=["tokens"])
Networks = Field("", max_length=512)


class TokensFilter(Named):
    text: Text = ""
    owner: Literal["", "service", "person"] = ""
    state: Literal["", "good", "soon", "expired", "disabled"] = ""


class TokenRow(BaseModel):
    """``key`` is the part of it that may be shown; ``owner_is_service``: of a service account. ``expires_at`` null:
    never. ``used_at`` and ``used_from`` are up to a minute old."""

    id: int
    key: str
    name: str
    description: str
    owner: str
    owner_is_service: bool
    scope: str
    roles: list[str]
    read_only: bool
    networks: str
    enabled: bool
    state: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    used_at: datetime | None
    used_from: str
    revision: int


class TokenBody(Strict):
    """``owner``: a service account, "" for oneself. ``days``: how long it is good, null for ever."""

    name: str = Field(max_length=64)
    description: Text = ""
    owner: Text = ""
    scope: Literal["api", "metrics"] = "api"
    roles: Roles = []
    read_only: bool = False
    days: int | None = Field(USUAL_DAYS, ge=1, le=LONGEST_DAYS)
    networks: str = Networks


class TokenChange(Strict):
    description: Text = ""
    networks: str = Networks
    enabled: bool = True


class NewToken(BaseModel):
    """``secret`` is the whole text of the token. It is answered once and stored nowhere."""

    token: TokenRow
    secret: str


@router.get("", response=PageOf[TokenRow], summary="List API tokens")
def tokens(request: HttpRequest, page: Query[Page], filters: Query[TokensFilter]) -> HttpResponse:
    rows = token_list(actor_of(request), **filters.chosen(TokenFilter))
    return page.of(rows, described, TokenRow, sort=filters.sort, sorts=BY_NAME)


@router.post("", response={201: NewToken, 200: NewToken}, summary="Make an API token")
def make(request: HttpRequest, body: TokenBody, change: Query[Change]) -> HttpResponse:
    """Only in a session: a token makes no tokens."""
    refuse_key(request)
    actor, sent = actor_of(request), body.model_dump()
    owner = find_user(sent.pop("owner") or actor.name)

    def work() -> HttpResponse:
        row, secret = services.make_token(actor=actor, owner=owner, draft=Draft(**sent))
        found = NewToken(token=described([row])[0], secret="" if change.dry_run else secret)
        return answered(found, NewToken, status=created(change),
                        location="" if change.dry_run else address("tokens", str(row.pk)))

    return change.carried_out(work)


@router.get("/{token}", response=TokenRow, summary="An API token")
def token(request: HttpRequest, token: str) -> HttpResponse:
    return _answered(found(token, actor_of(request)))


@router.patch("/{token}", response=TokenRow, summary="Change an API token")
def patch(request: HttpRequest, token: str, body: PatchDict[TokenChange], change: Query[Change],
          if_match: str | None = IfMatch) -> HttpResponse:
    """Only in a session."""
    actor = actor_of(request)
    row = found(token, actor)
    now = {name: getattr(row, name) for name in services.CHANGEABLE}
    return change.carried_out(lambda: _answered(services.change_token(
        actor=actor, token_id=row.pk, revision=revision_of(if_match, row.revision), **(now | given(body)))))


@router.delete("/{token}", response={204: None}, summary="Revoke an API token")
def revoke(request: HttpRequest, token: str, change: Query[Change]) -> HttpResponse:
    """It is good for nothing any more; also the one that is shown here."""
    actor = actor_of(request)
    row = found(token, actor)
    change.carried_out(lambda: services.revoke_token(actor=actor, token_id=row.pk))
    return HttpResponse(status=204)


def found(key: str, actor: Actor) -> Any:
    """By its name or id, or OWNER/NAME. Raises NotFound, NotAllowed, Refused."""
    return by_id_or_name(key, lambda pk: get_token(pk, actor), lambda name: find_token(name, actor))


def _answered(row: Any) -> HttpResponse:
    return answered(described([row])[0], TokenRow, revision=row.revision)


def described(rows: Iterable[Any]) -> list[TokenRow]:
    return [TokenRow(
        id=row.pk, key=row.key, name=row.name, description=row.description, owner=row.owner.get_username(),
        owner_is_service=is_service(row.owner), scope=row.scope, roles=row.roles, read_only=row.read_only,
        networks=row.networks, enabled=row.enabled, state=state_of(row), created_at=row.created_at,
        created_by=row.created_by, expires_at=row.expires_at, used_at=row.used_at, used_from=row.used_from,
        revision=row.revision) for row in rows]
