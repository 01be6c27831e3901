"""Maintenance as its page shows it."""

from datetime import datetime

from django.db.models import F, Q, QuerySet

from provisioning.errors import NotFound
from provisioning.models import Application, Host, Maintenance
from provisioning.states import MaintenanceKind

TOPIC = "maintenance"
"""What pages that show it are told by."""
OVER = "over"


def maintenance_list(now: datetime, *, state: str = "", text: str = "") -> QuerySet[Maintenance]:
    """What goes on or will, the next to end first; with ``state`` OVER what ended or was cancelled, the latest first.
    ``text`` is a part of the name or of the reason."""
    over = Q(ends_at__lte=now) | Q(ends_at=F("begins_at"))
    found = Maintenance.objects.filter(over if state == OVER else ~over)
    if text:
        found = found.filter(Q(name__holds=text) | Q(reason__holds=text))
    return found.order_by("-ends_at", "-id") if state == OVER else found.order_by("ends_at", "id")


def get_maintenance(key: int) -> Maintenance:
    """Raises NotFound."""
    row = Maintenance.objects.filter(pk=key).first()
    if row is None:
        raise NotFound("There is no such maintenance (any more).")
    return row


def going_on(now: datetime) -> int:
    """How many go on."""
    return Maintenance.objects.filter(begins_at__lte=now, ends_at__gt=now).count()


def is_there(kind: str, name: str) -> bool:
    """Whether there is something of this kind and name; of a pair either member may be named."""
    if kind == MaintenanceKind.PAIR:
        return bool(primary_of(name))
    model = Host if kind == MaintenanceKind.HOST else Application
    return model._default_manager.filter(name=name).exists()


def primary_of(name: str) -> str:
    """The primary of the pair that the application ``name`` belongs to, "" where it belongs to none."""
    found = Application.objects.filter(Q(name=name) | Q(backup_server__name=name), backup_server__isnull=False)
    return found.values_list("name", flat=True).first() or ""
