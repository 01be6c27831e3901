"""What was sent through channels, and who was told of an alarm."""

from collections.abc import Iterable

from django.db.models import OuterRef, QuerySet, Subquery

from provisioning.models import Alarm, Channel, DeliveredAlarm, Delivery


def last_deliveries(channels: Iterable[Channel]) -> dict[int, Delivery]:
    """{key of a channel: the last delivery through it that was tried}."""
    newest = Delivery.objects.filter(channel=OuterRef("pk"), attempts__gt=0).order_by("-id").values("pk")[:1]
    rows = Channel.objects.filter(pk__in=[row.pk for row in channels]).order_by()
    keys = rows.values_list(Subquery(newest), flat=True)
    found = Delivery.objects.defer("text", "payload").filter(pk__in=[key for key in keys if key])
    return {row.channel_id: row for row in found if row.channel_id is not None}


def deliveries_of(alarm: Alarm) -> QuerySet[Delivery]:
    """Those that tell of ``alarm``, newest first."""
    telling = DeliveredAlarm.objects.filter(number=alarm.pk).values("delivery")
    return Delivery.objects.filter(pk__in=telling).defer("text", "payload")


def alarms_of(delivery: Delivery) -> list[tuple[int, Alarm | None]]:
    """(number, the alarm) of each that ``delivery`` tells of; None where it was removed."""
    found = Alarm.objects.in_bulk(delivery.alarms)
    return [(number, found.get(number)) for number in delivery.alarms]
