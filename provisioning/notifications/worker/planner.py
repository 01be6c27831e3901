"""One look at alarms: what is to be told of them is written to the outbox, together with how far that is."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Concatenate, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q
from django.utils import timezone

from provisioning.core import changes
from provisioning.core.prepared import Given, Prepared
from provisioning.models import Alarm, Channel, Delivery, Notice, NotificationMark
from provisioning.notifications.facts import AlarmFact, NoticeFact, RuleFact
from provisioning.notifications.rules.matching import matches
from provisioning.notifications.rules.messages import compose, new_message_id
from provisioning.notifications.rules.planning import (
    TOLD_BEFORE,
    Item,
    Rest,
    after_telling,
    batches,
    became_due,
    first_due,
    is_digest,
    next_message_at,
    what_next,
)
from provisioning.notifications.rules.times import zone_names
from provisioning.notifications.selectors.alarms import alarm_facts, alarm_page, enabled_rules
from provisioning.notifications.selectors.notifications import DELIVERIES
from provisioning.notifications.selectors.sent import CRITICAL, MASKED, TO_CLEAR, sent_by
from provisioning.states import DeliveryState, Told

from .outbox import put

ALARMS_AT_ONCE, NOTICES_AT_ONCE = 500, 1000
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
_ENDED = Q(cleared_at__isnull=False, end_told=False)
_OPEN = Notice.objects.filter(alarm=OuterRef("pk"), over=False)
_NOTHING_MORE, _END_TO_TELL = ~Exists(_OPEN), Exists(_OPEN.filter(told__in=TOLD_BEFORE))
"""Of an alarm that is ``_ENDED``; neither while it waits to be told at all."""

_MARK = Prepared(lambda: NotificationMark.objects.filter(pk=1).values_list("alarm_id"))
_NEW = Prepared(lambda: Alarm.objects.filter(id__gt=Given()).order_by().values_list("id")[:1])
_DUE = Prepared(lambda: Notice.objects.filter(~MASKED, over=False, due_at__lte=Given()).order_by().values_list(
    "id")[:1])
_ENDED_ALARMS = Prepared(lambda: Alarm.objects.filter(
    _ENDED & (_END_TO_TELL | _NOTHING_MORE), id__lte=Given()).order_by().values_list("id")[:1])
"""Each by an index, whatever is open: they are asked every second."""


def plan(now: datetime | None = None) -> bool:
    """Whether anything was written. Raises DatabaseError."""
    now = now or timezone.now()
    if not _is_anything(now):
        return False
    # The first time this loads every page, which takes a while: nobody waits for the database meanwhile.
    alarm_page()
    rules = enabled_rules()
    begun = 0
    while begun < ALARMS_AT_ONCE and (more := _alone(_begin, rules, now)):
        begun += more
    for rule in rules:
        for critical in (True, False):
            _alone(_tell, rule, now, critical=critical)
    _alone(_forget)
    return True


def _alone(work: Callable[Concatenate[NotificationMark, Arguments], Result], *args: Arguments.args,
           **kwargs: Arguments.kwargs) -> Result:
    """A short transaction of its own: of an alarm storm and a hundred rules one would keep everybody else from
    writing for too long."""
    with transaction.atomic():
        # Of two processes one waits here, and then finds what the other one left.
        return work(NotificationMark.objects.select_for_update().get(pk=1), *args, **kwargs)


def _is_anything(now: datetime) -> bool:
    """Whether there may be something to do. What was raised before anybody looked is told to nobody."""
    marks = _MARK.rows()
    if not marks:
        newest = Alarm.objects.aggregate(newest=Max("id"))["newest"] or 0
        NotificationMark.objects.get_or_create(pk=1, defaults={"alarm_id": newest})
        marks = _MARK.rows()
    (mark,), = marks
    return bool(_NEW.rows(mark) or _DUE.rows(now) or _ENDED_ALARMS.rows(mark))


def _begin(mark: NotificationMark, rules: Sequence[RuleFact], now: datetime) -> int:
    """A notice for each new alarm and each rule that is about it; of how many alarms."""
    most = min(ALARMS_AT_ONCE, max(1, NOTICES_AT_ONCE // max(1, len(rules))))
    rows = list(Alarm.objects.filter(id__gt=mark.alarm_id).order_by("id")[:most])
    if not rows:
        return 0
    facts = alarm_facts(rows)
    if Notice.objects.bulk_create([
            Notice(rule_id=rule.id, alarm_id=alarm.id, due_at=first_due(rule, now))
            for alarm in facts.values() for rule in rules if rule.channels and matches(rule, alarm)]):
        # Pages say what waits, too.
        changes.tell(DELIVERIES)
    mark.alarm_id = rows[-1].pk
    mark.save(update_fields=["alarm_id"])
    return len(rows)


def _forget(mark: NotificationMark) -> None:
    """What a rule that is disabled, or all of whose channels are, would have told; and alarms that ended and of which
    nothing more is told are not looked at again."""
    Notice.objects.filter(over=False).exclude(rule__in=[rule.id for rule in enabled_rules() if rule.channels]).update(
        over=True, due_at=None)
    told = Alarm.objects.filter(_ENDED & _NOTHING_MORE, id__lte=mark.alarm_id).values_list("id", flat=True)
    Alarm.objects.filter(id__in=list(told[:ALARMS_AT_ONCE])).update(end_told=True)


def _tell(mark: NotificationMark, rule: RuleFact, now: datetime, *, critical: bool) -> None:
    """What ``rule`` has to say of critical alarms, or of the others: each of the two at its own pace."""
    sent = sent_by(rule, now, critical=critical)
    held_until = next_message_at(rule, sent)
    if not rule.channels or (held_until is not None and held_until > now):
        return
    found: list[tuple[NoticeFact, Told]] = []
    changed: dict[int, NoticeFact] = {}
    for notice in _open(rule, now, critical=critical):
        what = what_next(rule, notice, now)
        if isinstance(what, Told):
            found.append((notice, what))
        elif what != Rest.LATER:
            changed[notice.alarm.id] = replace(notice, due_at=None, over=what == Rest.OVER)
    due = [at for notice, _ in found if (at := became_due(notice)) is not None]
    digest = len(found) > 1 and is_digest(rule, sent, due, len({what for _, what in found}), now)
    _write(rule, batches([Item(what, notice.alarm) for notice, what in found], as_digest=digest), now,
           critical=critical)
    changed |= {notice.alarm.id: after_telling(rule, notice, what, now, is_digest=digest) for notice, what in found}
    _keep(rule, changed)


def _keep(rule: RuleFact, changed: Mapping[int, NoticeFact]) -> None:
    """``changed`` {key of the alarm: its notice}. Most of them changed alike."""
    alike: dict[tuple[str, datetime | None, datetime | None, bool], list[int]] = defaultdict(list)
    for alarm, notice in changed.items():
        alike[notice.told, notice.told_at, notice.due_at, notice.over].append(alarm)
    for (told, told_at, due_at, over), alarms in alike.items():
        Notice.objects.filter(rule=rule.id, alarm__in=alarms).update(
            told=told, told_at=told_at, due_at=due_at, over=over)


def _open(rule: RuleFact, now: datetime, *, critical: bool) -> list[NoticeFact]:
    rows = list(Notice.objects.filter(
        CRITICAL if critical else ~CRITICAL, Q(due_at__lte=now) & ~MASKED | TO_CLEAR, rule=rule.id,
        over=False).select_related("alarm").order_by("alarm_id")[:NOTICES_AT_ONCE])
    facts = alarm_facts([row.alarm for row in rows])
    return [NoticeFact(facts[row.alarm_id], row.told, row.due_at, row.told_at, row.over) for row in rows]


def _write(rule: RuleFact, told: Sequence[tuple[Told, list[AlarmFact]]], now: datetime, *, critical: bool) -> None:
    if not told:
        return
    composed = [compose(what, alarms, at=now, zone=_zone(rule)) for what, alarms in told]
    channels = Channel.objects.defer("secrets").in_bulk(rule.channels)
    put([Delivery(
        message_id=new_message_id(), channel=channel, channel_name=channel.name, rule_name=rule.name, told=each.told,
        subject=each.subject, text=each.text, payload=each.payload, alarms=list(each.alarms),
        critical=critical, state=DeliveryState.WAITING, created_at=now, due_at=now)
        for each in composed for channel in channels.values()])


def _zone(rule: RuleFact) -> tzinfo:
    return ZoneInfo(rule.time_zone) if rule.time_zone in zone_names() else UTC
