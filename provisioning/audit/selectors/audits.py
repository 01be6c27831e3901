"""What the audit said, as the pages show it: pairs worst first, one pair's results, rules and how many pairs have
them. Every function costs the same few queries for one pair and for thousands."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Value, When

from provisioning.core.called import named
from provisioning.errors import NotFound
from provisioning.models import Application, AuditRun, Finding, Host, PairAudit
from provisioning.spelling import SortKey
from provisioning.states import Severity, Verdict

RESULTS_MAX = 60
"""So many results of a pair are offered at once to compare with, and drawn."""
RUNS_MAX = 60
_WORST_FIRST = Case(*(When(verdict=verdict, then=Value(place)) for place, verdict in enumerate(Verdict)),
                    default=Value(len(Verdict)), output_field=IntegerField())
_IN_NO_PAIR = Case(When(primary__backup_server__isnull=True, then=Value(1)), default=Value(0),
                   output_field=IntegerField())
SORTS: dict[str, Case | F | SortKey] = {
    "verdict": _WORST_FIRST, "name": SortKey("primary__name"), "errors": F("errors"), "warnings": F("warnings"),
    "notes": F("notes"), "waived": F("waived"), "checked": F("confirmed_at"), "since": F("at")}
_COUNTED = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.NOTE: "notes"}


def latest() -> QuerySet[PairAudit]:
    """The result that holds now of every pair and of every Message Server that is in none."""
    return PairAudit.objects.filter(is_latest=True)


def audit_list(*, text: str = "", verdict: str = "", host: str = "", severity: str = "", rule: str = "",
               show: str = "", sort: str = "") -> QuerySet[PairAudit]:
    """Latest results, worst first, then by name, or by ``sort`` (a key of SORTS, ``-`` before it for descending).

    ``text`` is in the name of a member; ``host`` is the name of a member's host, or a part of it when no host has that
    name; ``severity``: pairs with such findings that nobody waived; ``rule``: code that something was found under;
    ``show``: "waived", "unknown" or "single". A ``verdict`` is one of pairs, as ``verdict_counts`` counts them, unless
    single servers are asked for; in the order of verdicts these come after the pairs.
    """
    found = latest().filter(_chosen(text, verdict, host))
    if severity:
        found = found.filter(**{f"{_COUNTED[Severity(severity)]}__gt": 0})
    if rule:
        of_rule = Finding.objects.filter(audit=OuterRef("pk"), code=rule)
        found = found.filter(Exists(of_rule.filter(waiver__isnull=False) if show == "waived" else of_rule))
    elif show == "waived":
        found = found.filter(waived__gt=0)
    if show == "unknown":
        found = found.exclude(unknown=[])
    if show == "single" or verdict:
        found = found.filter(primary__backup_server__isnull=show == "single")
    related = ("primary__host", "primary__backup_server__host")
    return found.select_related(*related).only(*_SHOWN).order_by(*_order(sort))


_SHOWN = ("verdict", "errors", "warnings", "notes", "waived", "unknown", "at", "confirmed_at", "primary__name",
          "primary__host__name", "primary__backup_server__name", "primary__backup_server__host__name")


def _chosen(text: str, verdict: str, host: str) -> Q:
    chosen = Q()
    if text:
        chosen &= Q(primary__name__holds=text) | Q(primary__backup_server__name__holds=text)
    if verdict:
        chosen &= Q(verdict=verdict)
    if host:
        chosen &= (Q(primary__host__in=named(Host, host)) | Q(primary__backup_server__host__in=named(Host, host)))
    return chosen


def _order(sort: str) -> tuple:
    key = sort.removeprefix("-")
    if key not in SORTS:
        key, sort = "verdict", "verdict"
    first = SORTS[key].desc() if sort.startswith("-") else SORTS[key].asc()
    pairs_first = (_IN_NO_PAIR.asc(),) if key == "verdict" else ()
    return (*pairs_first, first, SORTS["name"].asc(), "pk")


def _of_pairs() -> QuerySet[PairAudit]:
    """Latest results of pairs alone: a server that is in no pair is no broken one."""
    return latest().filter(primary__backup_server__isnull=False)


def verdict_counts() -> dict[str, int]:
    """{verdict: pairs}, worst first, with zeros."""
    found = dict(_of_pairs().order_by().values_list("verdict").annotate(Count("pk")))
    return {str(verdict): found.get(verdict, 0) for verdict in Verdict}


def single_count() -> int:
    """How many Message Servers that are in no pair were audited."""
    return latest().filter(primary__backup_server__isnull=True).count()


def broken_count() -> int:
    """How many pairs are broken now. One query on indexes: every page asks."""
    return _of_pairs().filter(verdict=Verdict.BROKEN).count()


def last_run() -> AuditRun | None:
    return AuditRun.objects.order_by("-id").first()


def whole_runs(limit: int = RUNS_MAX) -> list[AuditRun]:
    """The last runs over all pairs, oldest first."""
    return list(AuditRun.objects.filter(whole=True).order_by("-id").only("at", "counts", "pairs")[:limit])[::-1]


def pairs_by_rule() -> dict[str, int]:
    """{code: pairs that have a finding under it now}."""
    return dict(Finding.objects.filter(audit__is_latest=True).order_by().values_list("code").annotate(
        Count("audit", distinct=True)))


def run_list(*, trigger: str = "") -> QuerySet[AuditRun]:
    """Runs, newest first; ``trigger`` is a value of AuditTrigger."""
    found = AuditRun.objects.all()
    return found.filter(trigger=trigger) if trigger else found


def finding_list(*, severity: str = "", rule: str = "", pair: str = "", show: str = "",
                 primary_id: int | None = None) -> QuerySet[Finding]:
    """What the latest results have found, of all pairs, with the waiver of each. ``rule`` is a code, ``pair`` the name
    of a member; ``show``: "waived" those alone, "all" those too, else without them."""
    found = Finding.objects.filter(audit__is_latest=True).select_related(
        "audit__primary__backup_server", "waiver").defer("audit__unknown")
    for name, value in (("severity", severity), ("code", rule), ("audit__primary", primary_id)):
        if value:
            found = found.filter(**{name: value})
    if pair:
        found = found.filter(Q(audit__primary__name=pair) | Q(audit__primary__backup_server__name=pair))
    if show == "waived":
        return found.filter(waiver__isnull=False)
    return found if show == "all" else found.filter(waiver__isnull=True)


def find_finding(finding_id: int) -> Finding:
    """One finding, of whichever result. Raises NotFound."""
    row = Finding.objects.select_related("audit__primary__backup_server", "waiver").filter(pk=finding_id).first()
    if row is None:
        raise NotFound("This finding does not exist any more. Look at the findings of its pair.")
    return row


# --- one pair


@dataclass(frozen=True)
class Brief:
    """A pair's verdict for other pages: None as ``verdict`` when it was never audited."""

    primary_id: int
    verdict: str
    checked_at: datetime


