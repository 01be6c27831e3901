"""History: who changed what, with full snapshots whose secrets are masked (design section 4)."""

from django.db.models import Model

from provisioning.models import Application, ApplicationTemplate, HistoryEntry, Host, InstallationPackage
from provisioning.permissions import Actor
from provisioning.states import HistoryAction

APPLICATION_FIELDS = (
    "name", "type", "version", "enabled", "tenants", "working_directory", "command_line", "command_line_arguments",
    "startup_timeout", "shutdown_timeout", "auto_restart", "redundancy_type", "reconnect_timeout",
    "reconnect_attempts", "log_on_as", "description", "revision",
)
PORT_FIELDS = ("port_id", "port", "protocol", "ha_sync", "listening_mode", "transport_parameters",
               "application_parameters", "description")
CONNECTION_FIELDS = ("port_id", "protocol", "timeout_local", "timeout_remote", "trace_mode", "transport_parameters",
                     "application_parameters")
HOST_FIELDS = ("name", "ip_address", "os_type", "os_version", "lca_port", "enabled", "revision")
TEMPLATE_FIELDS = ("name", "type", "version", "options", "ports", "enabled", "file_name")
PACKAGE_FIELDS = ("name", "nickname", "type", "version", "locale", "os_type", "description", "sha256", "size")


def _fields(row: Model, names: tuple[str, ...]) -> dict:
    return {name: getattr(row, name) for name in names}


def application_snapshot(application: Application) -> dict:
    """All of an application as JSON values; other objects by name, secrets as MASK."""
    return {
        **_fields(application, APPLICATION_FIELDS),
        "template": application.template.name,
        "host": application.host.name if application.host else "",
        "backup_server": application.backup_server.name if application.backup_server else "",
        "ports": [_fields(port, PORT_FIELDS) for port in application.ports.all()],
        "connections": [{"server": row.server.name, **_fields(row, CONNECTION_FIELDS)}
                        for row in application.connections.select_related("server")],
        "options": application.options_dict(),
        "annex": application.options_dict(annex=True),
    }


_SNAPSHOTS = {
    Application: ("application", application_snapshot),
    Host: ("host", lambda row: _fields(row, HOST_FIELDS)),
    ApplicationTemplate: ("template", lambda row: _fields(row, TEMPLATE_FIELDS)),
    InstallationPackage: ("package", lambda row: _fields(row, PACKAGE_FIELDS)),
}


def snapshot(row: Model) -> dict:
    """Snapshot of an Application, Host, ApplicationTemplate or InstallationPackage. Read the row anew first when
    related rows were written since."""
    return _SNAPSHOTS[type(row)][1](row)


def _without_revision(body: dict | None) -> dict | None:
    return None if body is None else {key: value for key, value in body.items() if key != "revision"}


def record(*, actor: Actor, row: Model, before: dict | None, after: dict | None, reason: str = "",
           new_secrets: list[str] | None = None) -> HistoryEntry | None:
    """Add an entry, in the caller's transaction; None when nothing changed.

    ``before`` None = created, ``after`` None = deleted. ``new_secrets`` names secret options that got a new value:
    snapshots hold only their mask, so the reason says it.
    """
    if new_secrets:
        reason = " ".join(filter(None, (reason, f"New value for {', '.join(new_secrets)}.")))
    elif _without_revision(before) == _without_revision(after):
        return None
    action = (HistoryAction.CREATED if before is None else
              HistoryAction.DELETED if after is None else HistoryAction.CHANGED)
    return HistoryEntry.objects.create(
        user_id=actor.user_id, user_name=actor.name[:150], origin=actor.origin[:64], request_id=actor.request_id[:36],
        action=action, object_type=_SNAPSHOTS[type(row)][0], object_id=str(row.pk),
        object_name=(after or before or {}).get("name", str(row)), before=before, after=after, reason=reason,
    )


def record_verb(*, actor: Actor, row: Model, reason: str) -> HistoryEntry:
    """Add an entry about something that was done to an object without changing its configuration; ``reason`` is the
    sentence that says what."""
    return HistoryEntry.objects.create(
        user_id=actor.user_id, user_name=actor.name[:150], origin=actor.origin[:64], request_id=actor.request_id[:36],
        action=HistoryAction.OPERATED, object_type=_SNAPSHOTS[type(row)][0], object_id=str(row.pk),
        object_name=str(row.name), reason=reason,
    )
