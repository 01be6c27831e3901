"""``/audit/findings`` and ``/audit/waivers``: what the audit has found, what is done about it, what is accepted."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.audit.forms.filters import WaiverFilter
from provisioning.audit.registry import RULES, rule_words
from provisioning.audit.remedies import REMEDIES
from provisioning.audit.selectors import audits as selector
from provisioning.audit.selectors.waivers import get_waiver, waiver_list
from provisioning.audit.services import fix as remedies
from provisioning.audit.services import waivers as services
from provisioning.audit.story import standing
from provisioning.core.permissions import actor_of

from .changes import Change, Tried, answered, of_object, tried
from .documents import Strict
from .filters import Filter, Text
from .paging import Page, PageOf
from .problems import ADDRESSES
from .saved import address, created

router = Router(tags=["audit"])
Level = Literal["", "error", "warning", "note"]


class FindingsFilter(Filter):
    """``rule`` is a code, ``pair`` the name of a member; ``show``: "" for those that nobody waived."""

    severity: Level = ""
    rule: Text = ""
    pair: Text = ""
    show: Literal["", "waived", "all"] = ""


class WaiversFilter(Filter):
    text: Text = ""
    state: Literal["", "active", "soon", "ended"] = ""
    rule: Text = ""


class FindingValue(BaseModel):
    label: str
    text: str


class FindingFix(BaseModel):
    """What Pairwise can do about it; ``interrupts``: a server stops for a moment, ``by_job``: it ends later."""

    label: str
    interrupts: bool
    by_job: bool


class FindingRow(BaseModel):
    """``rule``: code of what is not so, ``rule_title``: what should be; ``subject``: the thing within the pair;
    ``waiver``: id of that which accepts it; ``fix``: null where people have to put it right."""

    id: int
    primary: str
    backup: str | None
    rule: str
    rule_title: str
    severity: str
    subject: str
    sentence: str
    values: list[FindingValue]
    first_found_at: datetime
    waiver: int | None
    fix: FindingFix | None


class FindingDetail(FindingRow):
    """``why``: why it matters; ``how``: how people put it right."""

    why: str
    how: str


class FixStep(BaseModel):
    """``before`` and ``after`` are values, "" for work that has none."""

    what: str
    before: str
    after: str


class FixPlan(BaseModel):
    """What the fix would do. ``token`` names the state that it was made from."""

    label: str
    steps: list[FixStep]
    warnings: list[str]
    refusals: list[str]
    token: str


class FixBody(Strict):
    """``token`` of the plan that was looked at; null for what the plan is now."""

    token: Text | None = None


class Fixed(BaseModel):
    """``sentence`` says what was done; ``job`` is at work on a host, null when nothing is."""

    sentence: str
    job: str | None


class WaiveBody(Strict):
    """``expires_on``: the last day, UTC."""

    reason: str = Field(max_length=2000)
    expires_on: date


class WaiverRow(BaseModel):
    """``state``: active, soon or ended; ``why_ended`` says why."""

    id: int
    primary: str
    backup: str | None
    rule: str
    rule_title: str
    subject: str
    sentence: str
    reason: str
    expires_on: date
    waived_by: str
    waived_at: datetime
    state: str
    why_ended: str


# --- findings


@router.get("/findings", response=PageOf[FindingRow], summary="List findings")
def findings(request: HttpRequest, page: Query[Page], filters: Query[FindingsFilter]) -> HttpResponse:
    """What the latest results have found."""
    rows = selector.finding_list(severity=filters.severity, rule=filters.rule, pair=filters.pair, show=filters.show)
    return page.of(rows, described, FindingRow)


@router.get("/findings/{int:finding_id}", response=FindingDetail, summary="A finding")
def finding(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Of whichever result."""
    row = selector.find_finding(finding_id)
    [said], rule = described([row]), RULES.get(row.code)
    return answered(FindingDetail(**dict(said), why=rule.why if rule else "", how=rule.fix if rule else ""),
                    FindingDetail)


@router.post("/findings/{int:finding_id}/waive", response={201: WaiverRow, 200: WaiverRow}, summary="Waive a finding")
def waive(request: HttpRequest, finding_id: int, body: WaiveBody, change: Query[Change]) -> HttpResponse:
    """Accept it until a day, as long as what is found stays the same."""
    found = selector.find_finding(finding_id)

    def work() -> HttpResponse:
        row = services.waive(actor=actor_of(request), primary_id=found.audit.primary_id, finding_id=finding_id,
                            reason=body.reason, expires_on=body.expires_on)
        return _waiver(row.pk, created(change))

    return change.carried_out(work)


