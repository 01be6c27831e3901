"""One look: what happened since the last one is judged, and written together with how far that is."""

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.dispatch import Signal
from django.utils import timezone

from provisioning.alarms.facts import Condition, Happened, Standing
from provisioning.alarms.rules.judge import gone, judge, numbers, timed_out
from provisioning.alarms.selectors.alarms import TOPIC
from provisioning.alarms.selectors.concerned import about_what_is_gone, supervised
from provisioning.alarms.selectors.conditions import conditions_to_judge
from provisioning.alarms.selectors.happened import (
    Records,
    new_events,
    new_records,
    newest_event,
    newest_record,
    seen_up_to,
)
from provisioning.core import changes
from provisioning.models import Alarm, AlarmMark
from provisioning.turns import delete_in_turns

from .marks import mark_new, mask
from .plans import plan_telling, plan_verbs
from .told import tell_cleared, tell_raised

log = logging.getLogger(__name__)
alarms_changed = Signal()
"""Sent after alarms were raised, told once more or cleared, in the thread that wrote them."""
JUDGED_KEPT = 1000
"""So many of the last events are remembered by name: a log record comes seconds after its event."""
ACTIVE_MOST, RECORDS_FILL, ENDED_KEPT = 5000, 4000, 10_000
"""No more alarms than that are active. Programs name themselves in log records, which raise none where so many are
active already. So many that ended are kept."""
AT_ONCE = 500


class Moved(Exception):
    """Another process judged the same meanwhile, and went on from there."""


def look(now: datetime | None = None) -> bool:
    """Judge what is new; whether there may be more. Raises Moved, DatabaseError."""
    now, mark, conditions = now or timezone.now(), _mark(), conditions_to_judge()
    wanted = numbers(conditions)
    events, records = new_events(mark.event_id, mark.seen, wanted), _records(mark.record_id, wanted)
    if (events.newest, events.seen, records.newest) == (mark.event_id, mark.seen, mark.record_id):
        return False
    happened, judged = _each_once(mark.judged, [*events.happened, *records.happened])
    _write(mark, AlarmMark(event_id=events.newest, seen=events.seen, record_id=records.newest, judged=judged),
           conditions, happened, now)
    return events.more or records.more


def _mark() -> AlarmMark:
    """What happened before anybody judged raises nothing."""
    row = AlarmMark.objects.filter(pk=1).first()
    if row is None:
        newest = newest_event()
        row, _ = AlarmMark.objects.get_or_create(pk=1, defaults={
            "event_id": newest, "record_id": _newest_record(), "seen": seen_up_to(newest)})
    row.seen, row.judged = _only(int, row.seen), _only(str, row.judged)
    return row


def _only(kind: type, value: object) -> list:
    """What is of ``kind`` in a list; of anything else, which nothing here has written, nothing."""
    return [each for each in value if isinstance(each, kind)] if isinstance(value, list) else []


def _newest_record() -> int:
    try:
        return newest_record()
    except DatabaseError:
        return 0


def _records(record_id: int, wanted: Iterable[int]) -> Records:
    """None while the log database is away: events are judged all the same."""
    try:
        return new_records(record_id, tuple(wanted))
    except DatabaseError as error:
        log.info("Log records were not judged: %s", error)
        return Records([], record_id, more=False)


def _each_once(judged: Sequence[str], happened: Iterable[Happened]) -> tuple[list[Happened], list[str]]:
    """What of ``happened`` was not judged before, and the names of what is judged now."""
    known, new = dict.fromkeys(judged), []
    for each in happened:
        if each.mark not in known:
            known[each.mark] = None
            new.append(each)
    return new, list(known)[-JUDGED_KEPT:]


def _write(before: AlarmMark, after: AlarmMark, conditions: list[Condition], happened: list[Happened],
           now: datetime) -> None:
    with transaction.atomic():
        # First: of two processes one waits here, and then finds that the other was faster.
        moved = AlarmMark.objects.filter(pk=before.pk, moves=before.moves).update(
            event_id=after.event_id, record_id=after.record_id, seen=after.seen, judged=after.judged,
            moves=F("moves") + 1)
        if not moved:
            raise Moved
        if happened:
            _keep(judge(conditions, _standing(conditions, happened), happened, now=now), now)


