"""What was sent through channels, and who was told of an alarm."""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Cast

from provisioning.models import Alarm, Channel, Delivery

CLOCKS_DIFFER = timedelta(hours=1)
"""An alarm was raised by the clock of another machine."""


def last_deliveries(channels: Iterable[Channel]) -> dict[int, Delivery]:
    """{key of a channel: the last delivery through it that was tried}."""
    newest = Delivery.objects.filter(channel=OuterRef("pk"), attempts__gt=0).order_by("-id").values("pk")[:1]
    rows = Channel.objects.filter(pk__in=[row.pk for row in channels]).order_by()
    keys = rows.values_list(Subquery(newest), flat=True)
    found = Delivery.objects.defer("text", "payload").filter(pk__in=[key for key in keys if key])
    return {row.channel_id: row for row in found if row.channel_id is not None}


def deliveries_of(alarm: Alarm) -> QuerySet[Delivery]:
    """Those that tell of ``alarm``, newest first."""
    number = str(alarm.pk)
    # One of our databases cannot look into a list of JSON, and both write it so.
    forms = Q(listed=f"[{number}]") | Q(listed__startswith=f"[{number}, ") | Q(listed__endswith=f", {number}]") | Q(
        listed__contains=f", {number}, ")
    return Delivery.objects.filter(created_at__gte=alarm.raised_at - CLOCKS_DIFFER).annotate(
        listed=Cast("alarms", TextField())).filter(forms).defer("text", "payload")


def alarms_of(delivery: Delivery) -> list[tuple[int, Alarm | None]]:
    """(number, the alarm) of each that ``delivery`` tells of; None where it was removed."""
    found = Alarm.objects.in_bulk(delivery.alarms)
    return [(number, found.get(number)) for number in delivery.alarms]
