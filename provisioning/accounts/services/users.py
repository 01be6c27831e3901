"""Users: who may sign in and with which roles. Passwords are made here, shown once and stored as hashes only."""

import secrets
from collections.abc import Collection

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from protocol.places import place_of
from provisioning.accounts.rules.sign_in import GOOD_FOR
from provisioning.accounts.rules.users import why_not_disable, why_not_password, why_not_roles, why_not_roles_of
from provisioning.accounts.selectors.sign_ins import locked_places, name_key, strange_at
from provisioning.accounts.selectors.users import facts_of, find_user, get_person, is_service, roles_of, source_of
from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor, verbs_of
from provisioning.core.text import DASH
from provisioning.errors import Conflict, Difference, Refusal, Refused
from provisioning.history import history
from provisioning.history.entries import last_change
from provisioning.models import Account, SignInTry
from provisioning.spelling import Plain, plain
from provisioning.states import Role

from .sessions import end_sessions

NAME_MAX = 150
NO_PASSWORDS = "A service account has no password: a program shows its API tokens."


def create_user(*, actor: Actor, name: str, roles: Collection[str]) -> tuple[User, str]:
    """A new user and the password for the first sign-in, at which another one is chosen. Raises Refused."""
    actor.require(permissions.USERS)
    password, hashed = _new_password()
    return _create_user(actor, name, roles, hashed), password


@history.atomic()
def _create_user(actor: Actor, name: str, roles: Collection[str], hashed: str) -> User:
    user = _stored(name, roles)
    _give_password(user, hashed)
    return _created(actor, user, "")


@history.atomic()
def create_service_account(*, actor: Actor, name: str, roles: Collection[str]) -> User:
    """A user that never signs in: it is there for its API tokens. Raises Refused."""
    actor.require(permissions.USERS)
    user = _stored(name, roles)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    Account.objects.create(user=user, is_service=True)
    return _created(actor, user, "A service account: it has API tokens and never signs in.")


def _stored(name: str, roles: Collection[str]) -> User:
    check_name(name)
    if not roles:
        raise Refused(Refusal("Choose at least one role.", "roles"))
    try:
        with transaction.atomic():
            user = User.objects.create(username=name)
    except IntegrityError:
        raise Refused(_taken(name)) from None
    user.groups.set(_groups(roles))
    return user


def _created(actor: Actor, user: User, reason: str) -> User:
    user = _read(user.pk)
    history.record(actor=actor, row=user, before=None, after=history.snapshot(user), reason=reason)
    changes.tell("users")
    return user


@history.atomic()
def set_roles(*, actor: Actor, user_id: int, roles: Collection[str], seen: Collection[str] | None = None) -> User:
    """Give the user exactly ``roles``; whoever may do less then is signed out at once. ``seen``: the roles that were
    there when these were chosen, None where nobody looked. Raises Refused, Conflict, NotFound."""
    actor.require(permissions.USERS)
    user = locked_user(user_id)
    if why := why_not_roles_of(source_of(user)):
        raise Refused(Refusal(why, "roles"))
    if seen is not None and set(seen) != set(roles_of(user)) != set(roles):
        raise _conflict(user, roles)
    if why := why_not_roles(facts_of(user, asked_by=actor.user_id), roles):
        raise Refused(Refusal(why, "roles"))
    before, could = history.snapshot(user), verbs_of(roles_of(user))
    user.groups.set([*user.groups.exclude(name__in=Role.values), *_groups(roles)])
    if user.is_superuser and Role.ADMINISTRATOR not in roles:
        user.is_superuser = False
        user.save(update_fields=["is_superuser"])
    changed = _changed(actor, user, before)
    if could - verbs_of(roles):
        end_sessions(actor=actor, user=changed, why="a role was taken away.")
    return changed


def _conflict(user: User, roles: Collection[str]) -> Conflict:
    last = last_change("user", user.pk, "roles")
    saved_by = last.user_name if last else ""
    yours = [role for role in Role.values if role in roles]
    return Conflict(
        f"{saved_by or 'Somebody else'} saved the roles of {user} while you were choosing them. Compare, then keep "
        "yours or take theirs.", revision=0, saved_by=saved_by, saved_at=last.at if last else None,
        differences=(Difference("roles", "Roles", ", ".join(roles_of(user)), ", ".join(yours)),))


@history.atomic()
def set_enabled(*, actor: Actor, user_id: int, enabled: bool) -> User:
    """Let the user sign in or not; who is disabled is signed out at once. Raises Refused, NotFound."""
    actor.require(permissions.USERS)
    user = locked_user(user_id)
    if not enabled and (why := why_not_disable(facts_of(user, asked_by=actor.user_id))):
        raise Refused(why)
    before = history.snapshot(user)
    user.is_active = enabled
    user.save(update_fields=["is_active"])
    changed = _changed(actor, user, before)
    if not enabled:
        end_sessions(actor=actor, user=changed, why="the user was disabled.")
    return changed


def reset_password(*, actor: Actor, user_id: int) -> tuple[User, str]:
    """A password for one sign-in in place of the present one, whose sessions end; a lock ends too. Raises Refused of a
    service account, NotFound."""
    actor.require(permissions.USERS)
    password, hashed = _new_password()
    return _reset_password(actor, user_id, hashed), password


