"""API tokens that were refused: counted by address, in the Configuration Database, so that all web processes know of
them, as failed sign-ins are (``sign_in``, ``sign_in_story``)."""

from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone

from protocol.places import place_of
from provisioning.accounts.rules.tokens import TRIES_WITHIN, counted, locked_until
from provisioning.accounts.selectors.sign_ins import TOKENS
from provisioning.errors import TooMany
from provisioning.history import history
from provisioning.models import SignInTry

from .sign_in_story import tell_refused_token


def locked(address: str, now: datetime) -> datetime | None:
    """Until when nothing of the address is looked at."""
    row = SignInTry.objects.filter(name_key=TOKENS, place=place_of(address)).first()
    return None if row is None else locked_until(row.failures, row.tried_at, now)


def too_many(until: datetime, now: datetime) -> TooMany:
    wait_s = max(1, -(-int((until - now).total_seconds() * 1000) // 1000))
    return TooMany(f"Too many tokens from this address were refused. Wait for {wait_s} s, then show the right one.",
                   retry_after_s=wait_s)


@history.atomic()
def count(address: str, *, why: str, owner: User | None) -> None:
    """One more was refused, for the reason that ``why`` says; ``owner`` where it is known whose it is. Raises TooMany
    where others were refused there at the same time, so that it does not count."""
    now, place = timezone.now(), place_of(address)
    row = SignInTry.objects.select_for_update().get_or_create(name_key=TOKENS, place=place,
                                                              defaults={"tried_at": now - TRIES_WITHIN})[0]
    if until := locked_until(row.failures, row.tried_at, now):
        raise too_many(until, now)
    row.failures, row.tried_at, row.untold = counted(row.failures, row.tried_at, now), now, row.untold + 1
    row.save()
    tell_refused_token(row, owner=owner, origin=address, why=why, until=locked_until(row.failures, now, now), now=now)
