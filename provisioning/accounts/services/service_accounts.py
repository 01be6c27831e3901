"""Tokens of service accounts: users that are there for nothing else."""

from django.contrib.auth.models import User
from django.views.decorators.debug import sensitive_variables

from provisioning.accounts.rules.tokens import Draft
from provisioning.accounts.selectors.users import is_service
from provisioning.core import permissions
from provisioning.core.permissions import Actor
from provisioning.errors import Refusal, Refused
from provisioning.history import history
from provisioning.models import ApiToken

from .tokens import make_token
from .users import create_service_account, set_enabled, set_roles


@sensitive_variables("secret")
def make_service_token(*, actor: Actor, draft: Draft) -> tuple[ApiToken, str]:
    """A service account of the name and the roles that ``draft`` says, with a token of that name; the text of the
    token. An account of that name whose tokens were all revoked is used again. Raises NotAllowed, Refused."""
    actor.require(permissions.USERS)
    with history.atomic():
        owner = _owner(actor, draft)
        row, secret = make_token(actor=actor, owner=owner, draft=draft)
    return row, secret


def _owner(actor: Actor, draft: Draft) -> User:
    user = User.objects.select_related("account").filter(username=draft.name).first()
    if user is None:
        return create_service_account(actor=actor, name=draft.name, roles=draft.roles)
    if not is_service(user):
        raise Refused(Refusal(f"{draft.name} is a user who signs in. Choose another name for the service account.",
                              "name"))
    if not user.api_tokens.exists():
        set_roles(actor=actor, user_id=user.pk, roles=draft.roles)
        set_enabled(actor=actor, user_id=user.pk, enabled=True)
    return user
