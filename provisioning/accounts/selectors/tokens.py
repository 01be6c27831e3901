"""API tokens, as pages, commands and programs list them."""

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from provisioning.accounts.rules.tokens import SOON, state
from provisioning.core.permissions import USERS, Actor, roles_of
from provisioning.core.prepared import Given, Prepared
from provisioning.errors import NotFound, Refused
from provisioning.models import ApiToken
from provisioning.spelling import by_name
from provisioning.states import TokenState

TOPIC = "tokens"


SERVICE, PERSON = "service", "person"


def token_list(actor: Actor, *, text: str = "", owner: str = "", state: str = "",
               owner_id: int | None = None) -> QuerySet[ApiToken]:
    """By name: all for an Administrator, else those of the actor. ``owner``: SERVICE or PERSON; ``state`` is one of
    TokenState."""
    found = ApiToken.objects.select_related("owner", "owner__account").order_by(*by_name("name"), "id")
    if not actor.may(USERS):
        found = found.filter(owner_id=actor.user_id)
    if owner_id is not None:
        found = found.filter(owner_id=owner_id)
    if text:
        found = found.filter(Q(name__holds=text) | Q(owner__username__holds=text) | Q(key=text))
    if owner:
        services = Q(owner__account__is_service=True)
        found = found.filter(services if owner == SERVICE else ~services)
    return found.filter(_in_state(TokenState(state))) if state else found


def _in_state(wanted: TokenState) -> Q:
    now = timezone.now()
    disabled, expired = Q(enabled=False) | Q(owner__is_active=False), Q(expires_at__lte=now)
    soon = Q(expires_at__gt=now, expires_at__lte=now + SOON)
    return {TokenState.DISABLED: disabled, TokenState.EXPIRED: ~disabled & expired, TokenState.SOON: ~disabled & soon,
            TokenState.GOOD: ~disabled & (Q(expires_at=None) | Q(expires_at__gt=now + SOON))}[wanted]


def state_of(row: ApiToken) -> TokenState:
    return state(enabled=row.enabled and row.owner.is_active, expires_at=row.expires_at, now=timezone.now())


def get_token(token_id: int, actor: Actor) -> ApiToken:
    """One's own, or as an Administrator any. Raises NotFound, NotAllowed."""
    row = ApiToken.objects.select_related("owner", "owner__account").filter(pk=token_id).first()
    if row is None:
        raise NotFound("This token does not exist any more.")
    if row.owner_id != actor.user_id:
        actor.require(USERS)
    return row


_COLUMNS, _OWNER = (tuple(field.attname for field in model._meta.concrete_fields) for model in (ApiToken, User))
_SHOWN = Prepared(lambda: ApiToken.objects.filter(key=Given()).order_by().values_list(
    *_COLUMNS, *(f"owner__{name}" for name in _OWNER), "owner__groups__name"))


def shown_token(key: str) -> tuple[ApiToken, frozenset[str]] | None:
    """The token of this key, with its owner, and the roles that its owner has now; in one query, as every request of a
    program asks. None where there is none."""
    rows = _SHOWN.rows(key)
    if not rows:
        return None
    first = rows[0]
    token = ApiToken.from_db(None, _COLUMNS, first[:len(_COLUMNS)])
    token.owner = User.from_db(None, _OWNER, first[len(_COLUMNS):-1])
    groups = [row[-1] for row in rows if row[-1] is not None]
    return token, roles_of(token.owner, groups) if token.owner.is_active else frozenset()


def find_token(name: str, actor: Actor) -> ApiToken:
    """By its name, or OWNER/NAME. Raises NotFound, Refused where several people have one of that name."""
    owner, _, own = name.partition("/")
    rows = list(token_list(actor).filter(Q(name=name) | Q(name=own, owner__username=owner) if own else Q(name=name)))
    if not rows:
        raise NotFound(f'There is no token "{name}".')
    if len(rows) > 1:
        names = ", ".join(sorted(f"{row.owner}/{row}" for row in rows))
        raise Refused(f"Several people have a token named {name}: write one of {names}.")
    return rows[0]
