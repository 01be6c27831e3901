"""Who may sign in: with which roles, when somebody last did, and whether failed sign-ins lock them out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from provisioning.accounts.rules.sign_in import Lock
from provisioning.accounts.rules.users import UserFacts
from provisioning.errors import NotFound
from provisioning.models import Account
from provisioning.spelling import by_name
from provisioning.states import Role, SignInSource

from .sign_ins import locks_of

EVERYWHERE = "addresses that are new for this user"


@dataclass(frozen=True)
class Person:
    """``locked_until``: when the last lock ends; ``locked_from``: the addresses that it is for. ``password_until``:
    when the password for one sign-in ends; None when there is none that could still be used. ``source``: of
    SignInSource; ``link_until``: until when single sign-on may become this user."""

    user: User
    roles: tuple[str, ...]
    locked_until: datetime | None
    locked_from: tuple[str, ...]
    must_change_password: bool
    password_until: datetime | None
    source: str = ""
    link_until: datetime | None = None
    is_service: bool = False

    NO_PASSWORD = ("The password for one sign-in was used, or not within 24 hours, and no other one was chosen since. "
                   "Reset Password gives another one for one sign-in.")

    @property
    def pk(self) -> int:
        return self.user.pk

    @property
    def name(self) -> str:
        return self.user.get_username()

    @property
    def source_words(self) -> str:
        return SignInSource(self.source).label


def user_list(*, text: str = "", role: str = "", state: str = "") -> QuerySet[User]:
    """Users by name. ``state`` is enabled or disabled."""
    found = User.objects.prefetch_related("groups").select_related("account").order_by(*by_name("username"))
    if text:
        found = found.filter(username__holds=text)
    if role:
        holders = Q(groups__name=role)
        found = found.filter(holders | Q(is_superuser=True) if role == Role.ADMINISTRATOR else holders).distinct()
    return found.filter(is_active=state == "enabled") if state else found


def people(users: Iterable[User]) -> list[Person]:
    """``users`` with their roles and locks, in two queries whatever their number."""
    users, now = list(users), timezone.now()
    locks = locks_of([user.get_username() for user in users], now)
    return [_person(user, locks.get(user.get_username(), []), now) for user in users]


def _person(user: User, locks: list[tuple[str, Lock]], now: datetime) -> Person:
    account: Account | None = getattr(user, "account", None)
    waits = account is not None and account.must_change_password and account.used_at is None
    until = account.good_until if account and waits else None
    return Person(user, roles=roles_of(user), locked_until=max((lock.until for _, lock in locks), default=None),
                  locked_from=tuple(sorted({place or EVERYWHERE for place, _ in locks})),
                  must_change_password=bool(account and account.must_change_password),
                  password_until=until if until and until > now else None, is_service=is_service(user),
                  source=source_of(user), link_until=account.link_until if account else None)


def roles_of(user: User) -> tuple[str, ...]:
    """Roles in their own order; who is a superuser is an Administrator (permissions.user_roles)."""
    names = {group.name for group in user.groups.all()} | ({Role.ADMINISTRATOR} if user.is_superuser else set())
    return tuple(role for role in Role.values if role in names)


def is_service(user: User) -> bool:
    """Whether it is there for API tokens alone and never signs in."""
    account: Account | None = getattr(user, "account", None)
    return bool(account and account.is_service)


def get_person(user_id: int) -> Person:
    """Raises NotFound."""
    found = people(user_list().filter(pk=user_id))
    if not found:
        raise NotFound("This user does not exist any more.")
    return found[0]


def find_user(name: str) -> User:
    """The user of that name. Raises NotFound."""
    user = user_list().filter(username=name).first()
    if user is None:
        raise NotFound(f'There is no user "{name}".')
    return user


def facts_of(user: User, *, asked_by: int | None) -> UserFacts:
    """Facts for accounts.rules.users; ``asked_by`` is the key of the user who asks."""
    others = user_list(role=Role.ADMINISTRATOR, state="enabled").exclude(account__is_service=True).exclude(
        pk=user.pk)
    return UserFacts(name=user.get_username(), roles=frozenset(roles_of(user)), is_enabled=user.is_active,
                     is_self=user.pk == asked_by, other_administrators=others.count(), source=source_of(user),
                     other_local_administrators=others.exclude(account__source__gt="").count())


def source_of(user: User) -> str:
    """Who says who the user is: of SignInSource."""
    account: Account | None = getattr(user, "account", None)
    return account.source if account else str(SignInSource.LOCAL)