@router.get("/findings/{int:finding_id}/fix", response=FixPlan, summary="What the fix of a finding would do")
def fix_plan(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Changes nothing."""
    plan = remedies.plan(actor=actor_of(request), finding_id=finding_id)
    return answered(FixPlan(
        label=plan.remedy.label, warnings=list(plan.warnings), token=plan.token,
        refusals=[each.message for each in plan.refusals],
        steps=[FixStep(what=each.what, before=each.before, after=each.after) for each in plan.steps]), FixPlan)


@router.post("/findings/{int:finding_id}/fix", response={200: Fixed | Tried, 202: Fixed}, summary="Put a finding right")
def fix(request: HttpRequest, finding_id: int, change: Query[Change], body: FixBody | None = None) -> HttpResponse:
    """200 when it is done, 202 when a job does it. The pair is audited again."""
    actor, plan = actor_of(request), remedies.plan(actor=actor_of(request), finding_id=finding_id)
    if change.dry_run:
        actor.require(remedies.verb_of(plan.finding.remedy))
        return tried(of_object(plan.refusals))
    token = plan.token if body is None or body.token is None else body.token
    done = remedies.apply(actor=actor, finding_id=finding_id, token=token)
    job = str(done.job.pk) if done.job else None
    return answered(Fixed(sentence=done.sentence, job=job), Fixed, status=202 if job else 200,
                    location=ADDRESSES["job"].format(job) if job else "")


# --- waivers


@router.get("/waivers", response=PageOf[WaiverRow], summary="List waivers")
def waivers(request: HttpRequest, page: Query[Page], filters: Query[WaiversFilter]) -> HttpResponse:
    """The newest first."""
    rows = waiver_list(today=timezone.now().date(), **filters.chosen(WaiverFilter))
    return page.of(rows, waivers_described, WaiverRow, sort="-id")


@router.get("/waivers/{int:waiver_id}", response=WaiverRow, summary="A waiver")
def waiver(request: HttpRequest, waiver_id: int) -> HttpResponse:
    return _waiver(waiver_id)


@router.post("/waivers/{int:waiver_id}/withdraw", response=WaiverRow, summary="Withdraw a waiver")
def withdraw(request: HttpRequest, waiver_id: int, change: Query[Change]) -> HttpResponse:
    """The finding counts again."""
    return change.carried_out(lambda: _waiver(services.withdraw(actor=actor_of(request), waiver_id=waiver_id).pk))


def _waiver(waiver_id: int, status: int = 200) -> HttpResponse:
    return answered(waivers_described([get_waiver(waiver_id)])[0], WaiverRow, status=status,
                    location=address("audit/waivers", str(waiver_id)) if status == 201 else "")


# --- rows


def backup_of(primary: Any) -> str | None:
    return primary.backup_server.name if primary.backup_server else None


def fix_of(remedy: str) -> FindingFix | None:
    found = REMEDIES.get(remedy)
    return FindingFix(label=found.label, interrupts=found.interrupts, by_job=found.by_job) if found else None


def described(rows: Iterable[Any]) -> list[FindingRow]:
    return [FindingRow(
        id=row.pk, primary=row.audit.primary.name, backup=backup_of(row.audit.primary), rule=row.code,
        rule_title=rule_words(row.code), severity=row.severity, subject=row.subject, sentence=row.sentence,
        values=[FindingValue(label=label, text=text) for label, text in row.values],
        first_found_at=row.first_found_at, waiver=row.waiver_id, fix=fix_of(row.remedy)) for row in rows]


def waivers_described(rows: Iterable[Any]) -> list[WaiverRow]:
    today, found = timezone.now().date(), []
    for row in rows:
        now = standing(today=today, expires_on=row.expires_on, fact=row.fact, now_fact=row.now_fact,
                       ended_by=row.ended_by, ended=row.ended_at is not None)
        found.append(WaiverRow(
            id=row.pk, primary=row.primary.name, backup=backup_of(row.primary), rule=row.code,
            rule_title=rule_words(row.code), subject=row.subject, sentence=row.sentence, reason=row.reason,
            expires_on=row.expires_on, waived_by=row.waived_by, waived_at=row.waived_at, state=now.state,
            why_ended=now.sentence))
    return found