def _standing(conditions: list[Condition], happened: Iterable[Happened]) -> list[Standing]:
    """Active alarms about what ``happened`` is about."""
    applications = {each.application for each in happened} - {""}
    hosts = {each.host for each in happened if not each.application}
    about = Q(application__in=applications) | Q(application="", host__in=hosts)
    rows = Alarm.objects.select_for_update().filter(
        about, cleared_at=None, condition__in=[each.key for each in conditions])
    return [_as_standing(row) for row in rows.order_by("id")]


def _as_standing(row: Alarm) -> Standing:
    return Standing(
        key=row.pk, condition=row.condition_id, condition_name=row.condition_name, category=row.category,
        number=row.number, application=row.application, application_type=row.application_type, host=row.host,
        text=row.text, raised_at=row.raised_at, last_at=row.last_at, ends_at=row.ends_at, times=row.times)


def _keep(changed: list[Standing], now: datetime) -> None:
    """Those that ended come first, so that nowhere two are active."""
    for alarm in changed:
        if alarm.key is not None:
            Alarm.objects.filter(pk=alarm.key, cleared_at=None).update(
                host=alarm.host, text=alarm.text, last_at=alarm.last_at, ends_at=alarm.ends_at, times=alarm.times,
                cleared_at=alarm.cleared_at, cleared_how=alarm.cleared_how or "")
    rows = [(alarm, _as_row(alarm)) for alarm in changed]
    # Whoever may publish log records has nothing done by them.
    by_events = {id(row) for alarm, row in rows if not alarm.by_record}
    new = _created([row for alarm, row in rows if alarm.key is None], by_events, now)
    ended = [row for alarm, row in rows if alarm.key is not None and alarm.cleared_at]
    cleared = ended + [row for row in new if row.cleared_at]
    tell_cleared(cleared)
    plan_verbs([row for row in new if not row.cleared_at], by_events, now)
    plan_verbs(ended, by_events, now, is_clearance=True)
    plan_telling(new, now)
    plan_telling(cleared, now, is_clearance=True)
    if changed:
        changes.tell(TOPIC)
        transaction.on_commit(lambda: alarms_changed.send(None), robust=True)


def _created(rows: list[Alarm], by_events: Collection[int], now: datetime) -> list[Alarm]:
    """Those of ``rows`` for which there is room, stored and told of; ``by_events``: what of them no log record
    raised."""
    if not rows:
        return []
    active, kept = Alarm.objects.filter(cleared_at=None).count(), list[Alarm]()
    for row in rows:
        if active + len(kept) < (ACTIVE_MOST if id(row) in by_events else RECORDS_FILL):
            kept.append(row)
    if len(rows) > len(kept):
        log.warning("%d alarms were left out: %d are active.", len(rows) - len(kept), active + len(kept))
    there = supervised(kept)
    for row in kept:
        row.supervised = _about(row) in there
    Alarm.objects.bulk_create(kept)
    if kept:
        mark_new(kept, now)
    tell_raised(kept)
    return kept


def _about(row: Alarm) -> tuple[str, str]:
    return (row.application, "") if row.application else ("", row.host)


def _as_row(alarm: Standing) -> Alarm:
    return Alarm(
        pk=alarm.key, condition_id=alarm.condition, condition_name=alarm.condition_name, category=alarm.category,
        number=alarm.number, application=alarm.application, application_type=alarm.application_type[:64],
        host=alarm.host, text=alarm.text, raised_at=alarm.raised_at, last_at=alarm.last_at, ends_at=alarm.ends_at,
        times=alarm.times, cleared_at=alarm.cleared_at, cleared_how=alarm.cleared_how or "")


def end_old(now: datetime | None = None) -> None:
    """Clear what timed out and what is about nothing that is there any more, mask what a maintenance is about, and
    forget the oldest of those that ended."""
    now = now or timezone.now()
    with transaction.atomic():
        due = Alarm.objects.select_for_update().filter(cleared_at=None, ends_at__lte=now).order_by("id")[:AT_ONCE]
        _keep(timed_out([_as_standing(row) for row in due], now=now), now)
        lost = about_what_is_gone().select_for_update().order_by("id")[:AT_ONCE]
        _keep(gone([_as_standing(row) for row in lost], now=now), now)
        if mask(now):
            changes.tell(TOPIC)
    ended = Alarm.objects.filter(cleared_at__isnull=False).order_by("-id")
    last = ended.values_list("id", flat=True)[ENDED_KEPT:ENDED_KEPT + 1].first()
    if last is not None:
        delete_in_turns(Alarm.objects.filter(cleared_at__isnull=False, id__lte=last))
