"""Monitoring > Notifications > Rules."""

from django.contrib import messages
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.core.permissions import NOTIFY, VIEW, actor_of
from provisioning.core.reasons import one_line
from provisioning.errors import Conflict, Refusal, Refused
from provisioning.models import Channel, NotificationRule
from provisioning.notifications import shown
from provisioning.notifications.forms import RuleFilter, RuleForm
from provisioning.notifications.rules.matching import hints
from provisioning.notifications.selectors import notifications as selector
from provisioning.notifications.services import rules as services
from provisioning.web.answers import dialog, done
from provisioning.web.lists import leave_for
from provisioning.web.pages import carry_out, only_read, page, refuse, show
from provisioning.web.reasons import ReasonForm
from provisioning.web.tables import Column, Table, page_of

TABLE = Table(tuple(map(Column, ("Name", "Channels", "What", "Quiet Hours", "State"))))
_PLACES = {"quiet_hours": "quiet_from"}
"""{field of a rule: the field of the form beside which it is said}, where they are not called the same."""


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
    back, conflict = leave_for(request, "rule-list"), None
    form = RuleForm.of(row, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            saved = _save(request, row, form)
        except Refused as error:
            refuse(form, Refused(*(Refusal(each.message, _PLACES.get(each.field, each.field), each.links)
                                   for each in error.refusals)))
        except Conflict as error:
            # Sent once more it is known what is stored.
            conflict = error
            form.has_seen(error.revision)
        else:
            messages.success(request, f"Notification rule {saved} was {'saved' if row else 'created'}.")
            for hint in hints(services.draft_of(saved), selector.names_there()):
                messages.warning(request, hint)
            return done(request, back, leave=True)
    title = f"Notification rule {row}" if row else "New notification rule"
    return dialog(request, "notifications/rule_form.html", title, {
        "form": form, "conflict": conflict, "back": back, "label": "Save" if row else "Create",
        "only_read": only_read(request, NOTIFY, form),
        "has_channels": Channel.objects.exists(),
        "address": reverse("rule-edit", args=[row.pk]) if row else reverse("rule-new")},
        status=409 if conflict else 422 if form.is_bound else 200)


def _save(request, row: NotificationRule | None, form: RuleForm) -> NotificationRule:
    if row is None:
        return services.create_rule(actor=actor_of(request), draft=form.draft())
    return services.update_rule(actor=actor_of(request), rule_id=row.pk, draft=form.draft(),
                                revision=form.cleaned_data["revision"])


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
