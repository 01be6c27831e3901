"""Second factors of users, and of whom one is required. Nothing of allauth is loaded by who imports this."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.utils import timezone

from provisioning.accounts.rules import factors as rules
from provisioning.accounts.rules.factors import FactorFacts
from provisioning.models import Console
from provisioning.states import SignInSource
from provisioning.web.sessions import CONFIRMED

from .users import roles_of, source_of

APP, PASSKEY, CODES = "totp", "webauthn", "recovery_codes"
"""Kinds, as allauth has them. CODES alone are no factor: they stand in for a lost one."""


@dataclass(frozen=True)
class Factor:
    """Something that a user has set up, as pages show it."""

    pk: int
    kind: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


def stored_of(user: User) -> QuerySet[Any]:
    """All that is stored of the user's factors, in allauth's rows, the recovery codes too."""
    return apps.get_model("mfa", "Authenticator").objects.filter(user=user)


def factors_of(user: User) -> list[Factor]:
    """Without the recovery codes, oldest first."""
    rows = stored_of(user).exclude(type=CODES).order_by("created_at", "pk")
    return [Factor(row.pk, row.type, row.data.get("name", "") if row.type == PASSKEY else "Authenticator app",
                   row.created_at, row.last_used_at) for row in rows]


def has_factor(user: User) -> bool:
    return stored_of(user).exclude(type=CODES).exists()


def kinds_of(users: Collection[int]) -> dict[int, str]:
    """{key of a user: what the user has, in words} of those that have something."""
    rows = User.objects.filter(pk__in=users, authenticator__type__in=(APP, PASSKEY))
    found: dict[int, Counter[str]] = {}
    for pk, kind, count in rows.values_list("pk", "authenticator__type").annotate(count=Count("authenticator")):
        found.setdefault(pk, Counter())[kind] = count
    return {pk: rules.words([*counter.elements()]) for pk, counter in found.items()}


def facts_of(user: User) -> FactorFacts:
    return FactorFacts(roles=frozenset(roles_of(user)), source=source_of(user), has_factor=has_factor(user),
                       since=user.date_joined)


def policy() -> Console:
    """Of whom a factor is required; not stored while nobody has said anything."""
    return Console.objects.order_by("pk").first() or Console()


def required_from(user: User) -> datetime | None:
    """From when the user can do nothing else before a factor is set up; None when that is not to come."""
    console = policy()
    return rules.required_from(console.factors_of, console.factors_since, facts_of(user))


def is_required(user: User) -> bool:
    return rules.is_required(policy().factors_of, facts_of(user))


def has_password(user: User) -> bool:
    """Whether the user has a password, here or in the directory."""
    return user.has_usable_password() or source_of(user) == SignInSource.LDAP


def must_confirm(session: Mapping[str, Any], user: User) -> bool:
    """Whether the user of this session has to show anew who it is before what is dangerous."""
    said = session.get(CONFIRMED)
    at = datetime.fromisoformat(said) if said else None
    return not rules.is_confirmed(at, timezone.now()) and can_show_who(user)


def can_show_who(user: User) -> bool:
    """Whether there is anything by which the user could show anew who it is."""
    return has_password(user) or has_factor(user)
