"""What is known of sign-ins, as the rules of ``accounts.rules.sign_in`` take it."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet, Sum

from provisioning.accounts.rules import sign_in as rules
from provisioning.accounts.rules.sign_in import Lock, Tried
from provisioning.keys import derive
from provisioning.models import SignInTry

TOKENS = "token"
"""In place of the key of a name: API tokens that were refused. They count by themselves (``accounts.rules.tokens``)."""


def name_key(name: str) -> str:
    return rules.name_key(derive(settings.SECRET_KEY, "sign-in"), name)


def tried_of(row: SignInTry) -> Tried:
    return Tried(name_key=row.name_key, place=row.place, failures=row.failures, tried_at=row.tried_at,
                 signed_in_at=row.signed_in_at)


def lock_of(*, name: str, place: str, now: datetime) -> Lock | None:
    """What keeps the name from signing in at this place now; None for nothing."""
    key = name_key(name)
    rows = SignInTry.objects.filter(Q(name_key=key) | Q(place=place)).exclude(name_key=TOKENS)
    return rules.lock_of([tried_of(row) for row in rows], name_key=key, place=place, now=now)


def locked_places(now: datetime) -> list[tuple[str, Lock]]:
    """Each address that is locked for all who are new there, with its lock."""
    strange = strange_at(now).filter(tried_at__gt=now - rules.LOCKED_FOR)
    many = strange.values("place").annotate(sum=Sum("failures")).filter(sum__gte=rules.LIMITS[rules.PLACE])
    rows = strange.filter(place__in=[each["place"] for each in many])
    return rules.place_locks([tried_of(row) for row in rows], now=now)


def strange_at(now: datetime) -> QuerySet[SignInTry]:
    """What was tried where the user is new (``Tried.is_familiar``)."""
    return SignInTry.objects.exclude(name_key=TOKENS).exclude(signed_in_at__gt=now - rules.FAMILIAR_FOR)


def locks_of(names: Iterable[str], now: datetime) -> dict[str, list[tuple[str, Lock]]]:
    """{name: [(the place that its lock is for, or "" for every strange one, the lock)]} of the names that are locked
    somewhere; in one query."""
    keys = {name_key(name): name for name in names}
    rows = SignInTry.objects.filter(name_key__in=keys, tried_at__gt=now - rules.LOCKED_FOR)
    tried = [tried_of(row) for row in rows]
    found: dict[str, list[tuple[str, rules.Lock]]] = {}
    for each, lock in rules.here_locks(tried, now=now):
        found.setdefault(keys[each.name_key], []).append((each.place, lock))
    for key in {each.name_key for each in tried}:
        if of_name := rules.name_lock(tried, name_key=key, now=now):
            found.setdefault(keys[key], []).append(("", of_name))
    return found
