"""``/deliveries``: the outbox of notifications."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel

from provisioning.core.permissions import actor_of
from provisioning.notifications.forms import DeliveryFilter
from provisioning.notifications.selectors import notifications as selector
from provisioning.notifications.services import deliveries as services

from .changes import Change, answered
from .filters import Filter, Text
from .paging import Page, PageOf
from .saved import created

router = Router(tags=["notifications"])


class DeliveriesFilter(Filter):
    text: Text = ""
    state: Literal["", "waiting", "sent", "failed"] = ""
    channel: Text = ""


class DeliveryRow(BaseModel):
    """``wanted_by``: the notification rule or condition, "" for a test; ``alarms``: ids of those that it tells of;
    ``due_at``: when it is tried next, null where it is not."""

    id: int
    message_id: str
    channel: str
    wanted_by: str
    told: str
    subject: str
    state: str
    alarms: list[int]
    attempts: int
    created_at: datetime
    due_at: datetime | None
    finished_at: datetime | None


class Attempt(BaseModel):
    """``status`` of HTTP where there was one; ``answer``: its beginning, or what went wrong."""

    at: datetime
    took_ms: int
    succeeded: bool
    status: int | None
    answer: str


class DeliveryDetail(DeliveryRow):
    """``payload`` is what a webhook gets. ``why_not``: why it cannot be sent again (while it waits: at once)."""

    text: str
    payload: dict[str, Any]
    tries: list[Attempt]
    why_not: str


@router.get("", response=PageOf[DeliveryRow], summary="List deliveries")
def deliveries(request: HttpRequest, page: Query[Page], filters: Query[DeliveriesFilter]) -> HttpResponse:
    """Deliveries, the newest first."""
    return page.of(selector.delivery_list(**filters.chosen(DeliveryFilter)), described, DeliveryRow, sort="-id")


@router.get("/{int:delivery_id}", response=DeliveryDetail, summary="A delivery")
def delivery(request: HttpRequest, delivery_id: int) -> HttpResponse:
    return answered(detail(delivery_id), DeliveryDetail)


@router.post("/{int:delivery_id}/resend", response={201: DeliveryDetail, 200: DeliveryDetail},
             summary="Resend a message")
def resend(request: HttpRequest, delivery_id: int, change: Query[Change]) -> HttpResponse:
    """Send the same message once more, as a delivery of its own."""
    return change.carried_out(lambda: answered(
        detail(services.resend(actor=actor_of(request), delivery_id=delivery_id).pk), DeliveryDetail,
        status=created(change)))


@router.post("/{int:delivery_id}/send-now", response=DeliveryDetail, summary="Send a message that waits now")
def send_now(request: HttpRequest, delivery_id: int, change: Query[Change]) -> HttpResponse:
    """Try a message that waits at once."""
    return change.carried_out(lambda: answered(
        detail(services.send_now(actor=actor_of(request), delivery_id=delivery_id).pk), DeliveryDetail))


def detail(delivery_id: int) -> DeliveryDetail:
    """Raises NotFound."""
    row = selector.get_delivery(delivery_id)
    [said] = described([row])
    return DeliveryDetail(
        **dict(said), text=row.text, payload=row.payload, why_not=services.why_not(row),
        tries=[Attempt(at=each.at, took_ms=each.took_ms, succeeded=each.succeeded, status=each.status,
                       answer=each.answer) for each in row.tries.all()])


def described(rows: Iterable[Any]) -> list[DeliveryRow]:
    return [DeliveryRow(
        id=row.pk, message_id=row.message_id, channel=row.channel_name, wanted_by=row.wanted_by, told=row.told,
        subject=row.subject, state=row.state, alarms=row.alarms, attempts=row.attempts, created_at=row.created_at,
        due_at=row.due_at, finished_at=row.finished_at) for row in rows]
