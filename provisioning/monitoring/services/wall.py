"""The address of the wall display: whoever has it sees the state of everything, and nothing else (docs/alarms.md)."""

import hashlib
import secrets

from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_variables

from provisioning.core import permissions
from provisioning.core.permissions import Actor
from provisioning.errors import NotFound, Refused
from provisioning.history import history
from provisioning.hosts.services.attempts import Attempts
from provisioning.models import Console
from provisioning.monitoring.selectors.wall import digest_now

TOKEN_BYTES = 32
attempts = Attempts()


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


@sensitive_variables("token")
def make_address(*, actor: Actor) -> str:
    """The token of a new address, which is stored nowhere; a former address is good for nothing any more."""
    actor.require(permissions.WALL)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with history.atomic():
        console = _locked()
        former = " The former one is good for nothing any more." if console.wall_digest else ""
        _keep(console, digest_of(token), actor)
        history.record_verb(actor=actor, row=console, reason=f"Made an address for the wall display.{former}")
    return token


def revoke_address(*, actor: Actor) -> None:
    """Nobody sees anything by it any more. Raises Refused."""
    actor.require(permissions.WALL)
    with history.atomic():
        console = _locked()
        if not console.wall_digest:
            raise Refused("The wall display has no address, so there is nothing to revoke.")
        _keep(console, "", actor)
        history.record_verb(actor=actor, row=console, reason="Revoked the address of the wall display.")


@sensitive_variables("token")
def admit(*, token: str, origin: str) -> None:
    """Raises NotFound when it is not the token of the address that was made last, TooMany after too many such ones."""
    stored = digest_now()
    if stored and constant_time_compare(digest_of(token), stored):
        return
    attempts.refuse(origin)
    raise NotFound("The address is wrong, or what it showed was deleted.")


def _locked() -> Console:
    Console.this()
    return Console.objects.select_for_update().get(pk=1)


def _keep(console: Console, digest: str, actor: Actor) -> None:
    console.wall_digest, console.wall_by, console.wall_at = digest, actor.name[:150], timezone.now()
    console.save(update_fields=["wall_digest", "wall_by", "wall_at"])
