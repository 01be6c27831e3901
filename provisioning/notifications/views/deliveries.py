"""Monitoring > Notifications > Deliveries: the outbox."""

from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.core.permissions import NOTIFY, actor_of
from provisioning.models import Delivery
from provisioning.notifications import shown
from provisioning.notifications.forms import DeliveryFilter
from provisioning.notifications.selectors import notifications as selector
from provisioning.notifications.selectors.told import alarms_of
from provisioning.notifications.services import deliveries as services
from provisioning.states import DeliveryState
from provisioning.web.answers import dialog
from provisioning.web.pages import carry_out, page, show
from provisioning.web.tables import Column, Table, page_of

TABLE = Table((*map(Column, ("Time", "Channel", "Rule or condition", "Told", "Subject", "State")),
               Column("Attempts", css="number")))


@require_safe
@page()
def delivery_list(request):
    form = DeliveryFilter(request.GET)
    return show(request, "notifications/deliveries.html", {
        "form": form, "page": page_of(selector.delivery_list(**form.chosen()), request.GET),
        "header": TABLE.header("", request.GET.dict()), "total": Delivery.objects.count(),
        "topic": selector.DELIVERIES})


@require_safe
@page()
def delivery_detail(request, pk: int):
    delivery = selector.get_delivery(pk)
    attempts = list(delivery.tries.all())
    last = attempts[-1] if attempts else None
    return show(request, "notifications/delivery.html", {
        "delivery": delivery, "alarms": alarms_of(delivery), "topic": selector.DELIVERIES, "attempts": attempts,
        "json": shown.json_of(delivery) if delivery.payload else "",
        "advice": _advice(delivery, last.status) if last and not last.succeeded else "",
        "why_not": services.why_not(delivery)})


def _advice(delivery: Delivery, status: int | None) -> str:
    """What to do; "" where the attempt says that nothing can be sent there."""
    channel = delivery.channel
    if channel is None or not channel.enabled or delivery.state == DeliveryState.SENT:
        return ""
    return shown.advice(channel.kind, status)


@require_http_methods(["GET", "HEAD", "POST"])
@page(NOTIFY)
def delivery_resend(request, pk: int):
    """Send a message again or, with ``now``, one that waits at once."""
    delivery, back = selector.get_delivery(pk), reverse("delivery-detail", args=[pk])
    if request.method != "POST":
        waits = delivery.state == DeliveryState.WAITING
        return dialog(request, "notifications/resend.html", f"Send this message {'now' if waits else 'again'}?", {
            "delivery": delivery, "waits": waits, "why": services.why_not(delivery)})
    if "now" in request.POST:
        return carry_out(
            request, lambda: services.send_now(actor=actor_of(request), delivery_id=pk),
            said=lambda row: f"{row.subject} is sent now through {row.channel_name}.", to=lambda row: back, back=back)
    return carry_out(
        request, lambda: services.resend(actor=actor_of(request), delivery_id=pk),
        said=lambda row: f"{row.subject} is sent again through {row.channel_name}.",
        to=lambda row: reverse("delivery-detail", args=[row.pk]), back=back)
