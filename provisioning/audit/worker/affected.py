"""Which pairs something was changed for since the last look: configuration, what runs, what hosts showed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F, Manager, Q
from django.utils import timezone

from provisioning.audit.loader import audited
from provisioning.core.prepared import Given, Prepared
from provisioning.logs.selectors.pairs import default_pair, own_pairs
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
from provisioning.states import RUNNABLE_TYPES, AuditTrigger

from .run import run_audit

OVERLAP = timedelta(seconds=5)
"""Rows that were written in one moment may become visible one after the other."""
ENTRIES_A_TIME = 5000
EVER = datetime(1970, 1, 1, tzinfo=UTC)
UNDER_WAY_FOR = timedelta(minutes=10)
"""So long a pair that was never audited is left to the audit that was asked to do so: thousands take a while."""


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


def fresh(rows: Iterable[tuple[int | str, datetime]], seen: Mapping, now: datetime) -> tuple[set, dict]:
    """(keys of the ``rows`` (key, time) that were not seen yet, what is seen now). Rows become visible when their
    transaction ends, so a time before the latest one may be new; what was seen in that span is remembered. A time that
    has yet to come, of a clock that was wrong, hides no later row."""
    found = [(key, at.isoformat()) for key, at in rows]
    known = {tuple(each) for each in seen.get("rows", ())}
    new = {key for key, at in found if (key, at) not in known}
    until = min(max([str(seen.get("until") or ""), *(at for _, at in found)]), now.isoformat())
    if not until:
        return new, {}
    least = datetime.fromisoformat(until) - OVERLAP
    return new, {"until": until, "rows": [[*each] for each in found if datetime.fromisoformat(each[1]) > least]}


def unasked(never: set[int], asked: Mapping[str, str], now: datetime) -> tuple[set[int], dict[str, str]]:
    """(those of ``never``, the pairs without a result, for which no audit was asked lately; when one was asked for each
    of ``never``). ``asked`` is what this said the last time."""
    since = {key: at for key in never if (at := asked.get(str(key))) is not None
             and timedelta(0) <= now - datetime.fromisoformat(at) < UNDER_WAY_FOR}
    new = never - since.keys()
    return new, {str(key): at for key, at in (since | dict.fromkeys(new, now.isoformat())).items()}


def affected() -> list[int]:
    """Keys of the pairs (single servers) to audit again; moves the mark on."""
    mark, _ = AuditMark.objects.get_or_create(name="changes")
    now = timezone.now()
    entries = [dict(zip(_OF_ENTRY, row, strict=True)) for row in _ENTRIES.rows(mark.history_id)]
    touched, seen = touched_by(entries), {}
    for source, found in _OBSERVED.items():
        before = mark.seen.get(source, {})
        keys, seen[source] = fresh(_since(found, before, now), before, now)
        (touched.hosts if source == "host" else touched.applications).update(keys)
    new, seen["never"] = unasked({key for key, in _NEVER.rows()}, mark.seen.get("never", {}), now)
    seen["log_to"] = {"id": default_pair(), "own": sorted(set(own_pairs().values()))}
    if not _moved(mark, entries[-1]["pk"] if entries else mark.history_id, seen):
        return []
    if seen["log_to"] != mark.seen.get("log_to", {"id": None, "own": []}):
        # Every pair is judged by it.
        new |= set(Application.objects.filter(audited()).values_list("pk", flat=True))
    return sorted(_pairs_of(touched) | new)


def _moved(before: AuditMark, history_id: int, seen: dict) -> bool:
    """Move the mark on; False when somebody else has moved it since it was read, and so looks at the same changes."""
    if (history_id, seen) == (before.history_id, before.seen):
        return True
    with transaction.atomic():
        mark = AuditMark.objects.select_for_update().get(name=before.name)
        if (mark.history_id, mark.seen) != (before.history_id, before.seen):
            return False
        mark.history_id, mark.seen = history_id, seen
        mark.save(update_fields=["history_id", "seen"])
    return True


_OF_ENTRY = ("pk", "object_type", "object_id", "object_name", "before", "after")
_ENTRIES = Prepared(lambda: HistoryEntry.objects.filter(pk__gt=Given()).order_by("pk").values_list(
    *_OF_ENTRY)[:ENTRIES_A_TIME])
_NEVER = Prepared(lambda: Application.objects.filter(audited()).exclude(audits__is_latest=True).order_by().values_list(
    "pk"))
# An earlier release judged pairs of other types too.
_MOVED = Prepared(lambda: PairAudit.objects.filter(
    Q(primary__pair_state__isnull=False) & ~Q(record_version=F("primary__pair_state__version"))
    | ~Q(primary__type__in=RUNNABLE_TYPES), is_latest=True).order_by().values_list("primary"))


def _after(found: Manager, column: str, key: str) -> Prepared:
    return Prepared(lambda: found.filter(**{f"{column}__gt": Given()}).order_by().values_list(key, column))


_OBSERVED = {
    "server": _after(RuntimeStatus.objects, "changed_at", "application_id"),
    "found": _after(FoundOnHost.objects, "at", "application_id"),
    "drill": _after(Drill.objects, "finished_at", "primary_id"),
    "host": _after(HostRuntime.objects, "changed_at", "host__name"),
}
"""Where more is known than before: rows, the time of their last change, what they are about."""


def _since(found: Prepared, seen: Mapping, now: datetime) -> Iterable[tuple]:
    until = seen.get("until")
    return map(tuple, found.rows(min(datetime.fromisoformat(until), now) - OVERLAP if until else EVER))


def _pairs_of(touched: Touched) -> set[int]:
    """Pairs with a touched member, on a touched host, or whose durable record moved on."""
    keys, hosts = touched.applications - {None}, touched.hosts
    found: set[int] = set()
    if keys or hosts:
        near = Q(pk__in=keys) | Q(backup_server__in=keys) | Q(host__name__in=hosts) | Q(
            backup_server__host__name__in=hosts)
        found.update(Application.objects.filter(near).filter(audited()).values_list("pk", flat=True))
        # What was a pair and is none any more has a result to retire.
        found.update(PairAudit.objects.filter(is_latest=True, primary__in=keys).values_list("primary", flat=True))
    found.update(key for key, in _MOVED.rows())
    return found


def audit_affected() -> AuditRun | None:
    """Audit what was changed since the last look; None when nothing was."""
    keys = affected()
    return run_audit(keys, trigger=AuditTrigger.CHANGE) if keys else None
