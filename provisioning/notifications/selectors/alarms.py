"""Alarms, and the rules that are enabled, as plain values."""

from collections.abc import Iterable

from django.conf import settings
from django.urls import reverse

from provisioning.models import Alarm, Application, NotificationRule
from provisioning.notifications.facts import AlarmFact, RuleFact
from provisioning.notifications.selectors.notifications import WITH_CHANNELS

_ANY = ("0.0.0.0", "::", "")


def alarm_facts(rows: Iterable[Alarm]) -> dict[int, AlarmFact]:
    """{key: fact}; one query for the pairs of all of them."""
    rows = list(rows)
    pairs, base = _pairs({row.application for row in rows} - {""}), console_address()
    return {row.pk: AlarmFact(
        id=row.pk, condition=row.condition_name, category=row.category, number=row.number, application=row.application,
        host=row.host, pair=pairs.get(row.application, ""), text=row.text, raised_at=row.raised_at,
        cleared_at=row.cleared_at, is_acknowledged=row.acknowledged_at is not None,
        is_masked=row.masked, times=row.times,
        url=f"{base}{reverse('alarm-detail', args=[row.pk])}" if base else "") for row in rows}


def _pairs(names: Iterable[str]) -> dict[str, str]:
    """{name of a member: name of the primary}."""
    rows = Application.objects.filter(name__in=names).values_list(
        "name", "backup_server_id", "primary_server__name")
    return {name: primary or name for name, backup, primary in rows if backup or primary}


def console_address() -> str:
    """Where people open the console, "" where nobody said it."""
    if settings.PAIRWISE_CONSOLE_URL:
        return settings.PAIRWISE_CONSOLE_URL
    host = settings.PAIRWISE_ADVERTISED_HOST or settings.PAIRWISE_HOST
    if host in _ANY:
        return ""
    scheme = "https" if settings.SESSION_COOKIE_SECURE else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.PAIRWISE_PORT}"


def enabled_rules() -> list[RuleFact]:
    """In the order in which they were made."""
    rows = NotificationRule.objects.filter(enabled=True).prefetch_related(WITH_CHANNELS).order_by("id")
    return [RuleFact(
        id=row.pk, name=row.name, channels=tuple(channel.pk for channel in row.channels.all() if channel.enabled),
        categories=tuple(row.categories), conditions=tuple(row.conditions), applications=tuple(row.applications),
        hosts=tuple(row.hosts), pairs=tuple(row.pairs), quiet_hours=row.quiet_hours, time_zone=row.time_zone,
        wait_s=row.wait_s, repeat_h=row.repeat_h, recovery=row.recovery, group_s=row.group_s,
        limit_per_hour=row.limit_per_hour) for row in rows]
