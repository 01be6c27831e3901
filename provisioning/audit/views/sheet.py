"""The sheet of a pair: what the audit says of it now, and how that compares with an earlier result."""

from dataclasses import dataclass

from django.http import Http404
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.views.decorators.http import require_safe

from provisioning.audit.comparison import Compared, compared
from provisioning.audit.registry import RULES, Rule, ordered, rule_words
from provisioning.audit.remedies import REMEDIES, Remedy
from provisioning.audit.selectors import audits as selector
from provisioning.audit.services.fix import kind_of, subject_of, verb_of
from provisioning.audit.story import headline, unknown_codes
from provisioning.audit.trends import Chart, Point, step_chart
from provisioning.core.permissions import WAIVE, actor_of, sentence_for
from provisioning.core.text import key_of
from provisioning.jobs.selectors.readiness import why_not
from provisioning.models import Finding, PairAudit
from provisioning.pairs.selectors.page import pair_rows
from provisioning.pairs.selectors.pairs import OfPair
from provisioning.states import Severity
from provisioning.web.pages import page, show

SERIES = (("Errors", "broken"), ("Warnings", "at-risk"))
_TITLES = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.NOTE: "Notes"}


@dataclass(frozen=True)
class Card:
    """A finding with its rule (None when it is not judged any more), the objects concerned as (key, name), the fix that
    Pairwise can carry out, and why this user may not."""

    finding: Finding
    rule: Rule | None
    about: tuple[tuple[int, str], ...]
    remedy: Remedy | None = None
    why_not_fix: str = ""

    @property
    def key(self) -> str:
        """Stays the same while the thing does: focus and folds survive a refresh."""
        return f"{self.finding.code}-{self.finding.fact[:8]}"

    @property
    def rule_words(self) -> str:
        """What the rule wants: the opposite of what was found, so the finding's own sentence is the title."""
        return rule_words(self.finding.code)


class AuditSheet(OfPair):
    """One request's view of what the audit says of a pair or of a single server. Raises NotFound."""

    def __init__(self, request, pk: int):
        self._actor = actor_of(request)
        self.primary, self.backup = pair_rows(pk)
        self.audit = selector.latest_of(pk)

    @property
    def topics(self) -> str:
        return f"audit:{self.pk} audits"

    @property
    def headline(self) -> str:
        return headline_of(self.audit)

    @cached_property
    def why_not_waive(self) -> str:
        return "" if self._actor.may(WAIVE) else sentence_for(WAIVE)

    # --- findings

    @cached_property
    def findings(self) -> list[Finding]:
        return selector.findings_of(self.audit) if self.audit else []

    @cached_property
    def names(self) -> dict[int, str]:
        known = {row.pk: row.name for row in self.members}
        others = {key for finding in self.findings for key in finding.about} - known.keys()
        return known | (selector.names_of(others) if others else {})

    def card(self, finding: Finding) -> Card:
        remedy = REMEDIES.get(finding.remedy)
        about = tuple((key, self.names[key]) for key in finding.about if key in self.names)
        return Card(finding, RULES.get(finding.code), about, remedy,
                    self._why_not_fix(finding) if remedy else "")

    def _why_not_fix(self, finding: Finding) -> str:
        verb, whom = verb_of(finding.remedy), subject_of(finding)
        if not self._actor.may(verb):
            return sentence_for(verb)
        return self._ready.get(whom, {}).get(kind_of(finding.remedy), "")

    @cached_property
    def _ready(self) -> dict[int, dict[str, str]]:
        """{member: {kind of job: why it cannot be made now}} of those that fixes ask for."""
        kinds = {kind_of(each.remedy) for each in self.findings if each.remedy in REMEDIES} - {""}
        return why_not(self.members, sorted(kinds)) if kinds else {}

    @cached_property
    def groups(self) -> list[tuple[str, str, list[Card]]]:
        """(severity, title, cards) of the findings that count, worst first; empty ones are left out."""
        found = [(severity, title, [self.card(each) for each in self.findings
                                    if each.severity == severity and each.waiver_id is None])
                 for severity, title in _TITLES.items()]
        return [group for group in found if group[2]]

    @cached_property
    def waived(self) -> list[Card]:
        return [self.card(each) for each in self.findings if each.waiver_id is not None]

    @property
    def _unknown(self) -> list[dict]:
        return self.audit.unknown if self.audit else []

    @cached_property
    def unknown(self) -> list[tuple[str, str, list[str]]]:
        """(sentence, worst severity, codes)."""
        return [(entry["sentence"], entry["severity"], entry["codes"]) for entry in self._unknown]

    @cached_property
    def passed(self) -> list[Rule]:
        """Rules that hold: those judged for such a pair, without what was found or is not known."""
        if self.audit is None:
            return []
        others = {each.code for each in self.findings} | set(unknown_codes(self._unknown))
        return [rule for rule in ordered() if (self.backup or rule.singles) and rule.code not in others]

    # --- earlier results

    @cached_property
    def results(self) -> list[PairAudit]:
        """Newest first."""
        return selector.results_of(self.pk)

    @cached_property
    def chart(self) -> Chart | None:
        points = [Point(row.at, (row.errors, row.warnings)) for row in reversed(self.results)]
        return step_chart(points, SERIES, until=self.audit.confirmed_at) if self.audit else None


