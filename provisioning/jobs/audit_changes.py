"""Which pairs something was changed for since the last look: configuration, what runs, what hosts showed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from provisioning.audit.loading import audited
from provisioning.jobs.audits import run_audit
from provisioning.models import (
    Application,
    AuditMark,
    AuditRun,
    Drill,
    FoundOnHost,
    HistoryEntry,
    HostRuntime,
    PairAudit,
    RuntimeStatus,
)
from provisioning.states import AuditTrigger

OVERLAP = timedelta(seconds=5)
"""Rows that were written in one moment may become visible one after the other."""
ENTRIES_A_TIME = 5000


@dataclass
class Touched:
    """Keys of applications that were changed, and names of hosts on which something was: a port that is free now, a
    directory that is taken, a host that is disabled."""

    applications: set[int] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)


def touched_by(entries: Iterable[Mapping]) -> Touched:
    """Of history entries (object_type, object_id, object_name, before, after)."""
    found = Touched()
    for entry in entries:
        snapshots = [each for each in (entry["before"], entry["after"]) if isinstance(each, dict)]
        if entry["object_type"] == "host":
            found.hosts.update([entry["object_name"], *(str(each.get("name", "")) for each in snapshots)])
        elif entry["object_type"] == "application":
            if entry["object_id"].isdigit():
                found.applications.add(int(entry["object_id"]))
            found.hosts.update(str(each.get("host", "")) for each in snapshots)
    found.hosts.discard("")
    return found


def affected() -> list[int]:
    """Keys of the pairs (single servers) to audit again; moves the mark on."""
    with transaction.atomic():
        AuditMark.objects.get_or_create(name="changes")
        mark = AuditMark.objects.select_for_update().get(name="changes")
        entries = list(HistoryEntry.objects.filter(pk__gt=mark.history_id).order_by("pk").values(
            "pk", "object_type", "object_id", "object_name", "before", "after")[:ENTRIES_A_TIME])
        touched = touched_by(entries)
        seen_at = _add_observed(touched, mark.seen_at)
        if entries or seen_at != mark.seen_at:
            mark.history_id, mark.seen_at = entries[-1]["pk"] if entries else mark.history_id, seen_at
            mark.save(update_fields=["history_id", "seen_at"])
    return _pairs_of(touched)


def _add_observed(touched: Touched, since: datetime | None) -> datetime | None:
    """Servers and hosts of which something else is known than before; the latest time that was seen."""
    latest = [since] if since else []
    for found, column, of in ((RuntimeStatus.objects, "changed_at", "application_id"),
                              (FoundOnHost.objects, "at", "application_id"),
                              (Drill.objects, "finished_at", "primary_id")):
        rows = found.filter(**{f"{column}__gt": since - OVERLAP} if since else {f"{column}__isnull": False})
        for key, at in rows.values_list(of, column):
            touched.applications.add(key)
            latest.append(at)
    hosts = HostRuntime.objects.filter(**{"changed_at__gt": since - OVERLAP} if since else {
        "changed_at__isnull": False})
    for name, at in hosts.values_list("host__name", "changed_at"):
        touched.hosts.add(name)
        latest.append(at)
    return max(latest, default=None)


def _pairs_of(touched: Touched) -> list[int]:
    """Pairs with a touched member, on a touched host, with a touched client, or whose durable record moved on."""
    keys, hosts = touched.applications - {None}, touched.hosts
    found: set[int] = set()
    if keys or hosts:
        near = Q(pk__in=keys) | Q(backup_server__in=keys) | Q(host__name__in=hosts) | Q(
            backup_server__host__name__in=hosts) | Q(clients__application__in=keys) | Q(
            backup_server__clients__application__in=keys)
        found.update(Application.objects.filter(near).filter(audited()).values_list("pk", flat=True))
        # What was a pair and is none any more has a result to retire.
        found.update(PairAudit.objects.filter(is_latest=True, primary__in=keys).values_list("primary", flat=True))
    moved = PairAudit.objects.filter(is_latest=True).exclude(record_version=F("primary__pair_state__version"))
    found.update(moved.filter(primary__pair_state__isnull=False).values_list("primary", flat=True))
    never = Application.objects.filter(audited()).exclude(audits__is_latest=True)
    found.update(never.values_list("pk", flat=True))
    return sorted(found)


def audit_affected() -> AuditRun | None:
    """Audit what was changed since the last look; None when nothing was."""
    keys = affected()
    return run_audit(keys, trigger=AuditTrigger.CHANGE) if keys else None
