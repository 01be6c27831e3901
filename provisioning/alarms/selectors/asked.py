"""Whether an event of a pair follows from what somebody asked for, as jobs and the timeline tell it."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from protocol.events import Own
from provisioning.alarms.rules.planned import FOLLOWS, PLANNED_STOP, SETTLES, STOPPING, Asked, is_planned, settles
from provisioning.models import Event, Job
from provisioning.states import ACTIVE_JOBS


def is_asked_for(number: int, text: str, at: datetime, members: Sequence[int]) -> bool:
    """``members``: keys of the applications of the pair."""
    return number in FOLLOWS and is_planned(
        number, text, at, [*_jobs(members, at, at - settles(number)), *_told(members, at, at - settles(number))])


def _jobs(members: Sequence[int], at: datetime, since: datetime) -> list[Asked]:
    """What was asked for before ``at`` and had not ended at ``since``."""
    goes_on = Q(finished_at__gte=since) | Q(finished_at=None, state__in=ACTIVE_JOBS)
    found = Job.objects.filter(goes_on, application__in=members, kind__in=STOPPING, created_at__lte=at + SETTLES)
    return [Asked(*row) for row in found.values_list("application__name", "created_at", "finished_at")]


def _told(members: Sequence[int], at: datetime, since: datetime) -> list[Asked]:
    """Switchovers that were asked for, and servers that ended as asked."""
    found = Event.objects.filter(application__in=members, number__in=(Own.ASKED, PLANNED_STOP),
                                 at__range=(since, at + SETTLES))
    return [Asked("" if number == Own.ASKED else name, said, said)
            for number, name, said in found.values_list("number", "application__name", "at")]
