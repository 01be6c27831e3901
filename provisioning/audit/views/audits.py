"""The audit of all pairs: the list, Audit now, and the catalogue of rules."""

from itertools import groupby

from django.contrib import messages
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from provisioning.audit.forms.filters import AuditFilter
from provisioning.audit.loader import audited
from provisioning.audit.registry import ordered
from provisioning.audit.remedies import REMEDIES
from provisioning.audit.selectors import audits as selector
from provisioning.audit.services.audits import audit_now
from provisioning.audit.story import VERDICT_WORDS, counted
from provisioning.audit.trends import Chart, Point, step_chart
from provisioning.core.permissions import AUDIT, actor_of
from provisioning.core.text import key_of
from provisioning.models import Application, AuditRun
from provisioning.states import Severity, Verdict
from provisioning.web.answers import done, safe_address
from provisioning.web.pages import page, show
from provisioning.web.tables import NONE, Action, Column, Table, page_of

TABLE = Table(
    columns=(Column("Verdict", "verdict"), Column("Pair", "name"), Column("Errors", "errors", "number"),
             Column("Warnings", "warnings", "number"), Column("Notes", "notes", "number"),
             Column("Waived", "waived", "number"), Column("Not known", "", "number"), Column("Checked", "checked"),
             Column("Since", "since")),
    actions=(Action("audit", "Audit", "arrow-clockwise", AUDIT, NONE),))
LOOKING = "Hosts that answer are looked on now; what is found there is audited as soon as it arrives."
SERIES = tuple((VERDICT_WORDS[verdict], str(verdict).replace(" ", "-")) for verdict in Verdict)


@require_safe
@page()
def audit_list(request):
    """Every pair with its verdict, worst first."""
    form = AuditFilter(request.GET)
    sort = request.GET.get("sort", "")[:32]
    counts = selector.verdict_counts()
    singles = selector.single_count()
    total, pairs = sum(counts.values()) + singles, Application.objects.filter(audited()).distinct().count()
    runs = selector.whole_runs()
    return show(request, "audit/list.html", {
        "form": form, "page": page_of(selector.audit_list(**form.chosen(), sort=sort), request.GET),
        "header": TABLE.header(sort or "verdict", request.GET.dict()), "total": total, "pairs": pairs,
        "waiting": max(0, pairs - total), "counts": counts.items(), "singles": singles, "run": selector.last_run(),
        "whole": runs[-1] if runs else None, "chart": _trend(runs)})


def _trend(runs: list[AuditRun]) -> Chart | None:
    """Pairs by verdict over the last runs over all of them; runs that found the same as the one before are left out."""
    points: list[Point] = []
    for run in runs:
        values = tuple(run.counts.get(str(verdict), 0) for verdict in Verdict)
        if not points or points[-1].values != values:
            points.append(Point(run.at, values))
    return step_chart(points, SERIES, until=timezone.now())


@require_POST
@page(AUDIT)
def audit_run(request):
    """Audit the chosen pairs now, or all of them."""
    keys = [key for key in map(key_of, request.POST.getlist("ids")) if key is not None]
    run = audit_now(actor=actor_of(request), primary_ids=keys or None)
    if run is None:
        messages.info(request, f"The audit of {counted(len(keys), 'pair') if keys else 'all pairs'} is running. "
                               "What it finds appears here by itself.")
    else:
        messages.success(request, f"{_said(run)} {LOOKING}" if keys and run.pairs else _said(run))
    back = safe_address(request, request.POST.get("next", ""), reverse("audit-list"))
    return done(request, back, events=("rows-changed", "audit-asked" if run is None else "audit-done"))


def _said(run: AuditRun) -> str:
    if not run.pairs:
        return "There is no pair to audit any more."
    found = ", ".join(f"{run.counts[verdict]} {VERDICT_WORDS[verdict].lower()}" for verdict in Verdict
                      if run.counts.get(verdict))
    was = f"{counted(run.changed, 'result')} changed" if run.changed else (
        "everything is as before")
    return f"{counted(run.pairs, 'pair')} audited: {found}; {was}."


@require_safe
@page()
def audit_rules(request):
    """Every rule with why it matters, how to put it right, and how many pairs it finds something in now."""
    now = selector.pairs_by_rule()
    order = list(Severity)
    rules = sorted(ordered(), key=lambda rule: (order.index(rule.severity), rule.code))
    groups = [(severity, [(rule, now.get(rule.code, 0), REMEDIES.get(rule.remedy)) for rule in found])
              for severity, found in groupby(rules, key=lambda rule: rule.severity)]
    return show(request, "audit/rules.html", {"groups": groups, "total": len(rules)})
