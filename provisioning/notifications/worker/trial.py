"""A test message: sent at once and only once."""

from provisioning.errors import WrongKey
from provisioning.models import Channel, Delivery, DeliveryAttempt
from provisioning.notifications.facts import Message
from provisioning.notifications.rules.messages import new_message_id, test_message
from provisioning.states import DeliveryState

from .transports import attempt, recipient_of


def tried(row: Channel, who: str) -> tuple[Delivery, DeliveryAttempt]:
    """What was sent and what came of it, neither of them saved."""
    composed = test_message(row.name, who)
    now = composed.at
    message = Message(message_id=new_message_id(), told=composed.told, subject=composed.subject, text=composed.text,
                      payload=composed.payload, alarms=(), at=now)
    try:
        tried = attempt(recipient_of(row), message)
    except (WrongKey, ValueError) as error:
        tried = DeliveryAttempt(at=now, took_ms=0, succeeded=False, answer=str(error))
    return Delivery(
        message_id=message.message_id, channel=row, channel_name=row.name, told=message.told, subject=message.subject,
        text=message.text, payload=message.payload, state=DeliveryState.SENT if tried.succeeded else
        DeliveryState.FAILED, created_at=now, attempts=1, finished_at=tried.at), tried
