"""Monitoring > Notifications > Rules."""

from django.views.decorators.http import require_http_methods, require_safe

from provisioning.core.permissions import NOTIFY, VIEW, actor_of
from provisioning.core.reasons import one_line
from provisioning.models import Channel, NotificationRule
from provisioning.notifications import shown
from provisioning.notifications.forms import RuleFilter, RuleForm
from provisioning.notifications.rules.matching import hints
from provisioning.notifications.selectors import notifications as selector
from provisioning.notifications.services import rules as services
from provisioning.web.answers import dialog
from provisioning.web.editing import Kind, edited
from provisioning.web.lists import leave_for
from provisioning.web.pages import carry_out, page, show
from provisioning.web.reasons import ReasonForm
from provisioning.web.tables import Column, Table, page_of

TABLE = Table(tuple(map(Column, ("Name", "Channels", "What", "Quiet Hours", "State"))))
KIND = Kind(what="notification rule", to_list="rule-list", to_new="rule-new", to_edit="rule-edit",
            template="notifications/rule_form.html", needs=NOTIFY,
            hints=lambda saved: hints(services.draft_of(saved), selector.names_there()))


@require_safe
@page()
def rule_list(request):
    form = RuleFilter(request.GET)
    rows = page_of(selector.rule_list(**form.chosen()), request.GET)
    return show(request, "notifications/rules.html", {
        "form": form, "page": rows, "header": TABLE.header("", request.GET.dict()),
        "total": NotificationRule.objects.count(),
        "topic": f"{selector.RULES} {selector.CHANNELS} {selector.DELIVERIES}",
        "has_channels": Channel.objects.exists(),
        "rows": [(row, shown.what_of(row), shown.pace_of(row), shown.quiet_of(row)) for row in rows]})


@require_http_methods(["GET", "HEAD", "POST"])
@page(NOTIFY)
def rule_new(request):
    return _edited(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@page(NOTIFY, to_read=VIEW)
def rule_edit(request, pk: int):
    return _edited(request, selector.get_rule(pk))


def _edited(request, row: NotificationRule | None):
    form = RuleForm.of(row, request.POST if request.method == "POST" else None)

    def save() -> NotificationRule:
        if row is None:
            return services.create_rule(actor=actor_of(request), draft=form.draft())
        return services.update_rule(actor=actor_of(request), rule_id=row.pk, draft=form.draft(),
                                    revision=form.cleaned_data["revision"])

    return edited(request, KIND, row, form, save, has_channels=Channel.objects.exists())


@require_http_methods(["GET", "HEAD", "POST"])
@page(NOTIFY)
def rule_delete(request, pk: int):
    row, back = selector.get_rule(pk), leave_for(request, "rule-list")
    if request.method != "POST":
        return dialog(request, "notifications/rule_delete.html", f"Delete notification rule {row}?", {
            "rule": row, "back": back, "reason": ReasonForm(), "what": shown.what_of(row)})
    reason = one_line(request.POST.get("reason", ""))
    return carry_out(
        request, lambda: services.delete_rule(actor=actor_of(request), rule_id=pk, reason=reason),
        said=lambda nothing: f"Notification rule {row} was deleted.", to=lambda nothing: back, back=back)
