"""How a machine becomes a host: a one-time token, and what is given for it (ADR 9)."""

import posixpath
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from protocol.said import legible
from provisioning.applications.services.facts import is_console_host
from provisioning.broker.worker import access as broker_access
from provisioning.core import changes, permissions, refusals
from provisioning.core.permissions import Actor
from provisioning.core.systems import no_agent
from provisioning.errors import NotFound, Refusal, Refused
from provisioning.history import history
from provisioning.hosts.rules.joining import REPORTED, with_stage
from provisioning.hosts.services.attempts import MAKE_NEW, Attempts
from provisioning.models import Event, Host, HostEnrolment
from provisioning.models.enrolments import token_hash
from provisioning.states import EventSource

LIFETIME = timedelta(hours=1)
STATES = ("running", "done", "failed")
TEXT_MAX, MACHINE_MAX, INSTALL_ROOT_MAX = 1000, 200, 900
SOURCE = EventSource.JOIN


attempts = Attempts()


def require_account(host: Host) -> None:
    """Raises Refused when the host could be given no account of its own at the broker; one that is away says so by
    itself."""
    try:
        why = broker_access.why_not(host)
    except (RedisError, OSError):
        return
    if why:
        raise Refused(f"Host {host.name} cannot join. {why}")


@history.atomic()
def make_token(*, actor: Actor, host_id: int) -> HostEnrolment:
    """A new token for the host; those before it that were not used are good for nothing any more.

    Raises NotFound, Refused.
    """
    actor.require(permissions.MANAGE_HOSTS)
    host = _host(host_id)
    if is_console_host(host):
        raise Refused(Refusal(f"Host {host.name} is the machine of the console itself: ./run starts its agent."))
    if why := no_agent(host.name, host.os_type):
        raise Refused(why)
    if not host.enabled:
        raise Refused(Refusal(f"Host {host.name} is disabled, so no machine can join as it. Enable it first."))
    _revoke_open(host)
    row = HostEnrolment(host=host, created_by=actor.name[:150], expires_at=timezone.now() + LIFETIME)
    row.token_hash = token_hash(row.token)
    row.save()
    history.record_verb(actor=actor, row=host, reason=f"Made a token for {host.name} to join with, good for one hour.")
    changes.tell(f"host:{host.pk}")
    return row


@history.atomic()
def revoke_tokens(*, actor: Actor, host_id: int) -> int:
    """Take back every token of the host that was not used; how many. Raises NotFound."""
    actor.require(permissions.MANAGE_HOSTS)
    host = _host(host_id)
    revoked = _revoke_open(host)
    if revoked:
        history.record_verb(actor=actor, row=host, reason=f"Revoked the token for {host.name} to join with.")
        changes.tell(f"host:{host.pk}")
    return revoked


def _host(host_id: int) -> Host:
    host = Host.objects.filter(pk=host_id).first()
    if host is None:
        raise NotFound("This host does not exist any more. Somebody may have deleted it.")
    return host


def _revoke_open(host: Host) -> int:
    return HostEnrolment.objects.filter(host=host, used_at=None, revoked_at=None).update(revoked_at=timezone.now())


def admit(*, token: str, origin: str) -> HostEnrolment:
    """The enrolment that ``token`` is good for now. Raises Refused (recorded), TooMany."""
    row = HostEnrolment.objects.select_related("host").filter(token_hash=token_hash(token)).first() if token else None
    if row is not None and row.is_open and row.host.enabled:
        return row
    attempts.refuse(origin)
    kind, why = _why_refused(row)
    whom = f" for host {row.host.name}" if row else ""
    refusals.record(host=row.host if row else None, kind=f"join {kind}", of_stranger=True,
                    text=f"A join{whom} was refused, asked from {origin}: {why}")
    raise Refused(f"{why} {MAKE_NEW}")


def _why_refused(row: HostEnrolment | None) -> tuple[str, str]:
    """A word for it, and a sentence."""
    if row is None:
        return "wrong", "The token is wrong."
    if not row.host.enabled:
        return "disabled", f"Host {row.host.name} is disabled."
    if row.used_at is not None:
        return "used", f"The token was used already, at {row.used_at:%H:%M:%S} UTC from {row.used_from}."
    if row.revoked_at is not None:
        return "revoked", "The token was revoked."
    return "expired", f"The token expired at {row.expires_at:%H:%M:%S} UTC."


def spend(*, token: str, origin: str, proven: Host | None, machine: str, install_root: str = "") -> Host:
    """Use ``token`` up; the host, with the secret that its agent is to use from now on.

    ``proven`` is the host that the request was signed by: it keeps its secret. Any other machine gets a new one, so
    that whoever had the former is shut out. ``install_root``: where its agent installs. Raises Refused, TooMany.
    """
    row = admit(token=token, origin=origin)
    with transaction.atomic():
        now = timezone.now()
        spent = HostEnrolment.objects.filter(pk=row.pk, used_at=None, revoked_at=None, expires_at__gt=now).update(
            used_at=now, used_from=origin[:64])
        if spent:
            host = _joined(row.host_id, proven, origin, machine)
            Host.objects.filter(pk=host.pk).update(install_root=_directory(install_root), left_at=None)
    if not spent:
        # Somebody was faster: says so, and records it.
        admit(token=token, origin=origin)
        raise Refused(f"The token was used at this very moment. {MAKE_NEW}")
    return host


def _joined(host_id: int, proven: Host | None, origin: str, machine: str) -> Host:
    host = Host.objects.get(pk=host_id)
    again = proven is not None and proven.pk == host.pk
    if not again:
        host.renew_secret()
    what = "was set up again and kept its secret" if again else "joined and was given a new secret"
    Event.objects.create(at=timezone.now(), host=host, source=SOURCE,
                         text=f"Host {host.name} {what}, from {origin}. {legible(machine, MACHINE_MAX)}".strip())
    changes.tell(f"host:{host.pk}", "hosts", "status", hosts=[host.name])
    return host


def _directory(said: str) -> str:
    usable = said.startswith("/") and said.isprintable() and len(said) <= INSTALL_ROOT_MAX
    return posixpath.normpath(said) if usable else ""


@transaction.atomic
def leave(*, host: Host, origin: str) -> None:
    """The agent of ``host`` was removed from its machine: what it left behind there opens nothing any more."""
    row = Host.objects.select_for_update().get(pk=host.pk)
    row.renew_secret()
    row.left_at = timezone.now()
    row.save(update_fields=["left_at"])
    Event.objects.create(at=timezone.now(), host=row, source=SOURCE,
                         text=f"The agent of host {row.name} was removed from its machine, from {origin}.")
    changes.tell(f"host:{row.pk}", "hosts", "status", hosts=[row.name])


@transaction.atomic
def note_stage(*, enrolment: HostEnrolment, name: str, state: str, text: str) -> None:
    """Keep what the machine says of one stage. Raises Refused."""
    if name not in REPORTED or state not in STATES:
        raise Refused(f"{name[:80]!r} {state[:80]!r} is no stage of joining. Use the program of this console.")
    row = HostEnrolment.objects.select_for_update().get(pk=enrolment.pk)
    row.stages = with_stage(row.stages, name=name, state=state, text=legible(text, TEXT_MAX),
                            at=timezone.now().isoformat())
    row.save(update_fields=["stages"])
    changes.tell(f"host:{row.host_id}")
