"""Kinds of object that have a history, and what of one is kept of it. Another kind is one line in KINDS."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model

from protocol.events import written
from provisioning.core.permissions import user_roles
from provisioning.declared import columns, facts, values
from provisioning.drafts import ApplicationDraft, ConnectionDraft, HostDraft, PackageDraft, PortDraft, TemplateDraft
from provisioning.models import (
    Alarm,
    AlarmCondition,
    ApiToken,
    Application,
    ApplicationTemplate,
    AuditTarget,
    Channel,
    Console,
    Host,
    InstallationPackage,
    Maintenance,
    NotificationRule,
    SavedSearch,
)


@dataclass(frozen=True)
class Recorded:
    """What History says of objects of one model. ``snapshot``: all of an object as JSON values, "name" among them,
    secrets as MASK, other objects by name (and by id, in fields that end in _id)."""

    name: str
    label: str
    snapshot: Callable[[Any], dict]


def fields_of(names: tuple[str, ...]) -> Callable[[Model], dict]:
    """A snapshot of these fields."""
    return lambda row: {name: getattr(row, name) for name in names}


def application_snapshot(application: Application) -> dict:
    """All of an application as JSON values; other objects by name and id, secrets as MASK."""
    return {
        **fields_of((*columns(ApplicationDraft), "type", "version", "revision"))(application),
        "template": application.template.name,
        "host": application.host.name if application.host else "",
        "backup_server": application.backup_server.name if application.backup_server else "",
        "ports": [values(PortDraft, row) for row in application.ports.all()],
        "connections": [{"server": row.server.name, **values(ConnectionDraft, row)}
                        for row in application.connections.select_related("server")],
        "options": application.options_dict(),
        "annex": application.options_dict(annex=True),
    }


def user_snapshot(user: User) -> dict:
    return {"name": user.get_username(), "roles": ", ".join(sorted(user_roles(user, even_disabled=True))),
            "enabled": user.is_active}


def condition_snapshot(row: AlarmCondition) -> dict:
    """Events and lists as people write them."""
    names = ("name", "description", "category", "selection_mode", "application_type", "application", "cancel_timeout",
             "enabled", "revision")
    return {**fields_of(names)(row), "detect_event": written(row.detect_event),
            "cancel_event": written(row.cancel_event), "reactions": ", ".join(row.verbs),
            "channels": _names(row.channels), "clearance_reactions": ", ".join(row.clearance_verbs),
            "clearance_channels": _names(row.clearance_channels)}


def _names(rows: Any) -> str:
    return ", ".join(rows.values_list("name", flat=True))


def channel_snapshot(row: Channel) -> dict:
    """Fields of its kind beside those of all channels."""
    return {**fields_of(("name", "description", "kind", "enabled", "revision"))(row), **row.shown_fields()}


def rule_snapshot(row: NotificationRule) -> dict:
    """Lists as people write them."""
    names = ("name", "quiet_hours", "time_zone", "wait_s", "repeat_h", "recovery", "group_s", "limit_per_hour",
             "enabled", "revision")
    lists = {name: ", ".join(getattr(row, name)) for name in (
        "categories", "conditions", "applications", "hosts", "pairs")}
    return {**fields_of(names)(row), **lists,
            "channels": _names(row.channels)}


def target_snapshot(row: AuditTarget) -> dict:
    names = ("name", "description", "address", "format", "ca", "certificate", "enabled", "revision")
    return {**fields_of(names)(row), **row.shown_secrets}


def maintenance_snapshot(row: Maintenance) -> dict:
    return {"name": str(row), "begins_at": row.begins_at.isoformat(), "ends_at": row.ends_at.isoformat(),
            "reason": row.reason}


def token_snapshot(row: ApiToken) -> dict:
    """Of what it is known by only the part that may be shown."""
    names = ("name", "key", "description", "scope", "read_only", "networks", "enabled")
    return {**fields_of(names)(row), "owner": row.owner.get_username(), "roles": ", ".join(row.roles),
            "expires_at": row.expires_at.isoformat() if row.expires_at else ""}


KINDS: dict[type[Model], Recorded] = {
    Application: Recorded("application", "Application", application_snapshot),
    Host: Recorded("host", "Host", fields_of((*columns(HostDraft), "revision"))),
    ApplicationTemplate: Recorded("template", "Application Template", fields_of((*facts(TemplateDraft), "enabled"))),
    InstallationPackage: Recorded("package", "Installation Package", fields_of(columns(PackageDraft))),
    User: Recorded("user", "User", user_snapshot),
    ApiToken: Recorded("api_token", "API Token", token_snapshot),
    Alarm: Recorded("alarm", "Alarm", fields_of(("name",))),
    AlarmCondition: Recorded("alarm_condition", "Alarm Condition", condition_snapshot),
    Channel: Recorded("channel", "Channel", channel_snapshot),
    NotificationRule: Recorded("notification_rule", "Notification Rule", rule_snapshot),
    AuditTarget: Recorded("audit_target", "Audit Target", target_snapshot),
    Maintenance: Recorded("maintenance", "Maintenance", maintenance_snapshot),
    SavedSearch: Recorded("saved_search", "Saved Search", fields_of(("name", "list", "query", "shared"))),
    Console: Recorded("console", "Console", fields_of(())),
}
MODELS: dict[str, type[Model]] = {kind.name: model for model, kind in KINDS.items()}
LABELS: dict[str, str] = {kind.name: kind.label for kind in KINDS.values()}
