"""Alarm Conditions as pages and the judge read them."""

from datetime import timedelta

from django.db.models import Prefetch, Q, QuerySet

from provisioning.alarms.facts import Condition
from provisioning.errors import NotFound
from provisioning.models import AlarmCondition, Channel
from provisioning.models.alarms import LONGEST_TIMEOUT_H

WITH_CHANNELS = tuple(Prefetch(name, Channel.objects.defer("secrets")) for name in ("channels", "clearance_channels"))
"""Channels that conditions tell, without secrets: one that no key opens breaks no list."""


def condition_list(*, text: str = "", category: str = "", state: str = "") -> QuerySet[AlarmCondition]:
    """Conditions by name; ``text`` is a part of the name or of the description."""
    found = AlarmCondition.objects.prefetch_related(*WITH_CHANNELS)
    if text:
        found = found.filter(Q(name__holds=text) | Q(description__holds=text))
    if category:
        found = found.filter(category=category)
    return found.filter(enabled=state == "enabled") if state else found


def get_condition(key: int) -> AlarmCondition:
    """Raises NotFound."""
    row = AlarmCondition.objects.prefetch_related(*WITH_CHANNELS).filter(pk=key).first()
    if row is None:
        raise NotFound("There is no such Alarm Condition (any more).")
    return row


def find_condition(name: str) -> AlarmCondition:
    """Raises NotFound."""
    row = AlarmCondition.objects.prefetch_related(*WITH_CHANNELS).filter(name=name).first()
    if row is None:
        raise NotFound(f"There is no Alarm Condition named {name}.")
    return row


def conditions_to_judge() -> list[Condition]:
    """All of them: one that is disabled raises nothing, but what it raised before can still be cleared."""
    return [Condition(
        key=row.pk, name=row.name, category=row.category, detect_event=row.detect_event,
        selection_mode=row.selection_mode, application_type=row.application_type, application=row.application,
        cancel_event=row.cancel_event, enabled=row.enabled,
        cancel_timeout=timedelta(hours=min(row.cancel_timeout, LONGEST_TIMEOUT_H)))
        for row in AlarmCondition.objects.order_by("id")]
