"""What is done to a finding: the Waive and Fix dialogs; and every waiver with how it stands."""

from django.contrib import messages
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.audit.forms.audits import WaiveForm
from provisioning.audit.forms.filters import WaiverFilter
from provisioning.audit.registry import rule_words
from provisioning.audit.selectors import waivers as selector
from provisioning.audit.selectors.audits import get_finding, still_there
from provisioning.audit.services import fix as remedies
from provisioning.audit.services import waivers as services
from provisioning.audit.story import standing
from provisioning.core.permissions import VIEW, WAIVE, actor_of
from provisioning.errors import Conflict, Refused
from provisioning.models import Waiver
from provisioning.web.answers import dialog, done, safe_address, sentence
from provisioning.web.lists import onward
from provisioning.web.pages import page, refuse, show
from provisioning.web.tables import Column, Table, page_of

TABLE = Table(tuple(Column(label) for label in ("State", "Pair", "Finding", "Reason", "By", "Until")))


def _sheet(pk: int) -> str:
    return reverse("audit-sheet", args=[pk])


@require_http_methods(["GET", "HEAD", "POST"])
@page(WAIVE)
def finding_waive(request, pk: int, finding: int):
    """Accept a finding until a date, with a reason."""
    found = get_finding(pk, finding)
    posted = request.method == "POST"
    form = WaiveForm(request.POST if posted else None, today=timezone.now().date())
    if posted and form.is_valid():
        try:
            row = services.waive(actor=actor_of(request), primary_id=pk, finding_id=finding, **form.cleaned_data)
            messages.success(request, f"{row.code} is waived until {row.expires_on:%Y-%m-%d}.")
            return done(request, _sheet(pk))
        except Refused as error:
            refuse(form, error)
    return dialog(request, "audit/waive.html", f"Waive: {found.sentence.rstrip('.')}", {
        "form": form, "finding": found, "rule_words": rule_words(found.code),
        "back": onward(request, "audit-sheet", pk), "address": request.get_full_path()},
        status=422 if posted else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@page(VIEW)
def finding_fix(request, pk: int, finding: int):
    """What the fix would do; POST does it when that is still what it would do (``token``)."""
    found, actor = get_finding(pk, finding), actor_of(request)
    troubles: list[str] = []
    if found.remedy in remedies.REMEDIES:
        actor.require(remedies.verb_of(found.remedy))
    # The pair may have been audited again since the page was made, with the same outcome.
    found = still_there(found) or found
    if request.method == "POST":
        try:
            result = remedies.apply(actor=actor, finding_id=found.pk, token=request.POST.get("token", ""))
            messages.success(request, _said(result))
            return done(request, _sheet(pk))
        except Refused as error:
            troubles = [sentence(refusal) for refusal in error.refusals]
        except Conflict as error:
            troubles = [str(error)]
    plan = remedies.plan(actor=actor, finding_id=found.pk)
    return dialog(request, "audit/fix.html", f"{plan.remedy.label}?", {
        "plan": plan, "finding": found, "rule_words": rule_words(found.code), "troubles": troubles,
        "back": onward(request, "audit-sheet", pk), "address": request.get_full_path(),
        "refusals": [sentence(each) for each in plan.refusals]},
        status=422 if troubles else 200)


def _said(result: remedies.Done):
    if result.job is None:
        return f"{result.sentence} The pair was audited again."
    return format_html('{} <a href="{}">{}</a>', result.sentence, reverse("job-detail", args=[result.job.pk]),
                       result.job)


@require_safe
@page()
def waiver_list(request):
    """Every waiver: at work, ending soon, ended by hand or by itself."""
    form, today = WaiverFilter(request.GET), timezone.now().date()
    rows = page_of(selector.waiver_list(today=today, **form.chosen()), request.GET)
    shown = [(row, rule_words(row.code), standing(
        today=today, expires_on=row.expires_on, fact=row.fact, now_fact=row.now_fact, ended_by=row.ended_by,
        ended=row.ended_at is not None)) for row in rows]
    return show(request, "audit/waivers.html", {
        "form": form, "page": rows, "rows": shown, "header": TABLE.header("", request.GET.dict()),
        "total": Waiver.objects.count()})


@require_http_methods(["GET", "HEAD", "POST"])
@page(WAIVE)
def waiver_withdraw(request, waiver: int):
    """Ask first; then the finding counts again."""
    if request.method != "POST":
        row = services.get_standing(waiver)
        back = safe_address(request, request.GET.get("next", ""), _sheet(row.primary_id))
        return dialog(request, "audit/withdraw.html", f"Withdraw the waiver of {row.code}?", {
            "waiver": row, "back": back, "address": request.path})
    row = services.withdraw(actor=actor_of(request), waiver_id=waiver)
    messages.success(request, f"The waiver of {row.code} was withdrawn; the finding counts again.")
    return done(request, safe_address(request, request.POST.get("next", ""), _sheet(row.primary_id)))
