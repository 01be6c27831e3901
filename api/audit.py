"""``/audit``: runs, what holds of each pair, findings, and waivers of these."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.applications.selectors.applications import find_application, get_application
from provisioning.audit.forms.filters import AuditFilter
from provisioning.audit.registry import ordered
from provisioning.audit.selectors import audits as selector
from provisioning.audit.services.audits import audit_now
from provisioning.audit.story import headline, unknown_codes
from provisioning.core.permissions import AUDIT, actor_of
from provisioning.errors import NotFound

from . import findings
from .changes import Change, Tried, answered, tried
from .documents import Strict
from .filters import Filter, Text
from .findings import FindingFix, FindingRow, Level, backup_of, fix_of
from .paging import Page, PageOf, by_id_or_name

router = Router(tags=["audit"])


class RunsFilter(Filter):
    trigger: Literal["", "change", "schedule", "demand", "fix"] = ""


class PairsFilter(Filter):
    """As on the page of the audit. ``show``: pairs with waived findings, with rules that are not known, or single
    servers."""

    text: Text = ""
    verdict: Literal["", "broken", "at risk", "ready"] = ""
    host: Text = ""
    severity: Level = ""
    rule: Text = ""
    show: Literal["", "waived", "unknown", "single"] = ""


class AuditRunRow(BaseModel):
    """``whole``: over all pairs; ``counts`` {verdict: pairs}; ``changed``: results that were not as before."""

    id: int
    at: datetime
    trigger: str
    asked_by: str
    whole: bool
    pairs: int
    changed: int
    counts: dict[str, int]
    took_ms: int


class AuditedLater(BaseModel):
    under_way: bool


class AuditedPair(BaseModel):
    """The result that holds now of a pair, or of a server that is in none (``backup`` null). The same was found from
    ``since`` until ``checked_at``; ``unknown``: rules that could not be judged."""

    id: int
    primary: str
    backup: str | None
    verdict: str
    errors: int
    warnings: int
    notes: int
    waived: int
    unknown: int
    since: datetime
    checked_at: datetime


class UnknownRules(BaseModel):
    """Rules that could not be judged, and why."""

    sentence: str
    severity: str
    rules: list[str]


class AuditedPairDetail(AuditedPair):
    """With what was found. ``headline`` says all of it in a sentence."""

    headline: str
    findings: list[FindingRow]
    not_known: list[UnknownRules]


class RunBody(Strict):
    """``pairs``: names or ids of members, null for all; ``look``: look on the hosts of a few pairs, too."""

    pairs: Annotated[list[Text], Field(min_length=1, max_length=1000)] | None = None
    look: bool = True


class AuditRule(BaseModel):
    """``pairs``: how many have a finding under it now; ``fix``: what Pairwise can do, null for nothing."""

    code: str
    title: str
    severity: str
    why: str
    how: str
    pairs: int
    fix: FindingFix | None


# --- runs and rules


@router.get("/runs", response=PageOf[AuditRunRow], summary="List runs of the audit")
def runs(request: HttpRequest, page: Query[Page], filters: Query[RunsFilter]) -> HttpResponse:
    """The newest first."""
    return page.of(selector.run_list(trigger=filters.trigger), runs_described, AuditRunRow, sort="-id")


@router.post("/run", response={200: AuditRunRow | Tried, 202: AuditedLater}, summary="Audit now")
def run(request: HttpRequest, change: Query[Change], body: RunBody | None = None) -> HttpResponse:
    """200 with the run, or 202 where it is under way: then it is among the runs later."""
    actor, body = actor_of(request), body or RunBody()
    keys = None if body.pairs is None else [_primary(each) for each in body.pairs]
    if change.dry_run:
        actor.require(AUDIT)
        return tried([])
    found = audit_now(actor=actor, primary_ids=keys, look=body.look)
    if found is None:
        return answered(AuditedLater(under_way=True), AuditedLater, status=202, location="/api/v1/audit/runs")
    return answered(runs_described([found])[0], AuditRunRow)


@router.get("/rules", response=list[AuditRule], summary="List rules of the audit")
def rules(request: HttpRequest) -> Any:
    """Every rule, by its code."""
    now = selector.pairs_by_rule()
    return [AuditRule(code=each.code, title=each.title, severity=each.severity, why=each.why, how=each.fix,
                    pairs=now.get(each.code, 0), fix=fix_of(each.remedy)) for each in ordered()]


# --- pairs


@router.get("/pairs", response=PageOf[AuditedPair], summary="List audited pairs")
def pairs(request: HttpRequest, page: Query[Page], filters: Query[PairsFilter]) -> HttpResponse:
    """What holds now of each."""
    rows = selector.audit_list(**filters.chosen(AuditFilter))
    return page.of(rows, pairs_described, AuditedPair)


@router.get("/pairs/{pair}", response=AuditedPairDetail, summary="What the audit says of a pair")
def pair(request: HttpRequest, pair: str) -> HttpResponse:
    """By the name or id of a member."""
    key = _primary(pair)
    found = selector.latest_of(key)
    if found is None:
        raise NotFound("This pair has not been audited yet. Audit it now: POST /api/v1/audit/run.")
    [said] = pairs_described([found])
    return answered(AuditedPairDetail(
        **dict(said), headline=headline(
            found.verdict, errors=found.errors, warnings=found.warnings, notes=found.notes, waived=found.waived,
            passed=found.passed, unknown=found.unknown),
        findings=findings.described(selector.finding_list(show="all", primary_id=key)),
        not_known=[UnknownRules(sentence=each["sentence"], severity=each["severity"], rules=each["codes"])
                   for each in found.unknown]), AuditedPairDetail)


# --- rows


def _primary(key: str) -> int:
    """Of the pair that the member belongs to, or the server itself. Raises NotFound."""
    row = by_id_or_name(key, get_application, find_application)
    owner = getattr(row, "primary_server", None)
    return (owner or row).pk


def runs_described(rows: Iterable[Any]) -> list[AuditRunRow]:
    return [AuditRunRow(id=row.pk, at=row.at, trigger=row.trigger, asked_by=row.asked_by, whole=row.whole,
                        pairs=row.pairs, changed=row.changed, counts=row.counts, took_ms=row.took_ms) for row in rows]


def pairs_described(rows: Iterable[Any]) -> list[AuditedPair]:
    return [AuditedPair(
        id=row.pk, primary=row.primary.name, backup=backup_of(row.primary), verdict=row.verdict, errors=row.errors,
        warnings=row.warnings, notes=row.notes, waived=row.waived, unknown=len(unknown_codes(row.unknown)),
        since=row.at, checked_at=row.confirmed_at) for row in rows]


