"""When messages were written, and what waits until more may be."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from provisioning.models import Alarm, Delivery, Notice, Reaction
from provisioning.notifications.facts import NoticeFact, RuleFact
from provisioning.notifications.rules.planning import TOLD_BEFORE, Hold, held, limit_ends
from provisioning.states import AlarmCategory, ReactionState

from .alarms import alarm_facts, enabled_rules

MASKED = Q(alarm__masked=True, alarm__cleared_at=None)
"""While it is, only its end is told."""
TO_CLEAR = Q(told__in=TOLD_BEFORE, alarm__cleared_at__isnull=False)
CRITICAL = Q(alarm__category=AlarmCategory.CRITICAL)
PACE = RuleFact(id=0, name="", group_s=0)
"""Reactions: each alarm is told at once; of many, as many messages an hour are sent through a channel about a condition
as a rule sends by itself, and the rest comes as a digest."""


@dataclass(frozen=True)
class Held:
    """What waits: it is told by ``rule`` or, where that is "", as a reaction of ``condition``. ``alarms``: of how many,
    ``critical`` ones alone; ``limit``: messages an hour."""

    rule: str
    condition: str
    why: Hold
    until: datetime | None
    limit: int
    alarms: int = 1
    critical: bool = False


def sent_by(rule: RuleFact, now: datetime, *, critical: bool) -> list[datetime]:
    """When the last messages of ``rule`` were written, those of its channel that had most. Those of critical alarms
    are counted by themselves: what is less grave keeps none of them waiting."""
    return max((_written(rule.limit_per_hour, now, channel=channel, rule_name=rule.name, critical=critical)
                for channel in rule.channels), key=len, default=[])


def sent_about(condition: str, channel: int, now: datetime) -> list[datetime]:
    """When the last messages of the reactions of ``condition`` through ``channel`` were written."""
    return _written(PACE.limit_per_hour, now, channel=channel, condition_name=condition)


def _written(most: int, now: datetime, **of: object) -> list[datetime]:
    # What a clock that was set back since says of later keeps nobody waiting.
    found = Delivery.objects.filter(created_at__lte=now, **of)
    return list(found.order_by("-id").values_list("created_at", flat=True)[:most])


def held_of(alarm: Alarm, now: datetime) -> list[Held]:
    """What is to be told of ``alarm`` and waits."""
    notices = {row.rule_id: row for row in Notice.objects.filter(alarm=alarm, over=False)}
    critical, found = alarm.category == AlarmCategory.CRITICAL, []
    fact = alarm_facts([alarm])[alarm.pk] if notices else None
    for rule in enabled_rules() if notices else ():
        row = notices.get(rule.id)
        if row is None or fact is None or not rule.channels:
            continue
        notice = NoticeFact(fact, row.told, row.due_at, row.told_at, row.over)
        if (why := held(rule, notice, sent_by(rule, now, critical=critical), now)) is not None:
            found.append(Held(rule.name, "", *why, rule.limit_per_hour))
    return found + _by_limit_of_reactions(now, Reaction.objects.filter(alarm=alarm))


def held_by_limits(now: datetime) -> list[Held]:
    """What waits because messages of the hour are used up."""
    rows = Notice.objects.filter(Q(due_at__lte=now) & ~MASKED | TO_CLEAR, over=False).values_list(
        "rule", "alarm__category")
    waiting = Counter((rule, category == AlarmCategory.CRITICAL) for rule, category in rows)
    found = []
    for rule in enabled_rules() if waiting else ():
        for critical in (True, False):
            if not waiting[rule.id, critical] or not rule.channels:
                continue
            until = limit_ends(rule, sent_by(rule, now, critical=critical))
            if until is not None and until > now:
                found.append(Held(rule.name, "", Hold.LIMIT, until, rule.limit_per_hour,
                                  waiting[rule.id, critical], critical))
    return found + _by_limit_of_reactions(now, Reaction.objects.all())


def _by_limit_of_reactions(now: datetime, rows: QuerySet[Reaction]) -> list[Held]:
    waiting = Counter(rows.filter(state=ReactionState.WAITING, verb="", channel__isnull=False).order_by().values_list(
        "alarm__condition_name", "channel"))
    ends = ((name, alarms, limit_ends(PACE, sent_about(name, channel, now)))
            for (name, channel), alarms in waiting.items())
    return [Held("", name, Hold.LIMIT, until, PACE.limit_per_hour, alarms)
            for name, alarms, until in ends if until is not None and until > now]
