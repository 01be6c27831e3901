"""Deliveries: send one again, or one that waits at once."""

from django.utils import timezone

from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.errors import Refused
from provisioning.history import history
from provisioning.models import Delivery
from provisioning.notifications.rules.messages import new_message_id
from provisioning.notifications.selectors.notifications import DELIVERIES, get_delivery
from provisioning.notifications.worker.outbox import put
from provisioning.states import DeliveryState

STILL_WAITS = "This message waits and is still tried. Send it now instead."
NOT_WAITING = "This message was sent or given up meanwhile. Resend sends it once more."


def resend(*, actor: Actor, delivery_id: int) -> Delivery:
    """The same message once more, as a delivery of its own. Raises Refused, NotFound."""
    actor.require(permissions.NOTIFY)
    old = get_delivery(delivery_id)
    why, channel = why_not_resend(old), old.channel
    if why or channel is None:
        raise Refused(why)
    now = timezone.now()
    with history.atomic():
        row = Delivery(
            message_id=new_message_id(), channel=channel, channel_name=channel.name, rule_name=old.rule_name,
            condition_name=old.condition_name, told=old.told, critical=old.critical, subject=old.subject, text=old.text,
            payload=old.payload, alarms=old.alarms, created_at=now, due_at=now)
        put([row])
        history.record_verb(actor=actor, row=channel, reason=f"Sent again: {old.subject}")
    return row


def send_now(*, actor: Actor, delivery_id: int) -> Delivery:
    """The next attempt of a message that waits is now. Raises Refused, NotFound."""
    actor.require(permissions.NOTIFY)
    row = get_delivery(delivery_id)
    why, channel = why_not_send_now(row), row.channel
    if why or channel is None:
        raise Refused(why)
    with history.atomic():
        if not Delivery.objects.filter(pk=row.pk, state=DeliveryState.WAITING).update(due_at=timezone.now()):
            raise Refused(NOT_WAITING)
        history.record_verb(actor=actor, row=channel, reason=f"Sent now: {row.subject}")
        changes.tell(DELIVERIES)
    return row


def why_not(row: Delivery) -> str:
    """A sentence, "" when it can be sent again or, as long as it waits, at once."""
    return why_not_send_now(row) if row.state == DeliveryState.WAITING else why_not_resend(row)


def why_not_resend(row: Delivery) -> str:
    """A sentence, "" when it can be sent again."""
    return STILL_WAITS if row.state == DeliveryState.WAITING else _why_not_through(row)


def why_not_send_now(row: Delivery) -> str:
    """A sentence, "" when its next attempt can be now."""
    return _why_not_through(row) if row.state == DeliveryState.WAITING else NOT_WAITING


def _why_not_through(row: Delivery) -> str:
    if row.channel is None:
        return f"The channel {row.channel_name} was deleted, so nothing can be sent through it."
    return "" if row.channel.enabled else f"The channel {row.channel.name} is disabled. Enable it first."
