"""A backup takes over Tenants and Connections of its primary and keeps them equal while it is one (domain.md 5.4)."""

from provisioning.applications.selectors.applications import connection_drafts
from provisioning.core.permissions import Actor
from provisioning.drafts import ConnectionDraft
from provisioning.history import history
from provisioning.models import Application, Connection

from .facts import followed_connections
from .storage import after_change, save_revision, save_rows


def follows(backup: Application, primary: Application) -> bool:
    """True when ``backup`` has what it takes over already."""
    return backup.tenants == primary.tenants and connection_drafts(backup) == followed_connections(primary, backup)


def follow_primary(*, actor: Actor, primary: Application) -> None:
    """Give the backup of ``primary``, as it is stored now, what it takes over; in the caller's transaction."""
    if primary.backup_server_id is None:
        return
    backup = Application.objects.get(pk=primary.backup_server_id)
    if follows(backup, primary):
        return
    before = history.snapshot(backup)
    backup.tenants = primary.tenants
    save_revision(backup, actor, fields=["tenants"])
    save_rows(backup, Connection, ConnectionDraft, followed_connections(primary, backup))
    history.record(actor=actor, row=backup, before=before, after=history.snapshot(backup),
                   reason=f"Tenants and Connections of a backup are those of its primary {primary.name}.")
    after_change(backup)
