"""Whether an event of a pair follows from what somebody asked for, as jobs and the timeline tell it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Q

from protocol.events import Own
from provisioning.alarms.rules.planned import (
    FOLLOWS,
    IS_STOPPING,
    PLANNED_STOP,
    SETTLES,
    STARTED,
    STOPPING,
    Asked,
    is_planned,
    settles,
    started_again,
)
from provisioning.models import Event, Job
from provisioning.states import ACTIVE_JOBS


def is_asked_for(number: int, text: str, at: datetime, members: Sequence[int]) -> bool:
    """``members``: keys of the applications of the pair."""
    since = at - settles(number)
    if number not in FOLLOWS:
        return False
    asked = [*_jobs(members, at, since), *_told(number, members, at, since)]
    return is_planned(number, text, at, _with_starts(asked, members, at) if number == Own.ROLE_CHANGED else asked)


def _jobs(members: Sequence[int], at: datetime, since: datetime) -> list[Asked]:
    """What was asked for before ``at`` and had not ended at ``since``."""
    goes_on = Q(finished_at__gte=since) | Q(finished_at=None, state__in=ACTIVE_JOBS)
    found = Job.objects.filter(goes_on, application__in=members, kind__in=STOPPING, created_at__lte=at + SETTLES)
    return [Asked(*row) for row in found.values_list("application__name", "created_at", "finished_at")]


def _told(number: int, members: Sequence[int], at: datetime, since: datetime) -> list[Asked]:
    """Switchovers that were asked for, and servers that ended as asked. A standby is missing as soon as a server begins
    to end; of a role change it has to be known that the process did end as asked."""
    of_them = Q(number__in=(Own.ASKED, PLANNED_STOP))
    if number == Own.OUT_OF_SYNC:
        of_them |= Q(number=0, text__contains=IS_STOPPING)
    found = Event.objects.filter(of_them, application__in=members, at__range=(since, at + SETTLES))
    return [Asked("" if told == Own.ASKED else name, said, said)
            for told, name, said in found.values_list("number", "application__name", "at")]


def _with_starts(asked: Sequence[Asked], members: Sequence[int], at: datetime) -> list[Asked]:
    """With what the timeline tells of servers that were Started again."""
    if not asked:
        return []
    found = Event.objects.filter(
        number__in=(STARTED, PLANNED_STOP), application__in=members, at__range=(min(each.since for each in asked), at))
    ends = defaultdict(list)
    for name, number, when in found.order_by("at", "id").values_list("application__name", "number", "at"):
        ends[name].append((number, when))
    return [replace(each, again=started_again(ends[each.member], each.since)) for each in asked]
