"""What became worse or better is told once it has lasted, and only where nothing else explains it."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from protocol.events import Own
from provisioning.alarms.selectors.asked import is_asked_for
from provisioning.audit.worsening import LASTS, by_findings, moved
from provisioning.core.events import of_console
from provisioning.core.prepared import Given, Prepared
from provisioning.models import Alarm, Event, Finding, Job, PairAudit
from provisioning.states import ACTIVE_JOBS, Severity, Verdict
from provisioning.turns import write_in_turns

from .run import hold_mark

Codes = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Settled:
    """What is noted of the result ``row``, and told where ``number`` is not None."""

    row: PairAudit
    found: Codes
    number: Own | None


_DUE = Prepared(lambda: PairAudit.objects.filter(is_latest=True, settled=False).exclude(
    since__gt=Given()).order_by().values_list("pk")[:1])


def tell_of_verdicts(now: datetime | None = None) -> None:
    """What has lasted for LASTS is compared with what was told before. Looks at nothing else, so it is quick."""
    now = now or timezone.now()
    if not _DUE.rows(now - LASTS):
        return
    rows = list(PairAudit.objects.filter(is_latest=True, settled=False).exclude(since__gt=now - LASTS).select_related(
        "primary__host", "primary__backup_server__host"))
    if rows:
        write_in_turns(_decided(rows, now), _write)


def _decided(rows: Sequence[PairAudit], now: datetime) -> list[Settled]:
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for key, *each in Finding.objects.filter(audit__in=[row.pk for row in rows], waiver=None, severity__in=(
            Severity.ERROR, Severity.WARNING)).values_list("audit", "code", "severity"):
        found[key].append((each[0], each[1]))
    moves = [Settled(row, found[row.pk], _moved(row, found[row.pk])) for row in rows]
    worse = [each.row for each in moves if each.number == Own.AUDIT_WORSE]
    explained = _explained(worse, now) if worse else set()
    # Asked of each by itself, so only of those that are left.
    left = [row for row in worse if row.pk not in explained]
    explained |= {row.pk for row in left if _is_asked_for(row, now)}
    granted = {row.pk for row in left if _is_asked_for(row, row.since)}
    return [Settled(each.row, each.found, None if each.row.pk in granted else each.number)
            for each in moves if each.row.pk not in explained]


def _moved(row: PairAudit, found: Codes) -> Own | None:
    """None also for the first result of a pair, which everything else is compared with."""
    was = row.told.get("verdict")
    return moved(Verdict(was), row.told.get("unknown", ()), found) if was in Verdict.values else None


def _explained(rows: Sequence[PairAudit], now: datetime) -> set[int]:
    """Those on whose members a job works, or about which or whose hosts an alarm that lasts is active, or was until
    LASTS ago: they are looked at again."""
    members = {row.pk: [each for each in (row.primary, row.primary.backup_server) if each is not None] for row in rows}
    keys = {each.pk for some in members.values() for each in some}
    names = {each.name for some in members.values() for each in some}
    hosts = {each.host.name for some in members.values() for each in some if each.host is not None}
    at_work = set(Job.objects.filter(Q(state__in=ACTIVE_JOBS) | Q(finished_at__gte=now - LASTS),
                                     application__in=keys).values_list("application", flat=True))
    alarms = Alarm.objects.filter(
        Q(cleared_at=None) | Q(cleared_at__gte=now - LASTS),
        Q(application__in=names) | Q(application="", host__in=hosts), ends_at=None).exclude(number=Own.AUDIT_WORSE)
    about = set(alarms.values_list("application", "host"))
    of_applications, of_hosts = {name for name, _ in about}, {host for name, host in about if not name}
    return {key for key, some in members.items() if any(
        each.pk in at_work or each.name in of_applications or (each.host is not None and each.host.name in of_hosts)
        for each in some)}


def _is_asked_for(row: PairAudit, at: datetime | None) -> bool:
    """Somebody had just stopped a member, or asked for a switchover. What became worse by that is taken for granted."""
    members = [key for key in (row.primary_id, row.primary.backup_server_id) if key is not None]
    return at is not None and is_asked_for(Own.AUDIT_WORSE, "", at, members)


def _write(some: Sequence[Settled]) -> None:
    hold_mark()
    # Some may have been judged anew since they were read, or told by the worker of another machine.
    there = set(PairAudit.objects.filter(pk__in=[each.row.pk for each in some], is_latest=True,
                                         settled=False).values_list("pk", flat=True))
    some = [each for each in some if each.row.pk in there]
    Event.objects.bulk_create([
        of_console(each.number, said_of(each.row.told.get("verdict", ""), each.row, each.found),
                   application_id=each.row.primary_id) for each in some if each.number is not None])
    for each in some:
        each.row.settled, each.row.told = True, {
            "verdict": str(by_findings(grave for _, grave in each.found)), "unknown": _codes(each.row.unknown)}
    PairAudit.objects.bulk_update([each.row for each in some], ["settled", "told"], batch_size=200)


def _codes(unknown: Collection[dict]) -> list[str]:
    return sorted({code for each in unknown for code in each["codes"]})


def said_of(was: str, row: PairAudit, found: Codes) -> str:
    """Both verdicts and how much was found, as a sentence."""
    return (f"Audit: {Verdict(was).label} → {by_findings(grave for _, grave in found).label}, errors: {row.errors}, "
            f"warnings: {row.warnings}.")
