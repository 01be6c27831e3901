"""Hosts and applications as the YAML that ``manage.py apply`` reads; secrets are masked."""

from typing import Any

import yaml
from django.db.models import Model

from provisioning.declared import Kind, columns, facts
from provisioning.drafts import ApplicationDraft, ConnectionDraft, HostDraft, PortDraft
from provisioning.models import Application, Console, Host
from provisioning.spelling import by_name

from .applications import with_related


def export_document(*, names: list[str] | None = None) -> dict[str, Any]:
    """{"hosts": [...], "applications": [...]}, and "log" when a pair is chosen to collect log records; ``names`` limits
    it to these applications and their hosts."""
    applications = with_related(Application.objects.order_by(*by_name("name"))).prefetch_related(
        "options", "connections__server")
    hosts = Host.objects.order_by(*by_name("name"))
    if names is not None:
        applications = applications.filter(name__in=names)
        hosts = hosts.filter(applications__name__in=names).distinct()
    log_to = Console.objects.filter(log_to__isnull=False).values_list("log_to__name", flat=True).first()
    log = {"log": {"to": log_to}} if log_to and names is None else {}
    return {"hosts": [_host(row) for row in hosts], "applications": [_application(row) for row in applications], **log}


def export_yaml(*, names: list[str] | None = None) -> str:
    """As text. ``apply`` of it finds nothing to do; a masked secret keeps the stored one."""
    return as_yaml(export_document(names=names))


def as_yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)


def _host(row: Host) -> dict[str, Any]:
    return written(HostDraft, row)


def _application(row: Application) -> dict[str, Any]:
    return {
        **written(ApplicationDraft, row),
        "ports": [_without_blanks(written(PortDraft, port)) for port in row.ports.all()],
        "connections": [_without_blanks(written(ConnectionDraft, link)) for link in row.connections.all()],
        "options": row.options_dict(), "annex": row.options_dict(annex=True),
    }


def written(draft: type, row: Model) -> dict[str, Any]:
    """{its name in a file: value} of the columns of ``draft``; other objects by name."""
    return {facts(draft)[name].written: _plain(row, name, facts(draft)[name].kind) for name in columns(draft)}


def _plain(row: Model, name: str, kind: Kind) -> Any:
    if kind != Kind.LINK:
        return getattr(row, name)
    other = getattr(row, name.removesuffix("_id"))
    return other.name if other else None


def _without_blanks(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value != ""}
