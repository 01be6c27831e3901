"""Channels, notification rules and deliveries, as pages and commands show them."""

from django.db.models import BooleanField, Count, ExpressionWrapper, Prefetch, Q, QuerySet

from provisioning.errors import NotFound
from provisioning.models import AlarmCondition, Application, Channel, Delivery, Host, NotificationRule
from provisioning.spelling import by_name

CHANNELS, RULES, DELIVERIES = "notification-channels", "notification-rules", "notification-deliveries"
"""What pages that show them are told by."""

WITH_CHANNELS = Prefetch("channels", Channel.objects.defer("secrets"))
"""Channels of rules. Secrets are read where they are needed: one that no key opens breaks no list."""


def channel_list(*, text: str = "", kind: str = "", state: str = "") -> QuerySet[Channel]:
    """Channels by name, each with ``rule_count`` and ``has_secrets``; ``text`` is a part of the name or of the
    description."""
    found = _channels().order_by(*by_name("name"))
    if text:
        found = found.filter(Q(name__holds=text) | Q(description__holds=text))
    if kind:
        found = found.filter(kind=kind)
    return found.filter(enabled=state == "enabled") if state else found


def _channels() -> QuerySet[Channel]:
    rows: QuerySet = Channel.objects.defer("secrets")
    return rows.annotate(
        rule_count=Count("rules"), has_secrets=ExpressionWrapper(Q(secrets__isnull=False), BooleanField()))


def get_channel(key: int) -> Channel:
    """As in ``channel_list``. Raises NotFound."""
    row = _channels().filter(pk=key).first()
    if row is None:
        raise NotFound("There is no such channel (any more).")
    return row


def find_channel(name: str) -> Channel:
    """As in ``channel_list``. Raises NotFound."""
    row = _channels().filter(name=name).first()
    if row is None:
        raise NotFound(f"There is no channel named {name}. Monitoring > Notifications lists them.")
    return row


def conditions_of(row: Channel) -> QuerySet[AlarmCondition]:
    """Those that tell it as a reaction."""
    keys = [of.order_by().values("pk") for of in (row.conditions, row.clearance_conditions)]
    return AlarmCondition.objects.filter(Q(pk__in=keys[0]) | Q(pk__in=keys[1]))


def names_there() -> dict[str, set[str]]:
    """{filter of a rule: names that something has}; a pair has those of both its members."""
    found = {field: set(model.objects.values_list("name", flat=True)) for field, model in (
        ("conditions", AlarmCondition), ("applications", Application), ("hosts", Host))}
    pairs = Application.objects.filter(backup_server__isnull=False).values_list("name", "backup_server__name")
    return found | {"pairs": {name for pair in pairs for name in pair}}


def rule_list(*, text: str = "", channel: str = "", state: str = "") -> QuerySet[NotificationRule]:
    """Notification rules by name with their channels; ``text`` is a part of the name, ``channel`` one of a channel's
    name."""
    found = NotificationRule.objects.prefetch_related(WITH_CHANNELS)
    if text:
        found = found.filter(name__holds=text)
    if channel:
        found = found.filter(pk__in=NotificationRule.channels.through.objects.filter(
            channel__name__holds=channel).values("notificationrule"))
    return found.filter(enabled=state == "enabled") if state else found


def get_rule(key: int) -> NotificationRule:
    """Raises NotFound."""
    row = NotificationRule.objects.prefetch_related(WITH_CHANNELS).filter(pk=key).first()
    if row is None:
        raise NotFound("There is no such notification rule (any more).")
    return row


def find_rule(name: str) -> NotificationRule:
    """Raises NotFound."""
    row = NotificationRule.objects.prefetch_related(WITH_CHANNELS).filter(name=name).first()
    if row is None:
        raise NotFound(f"There is no notification rule named {name}.")
    return row


def delivery_list(*, state: str = "", channel: str = "", rule: str = "", told: str = "",
                  text: str = "") -> QuerySet[Delivery]:
    """Deliveries without what they say, newest first; ``channel``, ``rule`` and ``text`` (of subject or message) are
    parts."""
    found = Delivery.objects.select_related("channel").defer("channel__secrets", "text", "payload")
    for name, value in (("state", state), ("told", told), ("channel_name__holds", channel), ("rule_name__holds", rule)):
        if value:
            found = found.filter(**{name: value})
    return found.filter(Q(subject__holds=text) | Q(text__holds=text)) if text else found


def get_delivery(key: int) -> Delivery:
    """With its attempts in ``tries``. Raises NotFound."""
    row = Delivery.objects.select_related("channel").defer("channel__secrets").prefetch_related("tries").filter(
        pk=key).first()
    if row is None:
        raise NotFound("There is no such delivery (any more): they are kept for 90 days.")
    return row
