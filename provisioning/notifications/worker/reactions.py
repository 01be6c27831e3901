"""Channels that are told because an Alarm Condition names them among its reactions: messages to the outbox, as those of
notification rules."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from provisioning.alarms.rules.reactions import why_not_tell
from provisioning.alarms.selectors.alarms import TOPIC as ALARMS
from provisioning.core import changes
from provisioning.core.prepared import Prepared
from provisioning.models import Channel, Delivery, Reaction
from provisioning.notifications.rules.messages import Composed, compose, new_message_id
from provisioning.notifications.rules.planning import Item, batches, is_digest, next_message_at
from provisioning.notifications.selectors.alarms import alarm_facts, alarm_page
from provisioning.notifications.selectors.sent import PACE, sent_about
from provisioning.states import DeliveryState, ReactionState, Told

from .outbox import put

AT_ONCE = 500
_WAITING = Prepared(lambda: Reaction.objects.filter(state=ReactionState.WAITING, verb="").order_by().values_list(
    "alarm__condition_name", "channel").distinct())


def tell(now: datetime | None = None) -> None:
    """Raises DatabaseError."""
    now = now or timezone.now()
    places = _WAITING.rows()
    if places:
        # The first time this loads every page, which takes a while: nobody waits for the database meanwhile.
        alarm_page()
    for condition, channel in places:
        _tell(condition, channel, now)


def _tell(condition: str, channel_id: int | None, now: datetime) -> None:
    """What of one condition is told through one channel."""
    with transaction.atomic():
        # Of two processes one waits here, and then finds what the other one left.
        rows = list(Reaction.objects.select_for_update(of=("self",)).prefetch_related("alarm").filter(
            state=ReactionState.WAITING, verb="", alarm__condition_name=condition, channel=channel_id).order_by(
            "id")[:AT_ONCE])
        channel = Channel.objects.defer("secrets").filter(pk=channel_id).first() if channel_id is not None else None
        rows = _without_left_out(rows, channel, now)
        if channel is None or not rows:
            return
        sent = sent_about(condition, channel.pk, now)
        held_until = next_message_at(PACE, sent)
        if held_until is None or held_until <= now:
            _write(condition, channel, rows, sent, now)


def _without_left_out(rows: Sequence[Reaction], channel: Channel | None, now: datetime) -> list[Reaction]:
    """Those that are to be told; of the others it is noted why they are not."""
    told = set(Reaction.objects.filter(
        alarm__in=[row.alarm_id for row in rows if row.is_clearance], channel=channel, state=ReactionState.DONE,
        is_clearance=False).values_list("alarm", flat=True)) if channel is not None else set()
    left: dict[str, list[int]] = {}
    for row in rows:
        why = why_not_tell(
            is_clearance=row.is_clearance, masked=row.alarm.masked, was_told=row.alarm_id in told,
            channel=row.channel_name, is_there=channel is not None, enabled=channel is not None and channel.enabled)
        left.setdefault(why, []).append(row.pk)
    to_tell = set(left.pop("", ()))
    for why, keys in left.items():
        Reaction.objects.filter(pk__in=keys).update(state=ReactionState.LEFT_OUT, said=why, ended_at=now)
    if left:
        changes.tell(ALARMS)
    return [row for row in rows if row.pk in to_tell]


def _write(condition: str, channel: Channel, rows: Sequence[Reaction], sent: Sequence[datetime],
           now: datetime) -> None:
    """The messages, together with the note that they were written: each is there once."""
    facts = alarm_facts({row.alarm_id: row.alarm for row in rows}.values())
    items = {row.pk: Item(Told.CLEARED if row.is_clearance else Told.RAISED, facts[row.alarm_id]) for row in rows}
    kinds = len({item.what for item in items.values()})
    digest = len(rows) > 1 and is_digest(PACE, sent, [row.due_at for row in rows], kinds, now)
    for what, alarms in batches(list(items.values()), as_digest=digest):
        composed = compose(what, alarms, at=now, zone=timezone.get_default_timezone())
        delivery = _delivery(composed, condition, channel, now)
        of_it = [key for key, item in items.items() if digest or item.what == what]
        Reaction.objects.filter(pk__in=of_it).update(
            state=ReactionState.DONE, delivery=delivery, ended_at=now, tries=1)
    changes.tell(ALARMS)


def _delivery(composed: Composed, condition: str, channel: Channel, now: datetime) -> Delivery:
    row = Delivery(
        message_id=new_message_id(), channel=channel, channel_name=channel.name, condition_name=condition,
        told=composed.told, subject=composed.subject, text=composed.text, payload=composed.payload,
        alarms=list(composed.alarms), state=DeliveryState.WAITING, created_at=now, due_at=now)
    put([row])
    return row
