"""What control reads from and writes to the Configuration Database. Plain functions, run in the database thread; those
that write take the ``term`` in which their control leads, and raise Deposed when it is over."""

import dataclasses
from collections.abc import Iterable

from django.conf import settings
from django.db import IntegrityError
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from protocol import auth
from provisioning.models import (
    Application,
    Event,
    Host,
    HostRuntime,
    PairState,
    RuntimeStatus,
)
from provisioning.signals import announce
from provisioning.states import SERVER_TYPES

from . import facts
from .lease import holding
from .snapshot import Record

LOOKUP_BATCH = 400
PLACEHOLDERS = ("", ".")
"""What Working Directory and Command Line say before the installer has filled them in (domain.md 1.2)."""
EVENTS_KEPT = 200_000
"""The timeline keeps so many of the newest entries."""
_STATUS_FIELDS = [f.name for f in dataclasses.fields(facts.StatusRow) if f.name != "application_id"]
_HOST_FIELDS = [f.name for f in dataclasses.fields(facts.HostRow) if f.name != "host_id"]


# --- applications and hosts ------------------------------------------------------------------------------


def applications(names: Iterable[str] | None = None, ids: Iterable[int] = ()) -> list[facts.ApplicationFacts]:
    """Facts of all server applications, or of those with one of ``names`` or ``ids`` and of their pair partners."""
    servers = Application.objects.filter(type__in=SERVER_TYPES).order_by()
    if names is None:
        return _facts_of(servers)
    names, ids = list(names), list(ids)
    found: dict[int, facts.ApplicationFacts] = {}
    for start in range(0, max(len(names), len(ids)), LOOKUP_BATCH):
        part = slice(start, start + LOOKUP_BATCH)
        chosen = _facts_of(servers.filter(Q(name__in=names[part]) | Q(id__in=ids[part])))
        partners = {partner for each in chosen for partner in (each.backup_id, each.primary_id) if partner}
        found |= {each.id: each for each in (*chosen, *_facts_of(servers.filter(id__in=partners)))}
    return list(found.values())


def _facts_of(servers: QuerySet) -> list[facts.ApplicationFacts]:
    # Plain values: thousands of model objects would keep the thread, and with it every decision, for a second.
    return [facts.ApplicationFacts(
        id=row["id"], name=row["name"], version=row["version"], enabled=row["enabled"], revision=row["revision"],
        installed=row["working_directory"] not in PLACEHOLDERS and row["command_line"] not in PLACEHOLDERS,
        startup_timeout=row["startup_timeout"], host_id=row["host_id"], host_name=row["host__name"] or "",
        backup_id=row["backup_server_id"], primary_id=row["primary_server__id"])
        for row in servers.values("id", "name", "version", "enabled", "revision", "working_directory", "command_line",
                                  "startup_timeout", "host_id", "host__name", "backup_server_id",
                                  "primary_server__id")]


def hosts(names: Iterable[str] | None = None) -> list[facts.HostFacts]:
    rows = Host.objects.all() if names is None else Host.objects.filter(name__in=list(names))
    return _host_facts(rows)


def host_by_id(host_id: int) -> facts.HostFacts | None:
    return next(iter(_host_facts(Host.objects.filter(id=host_id))), None)


def _host_facts(rows: QuerySet) -> list[facts.HostFacts]:
    return [facts.HostFacts(**row, managed=left_at is None) for row in rows.values(
        "id", "name", "enabled", "revision", "secret_revision", "left_at") for left_at in [row.pop("left_at")]]


def application_peer(name: str) -> facts.ApplicationPeer | None:
    """The application called ``name`` with its secret and its Configuration message; None when there is none."""
    row = _with_pair().filter(name=name).first()
    if row is None:
        return None
    known = _facts_of(Application.objects.filter(id=row.id)) if row.is_server else []
    return facts.ApplicationPeer(facts=known[0] if known else None, secret=row.secret,
                                 type=row.get_type_display(), configuration=_configuration(row))


def _with_pair() -> QuerySet:
    """Applications with all that their Configuration message needs, of the other member as well."""
    return (Application.objects.select_related("host", "primary_server__host", "backup_server__host")
            .prefetch_related("ports", "options", "primary_server__ports", "backup_server__ports"))


