"""Reads stored results for an export: so many queries for each slice of pairs, and no more than a slice in memory."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from itertools import islice

from django.conf import settings
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from provisioning.audit.comparison import compared
from provisioning.audit.loader import audited
from provisioning.audit.registry import RULES, rule_words
from provisioning.audit.remedies import REMEDIES
from provisioning.audit.story import in_the_past
from provisioning.core.moments import require_usable
from provisioning.errors import NotFound, Refused
from provisioning.models import Application, Finding, PairAudit
from provisioning.spelling import sort_key
from provisioning.states import Severity, Verdict

from .report import ABSENT, LAST, NEW, UNCHANGED, UPDATED, Found, Head, PairReport, Server, Unjudged, Waived

PAIRS_A_TIME = 200
PAIRS_MAX = 20_000
"""An export holds no more pairs than that."""
_MEMBER = ("name", "version", "host__name", "host__runtime__agent_version", "runtime__version")
_SHOWN = ("verdict", "at", "confirmed_at", "unknown", "passed", "primary__backup_server",
          *(f"primary__{name}" for name in _MEMBER), *(f"primary__backup_server__{name}" for name in _MEMBER))
_RELATED = tuple(f"{member}__{each}" for member in ("primary", "primary__backup_server")
                 for each in ("runtime", "host__runtime"))
EVERYTHING = "All pairs and single Message Servers"


def head_of(ids: Sequence[int], *, scope: str, made_by: str, least: str = str(Severity.ERROR),
            compared_with: datetime | str | None = None) -> Head:
    """The head of a report over the results ``ids``."""
    rows = [_sums(PairAudit.objects.filter(pk__in=part)) for part in _parts(ids)]
    return Head(made_at=timezone.now(), made_by=made_by, scope=scope, version=settings.PAIRWISE_VERSION, least=least,
                compared_with=compared_with,
                counts={str(each): sum(counts.get(each, 0) for counts, _ in rows) for each in Verdict},
                found={str(severity): sum(sums[name] or 0 for _, sums in rows) for severity, name in _SUMS.items()},
                waived=sum(sums["waived"] or 0 for _, sums in rows))


_SUMS = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.NOTE: "notes"}


def _sums(found: QuerySet[PairAudit]) -> tuple[dict, dict]:
    verdicts = dict(found.order_by().values_list("verdict").annotate(Count("pk")))
    return verdicts, found.aggregate(**{name: Sum(name) for name in (*_SUMS.values(), "waived")})


def _parts(ids: Sequence[int]) -> Iterator[list[int]]:
    numbers = iter(ids)
    while part := list(islice(numbers, PAIRS_A_TIME)):
        yield part


class Pairs(Iterable[PairReport]):
    """The results ``ids`` in their order, read anew each time it is walked. ``baseline``: a moment, or LAST, whose
    results each pair is compared with; None compares nothing."""

    def __init__(self, ids: Sequence[int], baseline: datetime | str | None = None):
        self.ids, self.baseline = list(ids)[:PAIRS_MAX], baseline

    def __iter__(self) -> Iterator[PairReport]:
        for part in _parts(self.ids):
            yield from self._read(part)

    def _read(self, ids: list[int]) -> Iterator[PairReport]:
        # Large and encrypted columns stay where they are.
        rows = PairAudit.objects.filter(pk__in=ids).select_related(*_RELATED).only(*_SHOWN)
        earlier = self._earlier(ids)
        findings = _findings([*ids, *earlier.values()])
        names = _names(findings)
        by_key = {row.pk: row for row in rows}
        for key in ids:
            if key in by_key:
                report = _pair(by_key[key], findings[key], names)
                if key in earlier:
                    yield _against(report, findings[key], findings[earlier[key]], names)
                else:
                    yield report if self.baseline is None else _all_new(report)

    def _earlier(self, ids: list[int]) -> dict[int, int]:
        """{result: the result of the same pair that it is compared with}."""
        if self.baseline is None:
            return {}
        older = PairAudit.objects.filter(primary=OuterRef("primary"))
        older = older.filter(at__lt=OuterRef("at")) if self.baseline == LAST else older.filter(at__lte=self.baseline)
        found = PairAudit.objects.filter(pk__in=ids).annotate(
            earlier=Subquery(older.order_by("-at", "-pk").values("pk")[:1]))
        return {key: other for key, other in found.values_list("pk", "earlier") if other is not None}


def _findings(ids: list[int]) -> Mapping[int, list[Finding]]:
    found: dict[int, list[Finding]] = defaultdict(list)
    rows = Finding.objects.filter(audit_id__in=ids).select_related("waiver").order_by("code", "subject")
    for row in rows:
        found[row.audit_id].append(row)
    return found


def _names(findings: Mapping[int, list[Finding]]) -> dict[int, str]:
    keys = {key for rows in list(findings.values()) for row in rows for key in row.about if isinstance(key, int)}
    return dict(Application.objects.filter(pk__in=keys).values_list("pk", "name"))


def _pair(row: PairAudit, findings: list[Finding], names: Mapping[int, str]) -> PairReport:
    members = [row.primary, row.primary.backup_server] if row.primary.backup_server else [row.primary]
    return PairReport(
        id=row.primary_id, members=tuple(_server(each) for each in members), verdict=row.verdict, judged=row.at,
        confirmed=row.confirmed_at, passed=row.passed,
        found=tuple(_found(each, names) for each in findings),
        unjudged=tuple(Unjudged(sentence=str(each.get("sentence", "")), severity=str(each.get("severity", "")),
                                codes=tuple(each.get("codes", ()))) for each in row.unknown))


def _server(row: Application) -> Server:
    runtime, machine = getattr(row, "runtime", None), getattr(row.host, "runtime", None) if row.host else None
    return Server(id=row.pk, name=row.name, host=row.host.name if row.host else "", version=row.version,
                  runs=runtime.version if runtime else "", agent=machine.agent_version if machine else "")


def _found(row: Finding, names: Mapping[int, str]) -> Found:
    rule, waiver = RULES.get(row.code), row.waiver
    return Found(
        code=row.code, title=rule_words(row.code), severity=row.severity, subject=row.subject,
        sentence=row.sentence, values=tuple((str(label), str(text)) for label, text in row.values),
        why=rule.why if rule else "", fix=rule.fix if rule else "", guide=rule.guide if rule else "", fact=row.fact,
        servers=tuple(names[key] for key in row.about if key in names), since=row.first_found_at,
        remedy=REMEDIES[row.remedy].label if row.remedy in REMEDIES else "",
        waived=Waived(reason=waiver.reason, by=waiver.waived_by, at=waiver.waived_at,
                      expires_on=waiver.expires_on) if waiver else None)


def _against(report: PairReport, now: list[Finding], before: list[Finding], names: Mapping[int, str]) -> PairReport:
    result = compared(before, now)
    states = {(each.code, each.subject): state for state, rows in (
        (NEW, result.new), (UPDATED, [row for _, row in result.changed]), (UNCHANGED, result.unchanged))
        for each in rows}
    return replace(
        report, found=tuple(replace(each, baseline=states[each.code, each.subject]) for each in report.found),
        gone=tuple(_gone(_found(row, names)) for row in result.gone))


def _gone(found: Found) -> Found:
    return replace(found, baseline=ABSENT, values=tuple(in_the_past(found.values)))


def _all_new(report: PairReport) -> PairReport:
    return replace(report, found=tuple(replace(each, baseline=NEW) for each in report.found))


def results_of(primary_ids: Iterable[int] | None = None) -> list[int]:
    """Keys of the latest results of these pairs (of all when None), worst first, then by name."""
    latest, order = PairAudit.objects.filter(is_latest=True), {str(each): place for place, each in enumerate(Verdict)}
    found = [latest] if primary_ids is None else [latest.filter(primary_id__in=part)
                                                  for part in _parts(list(primary_ids))]
    rows = [row for part in found for row in part.values_list("pk", "verdict", "primary__name")]
    return [key for key, _, _ in sorted(rows, key=lambda row: (order[row[1]], sort_key(row[2])))]


def primaries_named(names: Iterable[str]) -> list[int]:
    """Keys of the pairs and single Message Servers that have a member of one of these names. Raises NotFound, and
    Refused for what is no member of any."""
    keys: list[int] = []
    for name in dict.fromkeys(names):
        found = Application.objects.filter(audited()).filter(Q(name=name) | Q(backup_server__name=name))
        here = list(found.distinct().values_list("pk", flat=True))
        if not here and not Application.objects.filter(name=name).exists():
            raise NotFound(f"There is no application named {name}.")
        if not here:
            raise Refused(f"{name} is no Message Server, so there is nothing to audit.")
        keys += here
    return list(dict.fromkeys(keys))


def moment_of(text: str, now: datetime) -> datetime:
    """The moment that somebody named to compare with: a date (its beginning) or a date and time. Raises Refused."""
    try:
        when = parse_datetime(text)
        day = parse_date(text) if when is None else None
    except ValueError:
        when = day = None
    if when is None and day is not None:
        when = datetime.combine(day, time.min)
    if when is None:
        raise Refused(f'"{text[:40]}" is no date. Write it as 2026-11-24 or as 2026-11-24T09:30.')
    require_usable(when)
    when = timezone.make_aware(when) if timezone.is_naive(when) else when
    if when > now:
        raise Refused(f"{text} lies ahead. Name a moment in the past.")
    return when
