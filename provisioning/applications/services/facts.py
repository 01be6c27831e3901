"""Reads what the rules need to know beside a draft."""

import socket
from dataclasses import replace
from urllib.parse import urlsplit

from django.conf import settings

from provisioning.applications.rules import ApplicationFacts, HostFacts, OtherApplication, TemplateFacts
from provisioning.applications.rules import Stored as StoredFacts
from provisioning.applications.selectors.applications import connection_drafts
from provisioning.core.control import status_for_rules
from provisioning.core.known import Control
from provisioning.drafts import ApplicationDraft, ConnectionDraft
from provisioning.jobs.selectors.jobs import lacks_its_last_report
from provisioning.models import Application, Host, Job
from provisioning.states import ACTIVE_JOBS

from .objects import STORED, Stored

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def active_job(application: Application) -> Job | None:
    """The job that works on it, until its last report is recorded."""
    if hasattr(application, "jobs_at_work"):
        return next(iter(application.jobs_at_work), None)
    return application.jobs.filter(state__in=ACTIVE_JOBS).first()


def job_at_work(application: Application) -> Job | None:
    """As ``active_job``; none when all that is missing of it is its last report."""
    job = active_job(application)
    return None if job is None or lacks_its_last_report(application, job) else job


def is_console_host(host: Host) -> bool:
    """True for the machine that the console itself runs on."""
    own = {*LOCAL_NAMES, settings.PAIRWISE_HOST, socket.gethostname()}
    return host.name in own or host.ip_address in own


def reserved_ports(host: Host) -> tuple[tuple[int, str], ...]:
    """((number, what), ...) that the console's own processes use on this host."""
    if not is_console_host(host):
        return ()
    reserved = [(settings.PAIRWISE_PORT, "the console"), (settings.PAIRWISE_CONTROL_PORT, "the Configuration Server")]
    redis = urlsplit(settings.PAIRWISE_REDIS_URL)
    if redis.scheme.startswith("redis") and redis.hostname in LOCAL_NAMES:
        reserved.append((redis.port or 6379, "Redis"))
    if settings.EMBEDDED_REDIS_PASSWORD:
        reserved.append((settings.PAIRWISE_REDIS_PORT, "Redis"))
    return tuple(reserved)


def _other(application: Application, control: Control) -> OtherApplication:
    primary = getattr(application, "primary_server", None)
    return OtherApplication(
        id=application.pk, name=application.name, type=application.type, status=status_for_rules(application, control),
        host_id=application.host_id, working_directory=application.working_directory,
        ports=tuple((port.port_id, port.port) for port in application.ports.all()), log_on_as=application.log_on_as,
        has_ha_sync=any(port.ha_sync for port in application.ports.all()),
        backup_id=application.backup_server_id, primary=primary.link if primary else None,
    )


def _stored(application: Application, control: Control) -> StoredFacts:
    primary = getattr(application, "primary_server", None)
    job = job_at_work(application)
    secrets = frozenset((o.annex, o.section, o.key) for o in application.options.all() if o.is_secret)
    return StoredFacts(
        id=application.pk, name=application.name, template_id=application.template_id, host_id=application.host_id,
        backup_server_id=application.backup_server_id, redundancy_type=application.redundancy_type,
        status=status_for_rules(application, control), tenants=application.tenants,
        connections=connection_drafts(application),
        primary=_primary(primary, application, control) if primary else None,
        active_job=job.link if job else None, secrets=secrets,
    )


def _primary(primary: Application, backup: Application, control: Control) -> OtherApplication:
    return replace(_other(primary, control), tenants=primary.tenants, connections=followed_connections(primary, backup))


def followed_connections(primary: Application, backup: Application) -> tuple[ConnectionDraft, ...]:
    """What a backup takes over of its primary's connections: all but one to itself."""
    return tuple(row for row in connection_drafts(primary) if row.server_id != backup.pk)


def host_facts(host: Host) -> HostFacts:
    return HostFacts(id=host.pk, name=host.name, ip_address=host.ip_address, os_type=host.os_type,
                     lca_port=host.lca_port, reserved=reserved_ports(host))


def application_facts(draft: ApplicationDraft, application: Application | None,
                      objects: Stored = STORED) -> ApplicationFacts:
    """Everything the rules look at for ``draft``, which creates an application or changes ``application``, among these
    ``objects``."""
    own_id, control = application.pk if application else None, objects.control()
    template, host = objects.template(draft.template_id), objects.host(draft.host_id)
    same_name = objects.application_named(draft.name)
    named = {draft.backup_server_id, *(row.server_id for row in draft.connections or ())}
    if application is not None:
        named.add(application.backup_server_id)
    others = objects.applications(key for key in named if key is not None and key != own_id)
    neighbours = objects.neighbours(draft, host, own_id) if host is not None else ()
    return ApplicationFacts(
        stored=_stored(application, control) if application else None,
        same_name=same_name.link if same_name and same_name.pk != own_id else None,
        template=TemplateFacts(id=template.pk, name=template.name, type=template.type, version=template.version,
                               enabled=template.enabled, options=template.options) if template else None,
        host=host_facts(host) if host else None,
        neighbours=tuple(_other(row, control) for row in neighbours),
        others={row.pk: _other(row, control) for row in others},
    )
