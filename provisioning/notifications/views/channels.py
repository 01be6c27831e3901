"""Monitoring > Notifications > Channels."""

from django.contrib import messages
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from provisioning.core.permissions import NOTIFY, VIEW, actor_of
from provisioning.core.reasons import one_line
from provisioning.errors import Conflict, Refused
from provisioning.models import Channel, Delivery
from provisioning.notifications import shown
from provisioning.notifications.forms import ChannelFilter, ChannelForm, KindForm
from provisioning.notifications.selectors import notifications as selector
from provisioning.notifications.selectors.told import last_deliveries
from provisioning.notifications.services import channels as services
from provisioning.states import ChannelKind, DeliveryState
from provisioning.web.answers import dialog, done
from provisioning.web.editing import Kind, edited
from provisioning.web.lists import leave_for
from provisioning.web.pages import carry_out, page, show
from provisioning.web.reasons import ReasonForm
from provisioning.web.tables import Column, Table, page_of

TABLE = Table((*map(Column, ("Name", "Kind", "To", "State", "Last Delivery")), Column("Rules", css="number")))
KIND = Kind(what="channel", to_list="channel-list", to_new="channel-new", to_edit="channel-edit",
            template="notifications/channel_form.html", needs=NOTIFY)


@require_safe
@page()
def channel_list(request):
    form = ChannelFilter(request.GET)
    rows = page_of(selector.channel_list(**form.chosen()), request.GET)
    last = last_deliveries(rows)
    return show(request, "notifications/channels.html", {
        "form": form, "page": rows, "header": TABLE.header("", request.GET.dict()), "total": Channel.objects.count(),
        "topic": f"{selector.CHANNELS} {selector.RULES} {selector.DELIVERIES}",
        "rows": [(row, shown.to_of(row), shown.kept_secret(row), last.get(row.pk)) for row in rows]})


@require_http_methods(["GET", "HEAD", "POST"])
@page(NOTIFY)
def channel_new(request):
    return _edited(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@page(NOTIFY, to_read=VIEW)
def channel_edit(request, pk: int):
    return _edited(request, selector.get_channel(pk))


def _edited(request, row: Channel | None):
    sent = request.POST
    # Without scripts a button brings the fields of the kind that was chosen.
    chooses = row is None and "choose" in sent
    data = sent if request.method == "POST" and not chooses else None
    kind = row.kind if row else _known(sent.get("kind") or request.GET.get("kind", ""))
    typed = {name: sent[name] for name in ("name", "description") if name in sent} if chooses else None
    form, own = ChannelForm.of(row, data, kind=kind, typed=typed), KindForm.of(row, kind, data)

    def save() -> Channel:
        draft = form.draft(own.values())
        if row is None:
            return services.create_channel(actor=actor_of(request), draft=draft)
        return services.update_channel(actor=actor_of(request), channel_id=row.pk, draft=draft,
                                       revision=form.cleaned_data["revision"])

    return edited(request, KIND, row, form, save, own, own=own, channel=row,
                  kind_label=row.get_kind_display() if row else ChannelKind(kind).label)


def _known(kind: str) -> ChannelKind:
    return ChannelKind(kind) if kind in ChannelKind.values else ChannelKind.MAIL


@require_http_methods(["GET", "HEAD", "POST"])
@page(NOTIFY)
def channel_delete(request, pk: int):
    row, back = selector.get_channel(pk), leave_for(request, "channel-list")
    if request.method != "POST":
        return dialog(request, "notifications/channel_delete.html", f"Delete channel {row}?", {
            "channel": row, "back": back, "reason": ReasonForm(), "rules": row.rules.all(),
            "conditions": selector.conditions_of(row),
            "why": services.why_not_delete(row)})
    reason = one_line(request.POST.get("reason", ""))
    return carry_out(
        request, lambda: services.delete_channel(actor=actor_of(request), channel_id=pk, reason=reason),
        said=lambda nothing: f"Channel {row} was deleted.", to=lambda nothing: back, back=back)


@require_POST
@page(NOTIFY)
def channel_enable(request, pk: int):
    """Enable or disable it, as ``enabled`` says, and leave everything else as it is."""
    row, enabled = selector.get_channel(pk), request.POST.get("enabled") == "1"
    draft = services.draft_of(row)
    try:
        services.update_channel(actor=actor_of(request), channel_id=pk, revision=row.revision,
                                draft=type(draft)(**(vars(draft) | {"enabled": enabled})))
    except Conflict as error:
        raise Refused(str(error)) from error
    messages.success(request, f"Channel {row} was {'enabled' if enabled else 'disabled'}.")
    return done(request, leave_for(request, "channel-list"))


@require_http_methods(["GET", "HEAD", "POST"])
@page(NOTIFY)
def channel_test(request, pk: int):
    """Ask, then send a message now and say what came of it."""
    row, back = selector.get_channel(pk), leave_for(request, "channel-list")
    context = {"channel": row, "back": back, "to": shown.to_of(row), "kept_secret": shown.kept_secret(row)}
    if request.method != "POST":
        return dialog(request, "notifications/test.html", f"Test channel {row}?", context)
    delivery = services.test_channel(actor=actor_of(request), channel_id=pk)
    return dialog(request, "notifications/tested.html", f"Test of channel {row}",
                  context | _result_of(delivery, row.kind))


def _result_of(delivery: Delivery, kind: str) -> dict:
    """What a page says of the last attempt of ``delivery``."""
    attempt = delivery.tries.last()
    taken = delivery.state == DeliveryState.SENT
    return {"delivery": delivery, "attempt": attempt, "taken": taken,
            "advice": "" if taken or attempt is None else shown.advice(kind, attempt.status),
            "json": shown.json_of(delivery) if kind == ChannelKind.WEBHOOK else "", "json_open": True}
