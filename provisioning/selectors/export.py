"""The configuration as the YAML that ``manage.py apply`` reads; secrets are masked."""

from typing import Any

import yaml

from provisioning.models import Application, Host
from provisioning.selectors.applications import with_related
from provisioning.spelling import by_name


def export_document(*, names: list[str] | None = None) -> dict[str, Any]:
    """{"hosts": [...], "applications": [...]}; ``names`` limits it to these applications and their hosts."""
    applications = with_related(Application.objects.order_by(*by_name("name"))).prefetch_related(
        "options", "connections__server")
    hosts = Host.objects.order_by(*by_name("name"))
    if names is not None:
        applications = applications.filter(name__in=names)
        hosts = hosts.filter(applications__name__in=names).distinct()
    return {"hosts": [_host(row) for row in hosts], "applications": [_application(row) for row in applications]}


def export_yaml(*, names: list[str] | None = None) -> str:
    """As text. ``apply`` of it finds nothing to do; a masked secret keeps the stored one."""
    return yaml.safe_dump(export_document(names=names), sort_keys=False, allow_unicode=True, width=1000)


def _host(row: Host) -> dict[str, Any]:
    return {"name": row.name, "ip_address": row.ip_address, "os_type": row.os_type, "os_version": row.os_version,
            "lca_port": row.lca_port, "enabled": row.enabled}


def _application(row: Application) -> dict[str, Any]:
    names = ("enabled", "tenants", "working_directory", "command_line", "command_line_arguments", "startup_timeout",
             "shutdown_timeout", "auto_restart", "reconnect_timeout", "reconnect_attempts", "log_on_as", "description")
    return {
        "name": row.name, "template": row.template.name, "host": row.host.name if row.host else None,
        **{name: getattr(row, name) for name in names},
        "backup": row.backup_server.name if row.backup_server else None, "redundancy_type": row.redundancy_type,
        "ports": [_without_blanks({
            "id": port.port_id, "port": port.port, "protocol": port.protocol, "ha_sync": port.ha_sync,
            "listening_mode": port.listening_mode, "transport_parameters": port.transport_parameters,
            "application_parameters": port.application_parameters, "description": port.description,
        }) for port in row.ports.all()],
        "connections": [_without_blanks({
            "server": link.server.name, "port_id": link.port_id, "protocol": link.protocol,
            "timeout_local": link.timeout_local, "timeout_remote": link.timeout_remote, "trace_mode": link.trace_mode,
            "transport_parameters": link.transport_parameters, "application_parameters": link.application_parameters,
        }) for link in row.connections.all()],
        "options": row.options_dict(), "annex": row.options_dict(annex=True),
    }


def _without_blanks(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value != ""}
