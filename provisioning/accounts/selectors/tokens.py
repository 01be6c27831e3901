"""API tokens, as pages, commands and programs list them."""

from django.db.models import Q, QuerySet
from django.utils import timezone

from provisioning.accounts.rules.tokens import SOON
from provisioning.core.permissions import USERS, Actor
from provisioning.errors import NotFound
from provisioning.models import ApiToken
from provisioning.spelling import by_name

TOPIC = "tokens"
GOOD, SOON_OVER, EXPIRED, DISABLED = "good", "soon", "expired", "disabled"


def token_list(actor: Actor, *, text: str = "", role: str = "", state: str = "",
               owner_id: int | None = None) -> QuerySet[ApiToken]:
    """By name: all for an Administrator, else those of the actor. ``state`` is one of GOOD, SOON_OVER, EXPIRED,
    DISABLED."""
    found = ApiToken.objects.select_related("owner", "owner__account").order_by(*by_name("name"), "id")
    if not actor.may(USERS):
        found = found.filter(owner_id=actor.user_id)
    if owner_id is not None:
        found = found.filter(owner_id=owner_id)
    if text:
        found = found.filter(Q(name__holds=text) | Q(owner__username__holds=text) | Q(key=text))
    if role:
        found = found.filter(pk__in=[row.pk for row in found if role in row.roles])
    return found.filter(_in_state(state)) if state else found


def _in_state(state: str) -> Q:
    now = timezone.now()
    expired, disabled = Q(expires_at__lte=now), Q(enabled=False) | Q(owner__is_active=False)
    return {EXPIRED: expired, DISABLED: disabled, SOON_OVER: Q(expires_at__gt=now, expires_at__lte=now + SOON),
            GOOD: ~expired & ~disabled}[state]


def get_token(token_id: int, actor: Actor) -> ApiToken:
    """Raises NotFound, also for one of somebody else that the actor may not see."""
    row = token_list(actor).filter(pk=token_id).first()
    if row is None:
        raise NotFound("This token does not exist any more.")
    return row
