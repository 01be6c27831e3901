"""Users whose roles follow from groups elsewhere: at a provider of single sign-on, or in a directory."""

from collections.abc import Collection

from django.contrib.auth.models import Group, User

from protocol.events import Own
from provisioning.accounts.selectors.users import find_user, roles_of
from provisioning.core import changes, events
from provisioning.core.permissions import Actor
from provisioning.errors import Refused
from provisioning.history import history
from provisioning.models import Account
from provisioning.states import Role

from .sessions import end_sessions
from .users import check_name


def create_with_roles(*, actor: Actor, name: str, source: str, roles: Collection[str]) -> User:
    """A user without a password here, within the transaction that runs. Raises Refused."""
    try:
        check_name(name)
    except Refused as refused:
        raise Refused(f'The name "{name}" cannot be that of a user here. {refused}') from None
    user = User(username=name)
    user.set_unusable_password()
    user.save()
    Account.objects.create(user=user, source=source)
    user.groups.set(_groups(roles))
    user = find_user(name)
    history.record(actor=actor, row=user, before=None, after=history.snapshot(user))
    changes.tell("users")
    return user


def give_roles(*, actor: Actor, user: User, roles: Collection[str]) -> None:
    """Exactly these roles, within the transaction that runs; who may do less then is signed out. Groups of Django that
    are no roles are nobody's business elsewhere."""
    had = set(roles_of(user))
    if had == set(roles):
        return
    before = history.snapshot(user)
    user.groups.set([*user.groups.exclude(name__in=Role.values), *_groups(roles)])
    if user.is_superuser:
        user.is_superuser = False
        user.save(update_fields=["is_superuser"])
    changed = find_user(user.get_username())
    history.record(actor=actor, row=changed, before=before, after=history.snapshot(changed))
    if had - set(roles):
        end_sessions(actor=actor, user=changed, why="the groups of the user have another role, or none.")
    changes.tell("users")


def tell_of_unknown_groups(user: User, *, where: str, why: str) -> None:
    """On the timeline, within the transaction that runs."""
    events.of_console(Own.GROUPS_UNKNOWN, (
        f"{user} signed in by {where}, which did not say the groups ({why}): the roles stay as they were.")).save()


def _groups(roles: Collection[str]) -> list[Group]:
    return [Group.objects.get_or_create(name=role)[0] for role in sorted(roles)]