def host_peer(name: str) -> facts.HostPeer | None:
    row = Host.objects.filter(name=name).first()
    if row is None:
        return None
    known = facts.HostFacts(id=row.id, name=row.name, enabled=row.enabled, revision=row.revision)
    return facts.HostPeer(facts=known, secret=row.secret)


def configurations(ids: Iterable[int]) -> dict[int, dict]:
    """{application id: body of its Configuration message} of those that still exist."""
    rows = _with_pair().filter(id__in=list(ids))
    return {row.id: _configuration(row) for row in rows}


def _configuration(row: Application) -> dict:
    primary = getattr(row, "primary_server", None)
    return {
        "name": row.name, "type": row.type, "version": row.version, "enabled": row.enabled,
        "host": {"name": row.host.name, "ip_address": row.host.ip_address} if row.host else {},
        "working_directory": row.working_directory,
        "ports": [{"id": port.port_id, "port": port.port, "protocol": port.protocol, "ha_sync": port.ha_sync,
                   "listening_mode": port.listening_mode, "transport_parameters": port.transport_parameters}
                  for port in row.ports.all()],
        "options": row.options_dict(masked=False), "annex": row.options_dict(annex=True, masked=False),
        "startup_timeout": row.startup_timeout, "shutdown_timeout": row.shutdown_timeout,
        "backup": row.backup_server.name if row.backup_server else "", "primary": primary.name if primary else "",
        "peer": _peer(row, primary), "controls": controls(),
    }


def controls() -> list[dict]:
    """What servers and agents are told of the addresses of all controls."""
    return [{"host": host, "port": port} for host, port in settings.PAIRWISE_CONTROLS]


def _peer(row: Application, primary: Application | None) -> dict:
    """How ``row`` reaches the HA Sync port of the other member; {} for a single server or a pair without one."""
    other = row.backup_server or primary
    port = next((port for port in other.ports.all() if port.ha_sync), None) if other else None
    if port is None or other.host is None:
        return {}
    first, second = (other, row) if other is primary else (row, other)
    transport = dict(part.split("=", 1) for part in port.transport_parameters.split(";") if "=" in part)
    near = transport.get("address") or ("127.0.0.1" if other.host_id == row.host_id else "")
    named = [each for each in (other.host.ip_address, other.host.name) if each]
    # A certificate may be for the names of the host alone: they are tried too, on the same host as well.
    addresses = list(dict.fromkeys([near, *named])) if near and port.is_secured else [near] if near else named
    return {"name": other.name, "addresses": addresses, "port": port.port, "secured": port.is_secured,
            "secret": auth.pair_secret(first.secret, second.secret)}


def supervised(host_id: int) -> list[dict]:
    """The list of the Supervised message of one host."""
    rows = Application.objects.filter(host_id=host_id, type__in=SERVER_TYPES).prefetch_related("options")
    return [{
        "name": row.name, "enabled": row.enabled, "working_directory": row.working_directory,
        "command_line": row.command_line, "command_line_arguments": row.command_line_arguments,
        "startup_timeout": row.startup_timeout, "shutdown_timeout": row.shutdown_timeout,
        "auto_restart": row.auto_restart, "log_on_as": row.os_account,
        "suspending_wait_timeout": _suspending_wait_s(row),
    } for row in rows.defer("secret")]


def _suspending_wait_s(row: Application) -> int:
    """Annex sml/suspending-wait-timeout in seconds, kept within what the field allows (domain.md 1.2)."""
    text = next((option.plain for option in row.options.all() if option.annex
                 and (option.section.lower(), option.key.lower()) == ("sml", "suspending-wait-timeout")), "")
    try:
        seconds = int(text)
    except ValueError:
        return facts.SUSPENDING_WAIT_DEFAULT_S
    return min(max(seconds, facts.SUSPENDING_WAIT_MIN_S), facts.SUSPENDING_WAIT_MAX_S)


# --- the durable record ------------------------------------------------------------------------------------


