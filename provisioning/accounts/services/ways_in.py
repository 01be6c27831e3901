"""By what a user may sign in, as Administrators decide it: linked to single sign-on or not, second factors reset, and
of whom one is required. Loads nothing of allauth: pages that name users are known to processes without it."""

from datetime import timedelta

from django.apps import apps
from django.contrib.auth.models import User
from django.utils import timezone

from provisioning.accounts.rules.users import why_not_link
from provisioning.accounts.selectors.factors import stored_of
from provisioning.accounts.selectors.users import facts_of, is_service, source_of
from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.errors import Conflict, Refused
from provisioning.history import history
from provisioning.models import Account, Console
from provisioning.states import FactorsOf, SignInSource

from .sessions import end_sessions
from .users import locked_user

LINKED_WITHIN = timedelta(hours=24)


@history.atomic()
def link(*, actor: Actor, user_id: int) -> User:
    """Whoever has this user's name at the provider of single sign-on becomes this user at the next sign-in there,
    within LINKED_WITHIN; the password is gone and so are the sessions. Raises Refused, NotFound."""
    actor.require(permissions.USERS)
    user = locked_user(user_id)
    if is_service(user):
        raise Refused(f"{user} is a service account: it has API tokens and never signs in.")
    if why := why_not_link(facts_of(user, asked_by=actor.user_id)):
        raise Refused(why)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    Account.objects.update_or_create(user=user, defaults={
        "source": SignInSource.OIDC, "link_until": timezone.now() + LINKED_WITHIN, "must_change_password": False,
        "good_until": None, "used_at": None})
    history.record_verb(actor=actor, row=user, reason=(
        "Is linked to whoever signs in by single sign-on with this name within 24 hours; the password is gone."))
    end_sessions(actor=actor, user=user, why="the user signs in by single sign-on from now on.")
    changes.tell("users")
    return user


@history.atomic()
def unlink(*, actor: Actor, user_id: int) -> User:
    """The user is one of Pairwise alone again, with the same roles and no password. Raises Refused, NotFound."""
    actor.require(permissions.USERS)
    user = locked_user(user_id)
    if source_of(user) == SignInSource.LOCAL:
        raise Refused(f"{user} signs in with a password of Pairwise already.")
    apps.get_model("socialaccount", "SocialAccount").objects.filter(user=user).delete()
    Account.objects.filter(user=user).update(source=SignInSource.LOCAL, link_until=None)
    history.record_verb(actor=actor, row=user, reason="Was unlinked: signs in with a password of Pairwise again.")
    end_sessions(actor=actor, user=user, why="the user signs in with a password of Pairwise from now on.")
    changes.tell("users")
    return user


@history.atomic()
def reset_factors(*, actor: Actor, user_id: int) -> User:
    """All second factors of somebody else and the recovery codes are gone, and so are the sessions. Raises Refused,
    NotFound."""
    actor.require(permissions.USERS)
    user = locked_user(user_id)
    if user.pk == actor.user_id:
        raise Refused("Remove your own second factors in Your account.")
    if not stored_of(user).exists():
        raise Refused(f"{user} has no second factor.")
    stored_of(user).delete()
    history.record_verb(actor=actor, row=user, reason="Reset the second factors: none is left.")
    end_sessions(actor=actor, user=user, why="the second factors were reset.")
    changes.tell("users")
    return user


@history.atomic()
def require_factors(*, actor: Actor, factors_of: str, seen: str = "") -> None:
    """Of whom a second factor is required, from GRACE on. ``seen``: what was chosen when this was asked for, "" where
    nobody looked. Raises Refused, Conflict."""
    actor.require(permissions.USERS)
    if factors_of not in FactorsOf.values:
        raise Refused(f'"{factors_of}" is nobody of whom a second factor can be required.')
    console = Console.objects.select_for_update().get(pk=Console.this().pk)
    if console.factors_of == factors_of:
        return
    before = FactorsOf(console.factors_of).label
    if seen and seen != console.factors_of:
        raise Conflict(f"Somebody else chose {before} while you were choosing. Nothing was saved: look at it, then "
                       "choose again.", revision=0, saved_by="", saved_at=console.factors_since, differences=())
    console.factors_of = factors_of
    console.factors_since = None if factors_of == FactorsOf.NOBODY else timezone.now()
    console.save(update_fields=["factors_of", "factors_since"])
    history.record_verb(actor=actor, row=console, reason=(
        f"Second factor required for: {FactorsOf(factors_of).label} (before: {before})."))
    changes.tell("users")
