"""Alarms, and the rules that are enabled, as plain values."""

from collections.abc import Iterable

from django.conf import settings
from django.urls import reverse

from provisioning.models import Alarm, Application, NotificationRule
from provisioning.notifications.facts import AlarmFact, RuleFact
from provisioning.notifications.rules.refusals import (
    LARGEST_LIMIT,
    LONGEST_GROUP_S,
    LONGEST_REPEAT_H,
    LONGEST_WAIT_S,
)
from provisioning.notifications.selectors.notifications import WITH_CHANNELS

_ANY = ("0.0.0.0", "::", "")


def alarm_facts(rows: Iterable[Alarm]) -> dict[int, AlarmFact]:
    """{key: fact}; one query for the pairs of all of them."""
    rows = list(rows)
    pairs, page = _pairs({row.application for row in rows} - {""}), alarm_page()
    members = {row.pk: pairs.get(row.application, ("", "")) for row in rows}
    return {row.pk: AlarmFact(
        id=row.pk, condition=row.condition_name, category=row.category, number=row.number, application=row.application,
        host=row.host, pair=members[row.pk][0], pair_backup=members[row.pk][1], text=row.text, raised_at=row.raised_at,
        cleared_at=row.cleared_at, cleared_how=row.cleared_how, cleared_by=row.cleared_by,
        clear_reason=row.clear_reason, is_acknowledged=row.acknowledged_at is not None,
        is_masked=row.masked, times=row.times,
        url=page.format(row.pk)) for row in rows}


def _pairs(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """{name of a member: names of the primary and of the backup}."""
    rows = Application.objects.filter(name__in=names).values_list(
        "name", "backup_server__name", "primary_server__name")
    return {name: (primary or name, backup or name) for name, backup, primary in rows if backup or primary}


def alarm_page() -> str:
    """The address of the page of an alarm with {} for its key, "" where nobody said how the console is reached."""
    base = console_address().replace("{", "{{").replace("}", "}}")
    before, _, after = reverse("alarm-detail", args=[0]).rpartition("0")
    return f"{base}{before}{{}}{after}" if base else ""


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
    """In the order in which they were made. What no save would have taken is brought within its bounds: a row that
    something else wrote, as a restored database, keeps nobody from being told."""
    rows = NotificationRule.objects.filter(enabled=True).prefetch_related(WITH_CHANNELS).order_by("id")
    return [RuleFact(
        id=row.pk, name=row.name, channels=tuple(channel.pk for channel in row.channels.all() if channel.enabled),
        categories=_texts(row.categories), conditions=_texts(row.conditions), applications=_texts(row.applications),
        hosts=_texts(row.hosts), pairs=_texts(row.pairs), quiet_hours=row.quiet_hours, time_zone=row.time_zone,
        wait_s=min(row.wait_s, LONGEST_WAIT_S), repeat_h=min(row.repeat_h, LONGEST_REPEAT_H), recovery=row.recovery,
        group_s=min(row.group_s, LONGEST_GROUP_S), limit_per_hour=min(max(1, row.limit_per_hour), LARGEST_LIMIT))
        for row in rows]


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
