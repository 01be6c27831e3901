"""Who may sign in: with which roles, when somebody last did, and whether failed sign-ins lock them out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from provisioning.errors import NotFound
from provisioning.rules.users import UserFacts
from provisioning.spelling import by_name
from provisioning.states import Role


@dataclass(frozen=True)
class Person:
    """``locked_until``: when the last lock ends; ``locked_from``: the addresses that it is for."""

    user: User
    roles: tuple[str, ...]
    locked_until: datetime | None
    locked_from: tuple[str, ...]
    must_change_password: bool

    @property
    def pk(self) -> int:
        return self.user.pk

    @property
    def name(self) -> str:
        return self.user.get_username()


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
    users = list(users)
    locks: dict[str, list[AccessAttempt]] = {}
    for attempt in locked_attempts().filter(username__in=[user.get_username() for user in users]):
        locks.setdefault(attempt.username, []).append(attempt)
    return [_person(user, locks.get(user.get_username(), [])) for user in users]


def _person(user: User, locks: list[AccessAttempt]) -> Person:
    until = max((attempt.attempt_time for attempt in locks), default=None)
    account = getattr(user, "account", None)
    return Person(user, roles=roles_of(user), locked_until=until and until + _lock_lasts(),
                  locked_from=tuple(sorted({str(attempt.ip_address) for attempt in locks})),
                  must_change_password=bool(account and account.must_change_password))


def _lock_lasts() -> timedelta:
    return timedelta(hours=settings.AXES_COOLOFF_TIME)


def locked_attempts() -> QuerySet[AccessAttempt]:
    """Failed sign-ins that lock a user name out of an address at this moment."""
    return AccessAttempt.objects.filter(failures_since_start__gte=settings.AXES_FAILURE_LIMIT,
                                        attempt_time__gt=timezone.now() - _lock_lasts())


def roles_of(user: User) -> tuple[str, ...]:
    """Roles in their own order; who is a superuser is an Administrator (permissions.user_roles)."""
    names = {group.name for group in user.groups.all()} | ({Role.ADMINISTRATOR} if user.is_superuser else set())
    return tuple(role for role in Role.values if role in names)


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
    """Facts for rules.users; ``asked_by`` is the key of the user who asks."""
    others = user_list(role=Role.ADMINISTRATOR, state="enabled").exclude(pk=user.pk).count()
    return UserFacts(name=user.get_username(), roles=frozenset(roles_of(user)), is_enabled=user.is_active,
                     is_self=user.pk == asked_by, other_administrators=others)
