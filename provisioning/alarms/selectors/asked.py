"""Whether an event of a pair follows from what somebody asked for, as jobs and the timeline tell it."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from protocol.events import Own
from provisioning.alarms.rules.planned import (
    FOLLOWS,
    IS_STOPPING,
    PLANNED_STOP,
    SETTLES,
    STOPPING,
    Asked,
    is_planned,
    settles,
)
from provisioning.models import Event, Job
from provisioning.states import ACTIVE_JOBS


def is_asked_for(number: int, text: str, at: datetime, members: Sequence[int]) -> bool:
    """``members``: keys of the applications of the pair."""
    since = at - settles(number)
    return number in FOLLOWS and is_planned(
        number, text, at, [*_jobs(members, at, since), *_told(number, members, at, since)])


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
