"""Messages that are due: one is taken, tried, and what came of it is written."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from protocol.events import Own
from provisioning.core import changes
from provisioning.core.prepared import Given, Prepared
from provisioning.errors import WrongKey
from provisioning.models import Channel, DeliveredAlarm, Delivery, DeliveryAttempt, Event
from provisioning.notifications.facts import Message, Recipient
from provisioning.notifications.rules.attempts import next_attempt
from provisioning.notifications.selectors.notifications import DELIVERIES
from provisioning.states import DeliveryState, EventLevel, Told
from provisioning.turns import delete_in_turns

from .transports import attempt, recipient_of

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=120)
"""Whoever took a message and was killed is not waited for longer; no attempt takes so long."""
KEPT_FOR, MOST_KEPT = timedelta(days=90), 100_000
SOURCE = "notifications"
_DUE = Prepared(lambda: Delivery.objects.filter(state=DeliveryState.WAITING, due_at__lte=Given()).order_by(
    "channel_id").values_list("channel_id").distinct())


@dataclass(frozen=True)
class Taken:
    """A message that this process tries. ``recipient`` None: it cannot be tried, as ``why`` says."""

    key: int
    recipient: Recipient | None
    message: Message
    why: str = ""


def put(rows: Sequence[Delivery]) -> None:
    """Write messages to the outbox, so that they are found by the alarms that they tell of. The caller holds the
    transaction."""
    DeliveredAlarm.objects.bulk_create([
        DeliveredAlarm(delivery=row, number=number) for row in Delivery.objects.bulk_create(rows)
        for number in dict.fromkeys(_numbers(row))])
    changes.tell(DELIVERIES)


def due_channels(now: datetime | None = None) -> list[int | None]:
    """Keys of the channels to which something is due, None for those that are deleted."""
    return [channel for channel, in _DUE.rows(now or timezone.now())]


def take(channel_id: int | None, now: datetime | None = None) -> Taken | None:
    """The oldest message to the channel that is due, None where nothing is. Nobody else takes it meanwhile."""
    now = now or timezone.now()
    with transaction.atomic():
        row = Delivery.objects.filter(state=DeliveryState.WAITING, channel=channel_id, due_at__lte=now).order_by(
            "id").first()
        if row is None or not Delivery.objects.filter(pk=row.pk, state=DeliveryState.WAITING, due_at=row.due_at).update(
                due_at=now + LEASE):
            return None
    channel = Channel.objects.defer("secrets").filter(pk=channel_id).first() if channel_id is not None else None
    recipient, why = _recipient(row, channel)
    return Taken(row.pk, recipient, Message(
        message_id=row.message_id, told=Told(row.told) if row.told in Told.values else Told.RAISED,
        subject=row.subject, text=row.text, payload=row.payload if isinstance(row.payload, dict) else {},
        alarms=_numbers(row), at=row.created_at), why)


def _numbers(row: Delivery) -> tuple[int, ...]:
    """Of the alarms that it tells of; none where something else than a list is stored."""
    return tuple(row.alarms) if isinstance(row.alarms, list) else ()


def _recipient(row: Delivery, channel: Channel | None) -> tuple[Recipient | None, str]:
    if channel is None:
        return None, f"The channel {row.channel_name} was deleted."
    if not channel.enabled:
        return None, f"The channel {channel.name} is disabled."
    try:
        return recipient_of(channel), ""
    except (WrongKey, ValueError) as error:
        return None, str(error)


def tried(taken: Taken) -> DeliveryAttempt:
    """One attempt, not saved; needs no database."""
    if taken.recipient is None:
        return DeliveryAttempt(at=timezone.now(), took_ms=0, succeeded=False, answer=taken.why)
    return attempt(taken.recipient, taken.message)


def record(taken: Taken, made: DeliveryAttempt, now: datetime | None = None) -> None:
    """What came of an attempt, and when the next one is."""
    now = now or timezone.now()
    with transaction.atomic():
        row = Delivery.objects.select_for_update().filter(pk=taken.key).first()
        if row is None or row.state != DeliveryState.WAITING:
            return
        made.delivery = row
        made.save()
        row.attempts += 1
        again = next_attempt(row.attempts, row.created_at, now) if taken.recipient is not None else None
        if made.succeeded:
            _finish(row, DeliveryState.SENT, now)
        elif again is not None:
            row.due_at = again
        else:
            _finish(row, DeliveryState.FAILED, now)
            _tell_of(row, made, now)
        row.save(update_fields=["state", "due_at", "finished_at", "attempts"])
        changes.tell(DELIVERIES)


def _finish(row: Delivery, state: DeliveryState, now: datetime) -> None:
    row.state, row.due_at, row.finished_at = state, None, now


def _tell_of(row: Delivery, made: DeliveryAttempt, now: datetime) -> None:
    log.warning("A message to the channel %s was given up.", row.channel_name)
    Event.objects.create(
        at=now, number=Own.NOT_DELIVERED, level=EventLevel.ALARM, source=SOURCE,
        text=f"The message \"{row.subject}\" to the channel {row.channel_name} was given up after {row.attempts} "
             f"attempt{'' if row.attempts == 1 else 's'}: {made.answer}")


def remove_old(now: datetime | None = None) -> None:
    """Forget what ended long ago, and the oldest of too many."""
    ended = Delivery.objects.exclude(state=DeliveryState.WAITING)
    delete_in_turns(ended.filter(created_at__lt=(now or timezone.now()) - KEPT_FOR))
    last = ended.order_by("-id").values_list("id", flat=True)[MOST_KEPT:MOST_KEPT + 1].first()
    if last is not None:
        delete_in_turns(ended.filter(id__lte=last))
