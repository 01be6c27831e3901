"""Users who come from a provider of single sign-on: who they are here, with exactly the roles that their groups have.
Nobody is found by a name or an address of mail alone: whoever is called ``admin`` there is not our ``admin``."""

from collections.abc import Collection

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from provisioning.accounts.rules.single_sign_on import Identity, role_map, roles_for
from provisioning.accounts.selectors.users import find_user, roles_of
from provisioning.accounts.services.sign_in import SignInRefused, count_failure, require_no_lock
from provisioning.core.permissions import Actor
from provisioning.errors import NotFound, Refused
from provisioning.history import history
from provisioning.models import Account
from provisioning.states import SignInSource

from .groups import create_with_roles, give_roles, tell_of_unknown_groups

OIDC = "OIDC"
"""Who gives and takes roles by groups, as History has it."""


def user_of(*, identity: Identity, origin: str) -> User:
    """The user that ``identity`` is here, with the roles of its groups; a new one is made. Raises SignInRefused: then
    the roles of a user whose groups have none are gone, and so are the sessions."""
    require_no_lock(identity.name, origin)
    user, why = _admit(identity, origin)
    if user is None:
        raise SignInRefused(why, count_failure(identity.name, origin, "single sign-on gave no role or no user"))
    return user


@history.atomic()
def _admit(identity: Identity, origin: str) -> tuple[User | None, str]:
    """(user, ""), or (None, why there is none); what was written of roles stays either way."""
    actor = Actor(name=OIDC, origin=origin)
    roles = roles_for(identity.groups, role_map(settings.PAIRWISE_OIDC_ROLES))
    user, why = _found(identity, actor)
    if user is None and not why:
        return _created(identity, roles, actor)
    if user is None:
        return None, why
    if not user.is_active:
        return None, "This user is disabled. Ask an Administrator."
    if roles is None:
        tell_of_unknown_groups(user, where=settings.PAIRWISE_OIDC_NAME, why=identity.why_unknown)
        return (user, "") if roles_of(user) else (None, _no_role(identity))
    give_roles(actor=actor, user=user, roles=roles)
    return (user, "") if roles else (None, _no_role(identity))


def _found(identity: Identity, actor: Actor) -> tuple[User | None, str]:
    """Who ``identity`` is here; (None, "") for nobody yet, (None, why) for somebody else of that name."""
    account = SocialAccount.objects.select_for_update().filter(
        provider=identity.issuer, uid=identity.subject).first()
    if account is not None:
        return account.user, ""
    try:
        user = find_user(identity.name)
    except NotFound:
        return None, ""
    of_user = Account.objects.select_for_update().filter(user=user, source=SignInSource.OIDC).first()
    if of_user is None or of_user.link_until is None or of_user.link_until < timezone.now():
        return None, (f"There is a user {user} here already who does not sign in by {settings.PAIRWISE_OIDC_NAME}. If "
                      "that is you, ask an Administrator to link the user (Users, Link).")
    of_user.link_until = None
    of_user.save(update_fields=["link_until"])
    SocialAccount.objects.create(user=user, provider=identity.issuer, uid=identity.subject)
    history.record_verb(actor=actor, row=user, reason=f"Was linked to {identity.name} of {identity.issuer}.")
    return user, ""


def _created(identity: Identity, roles: Collection[str] | None, actor: Actor) -> tuple[User | None, str]:
    if not roles:
        return None, _no_role(identity)
    try:
        user = create_with_roles(actor=actor, name=identity.name, source=SignInSource.OIDC, roles=roles)
    except Refused as refused:
        return None, str(refused)
    SocialAccount.objects.create(user=user, provider=identity.issuer, uid=identity.subject)
    return user, ""


def _no_role(identity: Identity) -> str:
    if identity.groups is None:
        return (f"You have no role here: {settings.PAIRWISE_OIDC_NAME} did not say your groups "
                f"({identity.why_unknown}). Ask an Administrator.")
    return (f"None of your groups at {settings.PAIRWISE_OIDC_NAME} has a role here. Ask an Administrator to put you "
            "into one that has (PAIRWISE_OIDC_ROLES).")
