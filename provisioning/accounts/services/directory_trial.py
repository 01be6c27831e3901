"""A look at somebody in the directory, as a sign-in would see them; nothing is changed by it."""

from dataclasses import dataclass

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from provisioning.accounts.rules.directory import Entry
from provisioning.accounts.rules.single_sign_on import BadRoles, role_map, roles_for
from provisioning.accounts.selectors.users import find_user, source_of
from provisioning.core import permissions
from provisioning.core.permissions import Actor
from provisioning.errors import NotFound, Refusal, Refused
from provisioning.states import SignInSource

from . import directory


@dataclass(frozen=True)
class Found:
    """``roles`` None: nothing is known of the groups, so a sign-in leaves roles as they are. ``why_not``: what keeps
    this one from signing in by the directory, "" for nothing."""

    entry: Entry
    roles: frozenset[str] | None
    why_not: str


@sensitive_variables("password")
def tried(*, actor: Actor, name: str, password: str | None = None) -> Found:
    """Who ``name`` is in the directory, with ``password`` only if it is the right one. Raises Refused, NotAllowed."""
    actor.require(permissions.USERS)
    if not directory.is_set_up():
        raise Refused("No directory is set up here (PAIRWISE_LDAP_URL).")
    try:
        roles = role_map(settings.PAIRWISE_LDAP_ROLES)
    except BadRoles as error:
        raise Refused(f"PAIRWISE_LDAP_ROLES cannot be read: {error}.") from None
    try:
        entry = directory.look_up(name) if password is None else directory.ask(name=name, password=password)
    except directory.DirectoryAway as error:
        raise Refused(f"The directory does not answer: {error}.") from None
    if entry is None:
        raise Refused(Refusal(
            f'There is no "{name}" in the directory, or more than one.' if password is None else
            f'The password of "{name}" is wrong, or there is no such user in the directory.', "name"))
    follow = roles_for(entry.groups, roles)
    return Found(entry, follow, _why_not(entry, follow))


def _why_not(entry: Entry, roles: frozenset[str] | None) -> str:
    try:
        user = find_user(entry.name)
    except NotFound:
        return "" if roles else "nobody new gets in without a group that has a role here"
    if source_of(user) != SignInSource.LDAP:
        return f"there is a user {user} here already who is not of the directory"
    if not user.is_active:
        return "this user is disabled here"
    return "" if roles or roles is None else "none of the groups has a role here"