@history.atomic()
def _reset_password(actor: Actor, user_id: int, hashed: str) -> User:
    user = locked_user(user_id)
    _require_person(user)
    if why := why_not_password(source_of(user)):
        raise Refused(why)
    _give_password(user, hashed)
    _unlock(user)
    history.record_verb(actor=actor, row=user, reason="Reset the password; another one is chosen at the next sign-in.")
    end_sessions(actor=actor, user=user, why="the password was reset.")
    changes.tell("users")
    return user


@history.atomic()
def unlock(*, actor: Actor, user_id: int) -> User:
    """End what failed sign-ins have locked. Raises Refused, NotFound."""
    actor.require(permissions.USERS)
    user = locked_user(user_id)
    if get_person(user_id).locked_until is None:
        raise Refused(f"{user} is not locked.")
    _unlock(user)
    history.record_verb(actor=actor, row=user, reason="Unlocked after failed sign-ins.")
    changes.tell("users")
    return user


@history.atomic()
def unlock_address(*, actor: Actor, address: str) -> str:
    """End the lock of an address for those who are new there; what it is called. Raises Refused."""
    actor.require(permissions.USERS)
    now, place = timezone.now(), place_of(address.strip().partition("/")[0])
    if place not in dict(locked_places(now)):
        raise Refused(f'The address "{address}" is not locked.')
    strange_at(now).filter(place=place).update(failures=0)
    history.record_sign_in(actor=actor, user=None, name=place, reason=f"Unlocked the address {place} after failed "
                                                                      "sign-ins.")
    changes.tell("users")
    return place


@sensitive_variables("password")
def change_own_password(*, actor: Actor, password: str, session_key: str | None) -> User:
    """The actor has chosen a password; ``session_key`` is the session that stays."""
    return _choose(actor, actor.user_id, make_password(password), "Changed their own password.", session_key)


@sensitive_variables("password")
def set_password(*, actor: Actor, user_id: int, password: str, reason: str) -> User:
    """The user gets this password, not for one sign-in; for the shell alone. ``reason`` says how it came about."""
    return _choose(actor, user_id, make_password(password), reason, "")


@history.atomic()
def _choose(actor: Actor, user_id: int | None, hashed: str, reason: str, session_key: str | None) -> User:
    user = _read(user_id or 0)
    _require_person(user)
    user.password = hashed
    user.save(update_fields=["password"])
    Account.objects.filter(user=user).update(must_change_password=False, good_until=None, used_at=None)
    history.record_verb(actor=actor, row=user, reason=reason)
    end_sessions(actor=actor, user=user, why="the password was changed.", but=session_key or "")
    changes.tell("users")
    return user


def _require_person(user: User) -> None:
    if is_service(user):
        raise Refused(NO_PASSWORDS)


def check_name(name: str) -> None:
    """Raises Refused unless a new user may be called ``name``."""
    try:
        UnicodeUsernameValidator()(name)
    except ValidationError:
        raise Refused(Refusal("A user name has letters, digits and @ . + - _ and no blanks.", "name")) from None
    if name.startswith("-"):
        raise Refused(Refusal(DASH, "name"))
    if len(name) > NAME_MAX:
        raise Refused(Refusal(f"The name has {len(name)} characters; {NAME_MAX} fit.", "name"))
    if User.objects.alias(plain=Plain("username")).filter(Q(plain=plain(name))).exists():
        raise Refused(_taken(name))


def _taken(name: str) -> Refusal:
    return Refusal(f"There is a user named {name} already (case and accents make no difference). Choose another name.",
                   "name")


def _groups(roles: Collection[str]) -> list[Group]:
    unknown = set(roles) - set(Role.values)
    if unknown:
        raise Refused(Refusal(f'"{min(unknown)}" is no role. Roles are {", ".join(Role.values)}.', "roles"))
    return [Group.objects.get_or_create(name=role)[0] for role in roles]


def locked_user(user_id: int) -> User:
    """The user; who changes Administrators at the same time waits, so that one is always left."""
    list(Group.objects.select_for_update().filter(name=Role.ADMINISTRATOR))
    return _read(user_id)


def _read(user_id: int) -> User:
    return get_person(user_id).user


def _new_password() -> tuple[str, str]:
    """(a password, its hash): hashing takes long on purpose, so it is done before anything is locked."""
    password = secrets.token_urlsafe(12)
    return password, make_password(password)


def _give_password(user: User, hashed: str) -> None:
    user.password = hashed
    user.save(update_fields=["password"])
    Account.objects.update_or_create(user=user, defaults={
        "must_change_password": True, "good_until": timezone.now() + GOOD_FOR, "used_at": None})


def _unlock(user: User) -> None:
    SignInTry.objects.filter(name_key=name_key(user.get_username())).update(failures=0)


def _changed(actor: Actor, user: User, before: dict) -> User:
    user = find_user(user.get_username())
    history.record(actor=actor, row=user, before=before, after=history.snapshot(user))
    changes.tell("users")
    return user
