"""Provisioning > Environment > Alarm Conditions."""

from django.views.decorators.http import require_http_methods, require_safe

from provisioning.alarms.forms import ConditionFilter, ConditionForm
from provisioning.alarms.rules.sentences import reactions
from provisioning.alarms.selectors.conditions import condition_list as conditions
from provisioning.alarms.selectors.conditions import get_condition
from provisioning.alarms.services import conditions as services
from provisioning.core.permissions import CONDITIONS, VIEW, actor_of
from provisioning.core.reasons import one_line
from provisioning.models import AlarmCondition
from provisioning.web.answers import dialog
from provisioning.web.editing import Kind, edited
from provisioning.web.lists import leave_for
from provisioning.web.pages import carry_out, page, show
from provisioning.web.reasons import ReasonForm
from provisioning.web.tables import Column, Table, page_of

TABLE = Table(tuple(map(Column, ("Name", "Category", "Detect Event", "Cancel Event", "Cancel Timeout",
                                 "Selection Mode", "State"))))
KIND = Kind(what="Alarm Condition", to_list="condition-list", to_new="condition-new", to_edit="condition-edit",
            template="alarms/condition_form.html", needs=CONDITIONS, hints=services.hints_of)


@require_safe
@page()
def condition_list(request):
    form = ConditionFilter(request.GET)
    rows = page_of(conditions(**form.chosen()), request.GET)
    return show(request, "alarms/conditions.html", {
        "form": form, "page": rows, "rows": [
            (row, services.why_not_delete(row), reactions(row.verbs, _names(row.channels)),
             reactions(row.clearance_verbs, _names(row.clearance_channels))) for row in rows],
        "topic": services.CONDITIONS, "header": TABLE.header("", request.GET.dict()),
        "total": AlarmCondition.objects.count()})


def _names(channels) -> list[str]:
    return [channel.name for channel in channels.all()]


@require_http_methods(["GET", "HEAD", "POST"])
@page(CONDITIONS)
def condition_new(request):
    return _edited(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@page(CONDITIONS, to_read=VIEW)
def condition_edit(request, pk: int):
    return _edited(request, get_condition(pk))


def _edited(request, row: AlarmCondition | None):
    form = ConditionForm.of(row, request.POST if request.method == "POST" else None)

    def save() -> AlarmCondition:
        if row is None:
            return services.create_condition(actor=actor_of(request), draft=form.draft())
        return services.update_condition(actor=actor_of(request), condition_id=row.pk, draft=form.draft(),
                                         revision=form.cleaned_data["revision"])

    return edited(request, KIND, row, form, save)


@require_http_methods(["GET", "HEAD", "POST"])
@page(CONDITIONS)
def condition_delete(request, pk: int):
    row, back = get_condition(pk), leave_for(request, "condition-list")
    if request.method != "POST":
        return dialog(request, "alarms/condition_delete.html", f"Delete Alarm Condition {row}?", {
            "condition": row, "back": back, "reason": ReasonForm(),
            "active": row.alarms.filter(cleared_at=None).count(), "why": services.why_not_delete(row)})
    reason = one_line(request.POST.get("reason", ""))
    return carry_out(
        request, lambda: services.delete_condition(actor=actor_of(request), condition_id=pk, reason=reason),
        said=lambda nothing: f"Alarm Condition {row} was deleted.", to=lambda nothing: back, back=back)
