"""Guide step 5 on the Pair page: the plan, Synchronize, and the differences that are declared to be intended."""

from django.contrib import messages
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from provisioning.applications.selectors.applications import ports_wait
from provisioning.core.permissions import CONFIGURE, actor_of
from provisioning.core.reasons import one_line
from provisioning.core.text import key_of
from provisioning.errors import Conflict, Refused
from provisioning.pairs.forms.verbs import ExceptionForm
from provisioning.pairs.rules.synchronization import label_of
from provisioning.pairs.services import synchronize as services
from provisioning.web.answers import dialog, done, sentence
from provisioning.web.pages import page, refuse
from provisioning.web.reasons import ReasonForm

from .page import PairPage


def _compared(pk: int) -> str:
    return f"{reverse('pair-detail', args=[pk])}#pair-compare"


@require_http_methods(["GET", "HEAD", "POST"])
@page(CONFIGURE)
def pair_synchronize(request, pk: int):
    """The plan; POST applies it when it is still the one that was shown (``revisions``)."""
    troubles: list[str] = []
    if request.method == "POST":
        shown = [number for number in map(key_of, request.POST.getlist("revisions")) if number is not None]
        own, other, *_ = *shown, 0, 0
        try:
            plan = services.apply_plan(actor=actor_of(request), application_id=pk,
                                       revisions=(own, other),
                                       reason=one_line(request.POST.get("reason", "")))
            backup = PairPage(request, pk).backup
            later = ports_wait(backup) if backup else ""
            say = messages.warning if later else messages.success
            say(request, f"{plan.backup.name} is synchronized with {plan.primary.name}. {later}".rstrip())
            return done(request, _compared(pk))
        except Refused as error:
            troubles = [sentence(refusal) for refusal in error.refusals]
        except Conflict as error:
            troubles = [str(error)]
    pair = PairPage(request, pk)
    plan = services.plan(actor=actor_of(request), application_id=pk)
    title = f"Synchronize {plan.backup.name} with {plan.primary.name}"
    return dialog(request, "pairs/synchronize.html", title, {
        "pair": pair, "plan": plan, "troubles": troubles, "reason": ReasonForm(request.POST or None)},
                  status=422 if troubles else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@page(CONFIGURE)
def pair_except(request, pk: int):
    """Declare that the members may differ in ``what``."""
    posted = request.method == "POST"
    form = ExceptionForm(request.POST if posted else None, initial={"what": request.GET.get("what", "")})
    plan, what = services.plan(actor=actor_of(request), application_id=pk), form["what"].value() or ""
    label, row = label_of(what, plan.rows), next((row for row in plan.rows if row.what == what), None)
    if posted and form.is_valid():
        try:
            services.declare_exception(actor=actor_of(request), application_id=pk, **form.cleaned_data)
            messages.success(request, f"The exception for {label} was added.")
            return done(request, _compared(pk))
        except Refused as error:
            refuse(form, error)
    return dialog(request, "pairs/except.html", f"May {label} differ?", {
        "pair": PairPage(request, pk), "form": form, "label": label, "row": row}, status=422 if posted else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@page(CONFIGURE)
def pair_withdraw(request, pk: int, exception: int):
    """Ask first; then the members are to be equal there again."""
    if request.method != "POST":
        row = services.get_exception(exception)
        label = label_of(row.what, services.plan(actor=actor_of(request), application_id=pk).rows)
        return dialog(request, "pairs/withdraw.html", f"Withdraw the exception for {label}?", {
            "pair": PairPage(request, pk), "exception": row, "label": label})
    services.withdraw_exception(actor=actor_of(request), exception_id=exception)
    messages.success(request, "The exception was withdrawn.")
    return done(request, _compared(pk))
