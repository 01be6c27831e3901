"""Users of a directory: who may be one, and with which roles. Who has a password of Pairwise is never asked for there,
so a directory that is away keeps nobody of these out, and nobody there takes such a user over."""

from django.conf import settings
from django.contrib.auth.models import User

from provisioning.accounts.rules.directory import Entry
from provisioning.accounts.rules.single_sign_on import role_map, roles_for
from provisioning.accounts.selectors.users import find_user, roles_of, source_of
from provisioning.core.permissions import Actor
from provisioning.errors import NotFound, Refused
from provisioning.history import history
from provisioning.states import SignInSource

from .directory import is_set_up
from .groups import create_with_roles, give_roles, tell_of_unknown_groups

LDAP = "LDAP"
"""Who gives and takes roles by groups, as History has it."""
DIRECTORY = "the directory"


def belongs_there(name: str) -> bool:
    """Whether the directory is asked for the password of ``name``."""
    if not is_set_up():
        return False
    try:
        return source_of(find_user(name)) == SignInSource.LDAP
    except NotFound:
        return True


@history.atomic()
def admit(*, entry: Entry, origin: str) -> tuple[User | None, str]:
    """(the user that ``entry`` is here, with the roles of its groups, ""), or (None, why there is none)."""
    actor = Actor(name=LDAP, origin=origin)
    roles = roles_for(entry.groups, role_map(settings.PAIRWISE_LDAP_ROLES))
    try:
        user = find_user(entry.name)
    except NotFound:
        return _created(entry, roles, actor)
    if source_of(user) != SignInSource.LDAP:
        return None, f"There is a user {user} here already who is not of the directory. Ask an Administrator."
    if not user.is_active:
        return None, "This user is disabled. Ask an Administrator."
    if roles is None:
        tell_of_unknown_groups(user, where=DIRECTORY, why=entry.why_unknown)
        return (user, "") if roles_of(user) else (None, _no_role(entry))
    give_roles(actor=actor, user=user, roles=roles)
    return (user, "") if roles else (None, _no_role(entry))


def _created(entry: Entry, roles, actor: Actor) -> tuple[User | None, str]:
    if not roles:
        return None, _no_role(entry)
    try:
        return create_with_roles(actor=actor, name=entry.name, source=SignInSource.LDAP, roles=roles), ""
    except Refused as refused:
        return None, str(refused)


def _no_role(entry: Entry) -> str:
    if entry.groups is None:
        return f"You have no role here: {entry.why_unknown}. Ask an Administrator."
    return ("None of your groups in the directory has a role here. Ask an Administrator to put you into one that has "
            "(PAIRWISE_LDAP_ROLES).")