def brief_of(primary_id: int) -> Brief | None:
    """The verdict of one pair; None when it was never audited."""
    row = latest().filter(primary_id=primary_id).values_list("primary_id", "verdict", "confirmed_at").first()
    return Brief(*row) if row else None


def latest_of(primary_id: int) -> PairAudit | None:
    """The result that holds now of one pair."""
    return latest().filter(primary_id=primary_id).first()


def results_of(primary_id: int, *, before: int | None = None) -> list[PairAudit]:
    """The newest results of a pair, newest first; of those ``before`` a result, when it is given."""
    rows = PairAudit.objects.filter(primary_id=primary_id).defer("unknown")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-id")[:RESULTS_MAX])


def result_of(primary_id: int, audit_id: int) -> PairAudit:
    """One result of this pair, whichever. Raises NotFound."""
    row = PairAudit.objects.filter(primary_id=primary_id, pk=audit_id).first()
    if row is None:
        raise NotFound("This result does not exist any more. Choose another one to compare with.")
    return row


def findings_of(audit: PairAudit) -> list[Finding]:
    """Findings of one result in the order of their codes, each with its waiver."""
    return list(audit.findings.select_related("waiver").order_by("code", "subject"))


def get_finding(primary_id: int, finding_id: int) -> Finding:
    """One finding of this pair, of whichever result. Raises NotFound."""
    row = Finding.objects.select_related("audit__primary", "waiver").filter(
        audit__primary_id=primary_id, pk=finding_id).first()
    if row is None:
        raise NotFound("This finding does not exist any more. Open the sheet of the pair to see what is found now.")
    return row


def still_there(finding: Finding) -> Finding | None:
    """The same thing (code, subject) in the pair's latest result; None when it is gone."""
    return Finding.objects.select_related("audit__primary", "waiver").filter(
        audit__primary_id=finding.audit.primary_id, audit__is_latest=True, code=finding.code,
        subject=finding.subject).first()


def names_of(application_ids: set[int]) -> dict[int, str]:
    """{key: name} of the applications that there still are."""
    return dict(Application.objects.filter(pk__in=application_ids).values_list("pk", "name"))