def load_record(primary_id: int, backup_id: int | None, *, term: int | None) -> Record:
    """The record of the pair, made when it is missing.

    Each member's own row knows at least what that member was ever told, so that a link made or undone later
    cannot lead back to an older epoch: a pair starts from the higher of both.
    """
    with holding(term):
        own, _ = PairState.objects.select_related("active").get_or_create(primary_id=primary_id)
        other = PairState.objects.filter(primary_id=backup_id).first() if backup_id else None
        if other is not None and (other.epoch > own.epoch or other.version > own.version):
            own.version, own.epoch = max(own.version, other.version) + 1, max(own.epoch, other.epoch)
            own.standby_in_sync, own.standby_copy = False, ""
            own.save(update_fields=["version", "epoch", "standby_in_sync", "standby_copy"])
    return Record(version=own.version, epoch=own.epoch, active=own.active.name if own.active else "",
                  standby_in_sync=own.standby_in_sync, automatic_failover=own.automatic_failover,
                  active_copy=own.active_copy, standby_copy=own.standby_copy)


def save_record(primary_id: int, backup_id: int | None, *, expected_version: int, record: Record, reason: str,
                term: int | None, **pause) -> bool:
    """Write ``record`` if the stored one still has ``expected_version``; on disk when this returns True.

    ``pause`` are the paused_* columns when they change.
    """
    now = timezone.now()
    with holding(term):
        active = Application.objects.filter(name=record.active, id__in=[primary_id, backup_id or primary_id]).first()
        if record.active and active is None:
            return False
        written = PairState.objects.filter(primary_id=primary_id, version=expected_version).update(
            version=record.version, epoch=record.epoch, active=active, standby_in_sync=record.standby_in_sync,
            automatic_failover=record.automatic_failover, active_copy=record.active_copy,
            standby_copy=record.standby_copy, reason=reason, since=now, **pause)
        if written == 1 and backup_id:
            PairState.objects.get_or_create(primary_id=backup_id)
            PairState.objects.filter(primary_id=backup_id, version__lte=record.version).update(
                version=record.version, epoch=record.epoch, active=None, standby_in_sync=False, active_copy="",
                standby_copy="", since=now)
        if written == 1:
            announce(f"pair:{primary_id}")
    return written == 1


# --- live rows -------------------------------------------------------------------------------------------


def status_rows() -> list[facts.StatusRow]:
    fields = ["application_id", *_STATUS_FIELDS]
    rows = RuntimeStatus.objects.values(*fields)
    return [facts.StatusRow(**{**row, "ports": tuple(row["ports"])}) for row in rows]


def host_rows() -> list[facts.HostRow]:
    return [facts.HostRow(**row) for row in HostRuntime.objects.values("host_id", *_HOST_FIELDS)]


def write(statuses: list[facts.StatusRow], host_rows: list[facts.HostRow], events: list[facts.EventRow],
          topics: list[str], *, term: int | None) -> None:
    """One transaction for everything that happened since the last one; then tell the pages."""
    try:
        _write(term, statuses, host_rows, events, topics)
    except IntegrityError:
        # An object was deleted in between; what is about the others still counts.
        known = set(Application.objects.values_list("id", flat=True))
        known_hosts = set(Host.objects.values_list("id", flat=True))
        _write(term, [row for row in statuses if row.application_id in known],
               [row for row in host_rows if row.host_id in known_hosts],
               [row for row in events if (row.application_id is None or row.application_id in known)
                and (row.host_id is None or row.host_id in known_hosts)], topics)


def _write(term, statuses, host_rows, events, topics) -> None:
    with holding(term):
        if statuses:
            RuntimeStatus.objects.bulk_create(
                [RuntimeStatus(**_columns(row, ports=list(row.ports))) for row in statuses],
                update_conflicts=True, unique_fields=["application"], update_fields=_STATUS_FIELDS, batch_size=200)
        if host_rows:
            HostRuntime.objects.bulk_create(
                [HostRuntime(**_columns(row)) for row in host_rows],
                update_conflicts=True, unique_fields=["host"], update_fields=_HOST_FIELDS, batch_size=200)
        if events:
            Event.objects.bulk_create([Event(**_columns(row)) for row in events], batch_size=500)
        announce(*topics)


def _columns(row, **changed) -> dict:
    return {f.name: getattr(row, f.name) for f in dataclasses.fields(row)} | changed


# --- the rest ----------------------------------------------------------------------------------------------


def prune_events(*, term: int | None) -> int:
    """Drop the oldest entries beyond EVENTS_KEPT; how many went."""
    with holding(term):
        newest = Event.objects.aggregate(newest=Max("id"))["newest"] or 0
        deleted, _ = Event.objects.filter(id__lte=newest - EVENTS_KEPT).delete()
    return deleted