def headline_of(audit: PairAudit | None) -> str:
    """The one sentence of a result."""
    if audit is None:
        return "This pair has not been audited yet."
    return headline(audit.verdict, errors=audit.errors, warnings=audit.warnings, notes=audit.notes,
                    waived=audit.waived, passed=audit.passed, unknown=audit.unknown)


def sheet_of(request, pk: int) -> AuditSheet:
    """The sheet of an application that the audit looks at. Raises NotFound, Http404."""
    sheet = AuditSheet(request, pk)
    if not sheet.primary.is_runnable:
        raise Http404(f"{sheet.primary.name} is no Message Server, so the audit does not look at it.")
    return sheet


@require_safe
@page()
def audit_sheet(request, pk: int):
    """What the audit says of a pair; a backup leads to its primary's sheet."""
    sheet = sheet_of(request, pk)
    owner = getattr(sheet.primary, "primary_server", None)
    # Backups that name each other in a circle are each audited by themselves.
    if sheet.audit is None and owner is not None and owner.is_primary:
        return redirect("audit-sheet", owner.pk)
    return show(request, "audit/sheet.html", {"sheet": sheet})


@require_safe
@page()
def audit_compare(request, pk: int):
    """An earlier result (``?with=``, else the first that is offered) beside the one that holds now. Offered are the
    newest results, or those before ``?before=``."""
    sheet = sheet_of(request, pk)
    chosen, before = (key_of(request.GET.get(name, "")) for name in ("with", "before"))
    results = sheet.results if before is None else selector.results_of(pk, before=before)
    earlier = next((row for row in results if not row.is_latest), None)
    if chosen is not None:
        earlier = selector.result_of(pk, chosen)
    older = results[-1].pk if results and selector.results_of(pk, before=results[-1].pk) else None
    groups = _compared(sheet, earlier) if sheet.audit and earlier else None
    return show(request, "audit/compare.html", {
        "sheet": sheet, "earlier": earlier, "groups": groups, "earlier_headline": headline_of(earlier),
        "results": results, "before": before, "older": older})


def _compared(sheet: AuditSheet, earlier: PairAudit) -> Compared[Card]:
    found = compared(selector.findings_of(earlier), sheet.findings)
    cards = {name: tuple(sheet.card(each) for each in getattr(found, name)) for name in ("new", "gone", "unchanged")}
    return Compared(**cards, changed=tuple((sheet.card(was), sheet.card(now)) for was, now in found.changed))
