"""Parts of pages: who was told of an alarm, and what is held."""

from django import template
from django.utils import timezone

from provisioning.models import Alarm

from .selectors.notifications import DELIVERIES
from .selectors.sent import held_by_limits, held_of
from .selectors.told import deliveries_of

register = template.Library()
SHOWN_MOST = 20


@register.simple_tag
def delivery_topic() -> str:
    """What pages that show deliveries are told by."""
    return DELIVERIES


@register.inclusion_tag("notifications/_told.html", takes_context=True)
def who_was_told(context, alarm: Alarm) -> dict:
    found = deliveries_of(alarm)
    shown = list(found[:SHOWN_MOST + 1])
    return {"request": context["request"], "alarm": alarm, "deliveries": shown[:SHOWN_MOST],
            "more": len(shown) > SHOWN_MOST, "held": held_of(alarm, timezone.now())}


@register.inclusion_tag("notifications/_held.html", name="held_by_limits")
def what_limits_hold() -> dict:
    return {"held": held_by_limits(timezone.now())}
