"""Operations > Audit Shipping: targets, how far each has got, and tests of them."""

from dataclasses import replace

from django.contrib import messages
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from provisioning.core.permissions import SHIP, VIEW, actor_of
from provisioning.core.reasons import one_line
from provisioning.errors import Conflict, Refused
from provisioning.models import AuditTarget
from provisioning.web.answers import dialog, done
from provisioning.web.editing import Kind, edited
from provisioning.web.lists import leave_for
from provisioning.web.pages import carry_out, page, refuse, show
from provisioning.web.reasons import ReasonForm
from provisioning.web.tables import Column, Table, page_of

from . import shown
from .forms import AgainForm, TargetFilter, TargetForm
from .selectors import targets as selector
from .services import targets as services

LIST = "shipping-list"
TABLE = Table((*map(Column, ("Name", "Way", "State", "Last Taken")), Column("Waiting", css="number")))
KIND = Kind(what="audit target", to_list=LIST, to_new="shipping-new", to_edit="shipping-edit",
            template="shipping/target_form.html", needs=SHIP)


@require_safe
@page()
def target_list(request):
    form = TargetFilter(request.GET)
    rows = page_of(selector.target_list(**form.chosen()), request.GET)
    return show(request, "shipping/targets.html", {
        "form": form, "page": rows, "header": TABLE.header("", request.GET.dict()),
        "total": AuditTarget.objects.count(), "topic": selector.TARGETS,
        "rows": [(row, shown.way_label(row.address), shown.address_of(row.address)) for row in rows]})


@require_http_methods(["GET", "HEAD", "POST"])
@page(SHIP)
def target_new(request):
    return _edited(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@page(SHIP, to_read=VIEW)
def target_edit(request, pk: int):
    return _edited(request, selector.get_target(pk))


def _edited(request, row: AuditTarget | None):
    form = TargetForm.of(row, request.POST if request.method == "POST" else None)

    def save() -> AuditTarget:
        if row is None:
            return services.create_target(actor=actor_of(request), draft=form.draft())
        return services.update_target(actor=actor_of(request), target_id=row.pk, draft=form.draft(),
                                      revision=form.cleaned_data["revision"])

    return edited(request, KIND, row, form, save, target=row)


@require_http_methods(["GET", "HEAD", "POST"])
@page(SHIP)
def target_delete(request, pk: int):
    row, back = selector.get_target(pk), leave_for(request, LIST)
    if request.method != "POST":
        return dialog(request, "shipping/target_delete.html", f"Delete audit target {row}?", {
            "target": row, "back": back, "reason": ReasonForm()})
    reason = one_line(request.POST.get("reason", ""))
    return carry_out(
        request, lambda: services.delete_target(actor=actor_of(request), target_id=pk, reason=reason),
        said=lambda nothing: f"Audit target {row} was deleted.", to=lambda nothing: back, back=back)


@require_POST
@page(SHIP)
def target_enable(request, pk: int):
    """Enable or disable it, as ``enabled`` says, and leave everything else as it is."""
    row, enabled = selector.get_target(pk), request.POST.get("enabled") == "1"
    try:
        services.update_target(actor=actor_of(request), target_id=pk, revision=row.revision,
                               draft=replace(services.draft_of(row), enabled=enabled))
    except Conflict as error:
        raise Refused(str(error)) from error
    messages.success(request, f"Audit target {row} was {'enabled' if enabled else 'disabled'}.")
    return done(request, leave_for(request, LIST))


@require_http_methods(["GET", "HEAD", "POST"])
@page(SHIP)
def target_test(request, pk: int):
    """Ask, then send an entry now and say what was sent and what came back."""
    row, back = selector.get_target(pk), leave_for(request, LIST)
    context = {"target": row, "back": back, "way": shown.way_label(row.address), "to": shown.address_of(row.address)}
    if request.method != "POST":
        return dialog(request, "shipping/test.html", f"Test audit target {row}?", context)
    tried = services.test_target(actor=actor_of(request), target_id=pk)
    return dialog(request, "shipping/tested.html", f"Test of audit target {row}", context | {
        "tried": tried, "confirmed": shown.is_confirmed(row.address),
        "advice": "" if tried.outcome.taken else shown.advice(row.address, tried.outcome.reached)})


@require_http_methods(["GET", "HEAD", "POST"])
@page(SHIP)
def target_again(request, pk: int):
    """Ask from which entry on, then send all from there once more."""
    row, back = selector.get_target(pk), leave_for(request, LIST)
    form = AgainForm(request.POST if request.method == "POST" else None, initial={"number": 1})
    if request.method == "POST" and form.is_valid():
        number, reason = form.cleaned_data["number"], one_line(form.cleaned_data["reason"])
        try:
            services.send_again(actor=actor_of(request), target_id=pk, number=number, reason=reason)
        except Refused as error:
            refuse(form, error)
        else:
            messages.success(request, f"Audit target {row} gets the entries from number {number} on again.")
            return done(request, back, leave=True)
    return dialog(request, "shipping/again.html", f"Send entries to {row} again", {
        "target": row, "back": back, "form": form}, status=422 if form.is_bound else 200)
