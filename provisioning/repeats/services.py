"""Keeps what the API answered to requests with an Idempotency-Key."""

from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone

from provisioning.core.permissions import Actor
from provisioning.models import KeptAnswer
from provisioning.turns import delete_in_turns

from .rules import KEPT_FOR, KEPT_MOST, LOST, Known, fingerprint, known

WHOSE = 16
"""Hexadecimal digits of a key that stand for whose it is."""


def begin(*, actor: Actor, key: str, request: str) -> tuple[Known, KeptAnswer | None]:
    """What is known of ``key`` of this actor, for the request that ``request`` stands for; no row where it is TOO_MANY.
    Where it is NEW, it is under way from now on, and whoever comes with it meanwhile is told so."""
    now, whose, name = timezone.now(), _whose(actor), fingerprint([key.encode()])
    row = KeptAnswer.objects.filter(key=_key(whose, name)).first()
    if row is None:
        if KeptAnswer.objects.filter(key__gte=whose, key__lt=f"{whose}g").count() >= KEPT_MOST:
            return Known.TOO_MANY, None
        row, is_new = KeptAnswer.objects.get_or_create(
            key=_key(whose, name), defaults={"request": request, "at": now})
        if is_new:
            return Known.NEW, row
    found = known(same=row.request == request, status=row.status, at=row.at, now=now)
    if found == Known.NEW and not _taken_over(row, request, now):
        return Known.UNDER_WAY, row
    return found, row


def _taken_over(row: KeptAnswer, request: str, now: datetime) -> bool:
    """Whether the row, whose time is over, is ours now, and not somebody's who came at the same moment."""
    return bool(KeptAnswer.objects.filter(pk=row.pk, at=row.at).update(
        request=request, at=now, status=0, headers={}, body=""))


def keep(row: KeptAnswer, *, status: int, headers: Mapping[str, str], body: str) -> None:
    """``row`` of ``begin`` was answered like this."""
    KeptAnswer.objects.filter(pk=row.pk).update(status=status, headers=dict(headers), body=body)


def lose(row: KeptAnswer) -> None:
    """Nobody knows whether it was done: it is not done when it comes again."""
    KeptAnswer.objects.filter(pk=row.pk, status=0).update(status=LOST)


def give_up(row: KeptAnswer) -> None:
    """Nothing was done: the same request is done when it comes again."""
    KeptAnswer.objects.filter(pk=row.pk, status=0).delete()


def forget_old(now: datetime | None = None) -> int:
    """Remove what is older than KEPT_FOR; how many there were."""
    return delete_in_turns(KeptAnswer.objects.filter(at__lt=(now or timezone.now()) - KEPT_FOR))


def _whose(actor: Actor) -> str:
    """What all keys of this actor begin with. A token that got the name of a revoked one gets none of its answers."""
    return fingerprint(part.encode() for part in (str(actor.user_id), actor.token_key))[:WHOSE]


def _key(whose: str, name: str) -> str:
    return whose + name[WHOSE:]
