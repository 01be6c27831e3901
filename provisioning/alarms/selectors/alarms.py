"""Alarms as pages and commands show them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When

from protocol.events import OF_ALARMS
from provisioning.alarms.rules.incident import Said
from provisioning.errors import NotFound
from provisioning.models import Alarm, Application, Event, Host
from provisioning.models.records import OF_NO_APPLICATION
from provisioning.states import AlarmCategory

TOPIC = "alarms"
"""What pages that show alarms are told by."""
ACTIVE, MASKED, ENDED, ALL = "", "masked", "ended", "all"
_OF_STATE = {ACTIVE: Q(cleared_at=None, masked=False), MASKED: Q(cleared_at=None, masked=True),
             ENDED: Q(cleared_at__isnull=False), ALL: Q()}
AROUND, STORY_MOST = timedelta(minutes=2), 200
"""The story of an alarm begins and ends so long before and after it, and has at most so many events."""
_GRAVITY = Case(*(When(category=category, then=Value(place)) for place, category in enumerate(AlarmCategory.values)),
                default=Value(len(AlarmCategory.values)), output_field=IntegerField())
_FOLLOWED = Count("consequences", filter=Q(consequences__cleared_at=None))
GRAVEST_FIRST = (_GRAVITY, "-raised_at", "-id")
"""The order of active alarms."""


def alarm_list(*, state: str = ACTIVE, category: str = "", condition: str = "", application: str = "", host: str = "",
               text: str = "", cause: int | None = None, grouped: bool = False) -> QuerySet[Alarm]:
    """Active ones first, the gravest and newest of them first; those that ended, newest first. ``condition``,
    ``application``, ``host`` and ``text`` are parts; ``cause``: what follows from that alarm. ``grouped``: without what
    follows from the loss of a host, unless it is critical. Each has ``followed``: how many active ones follow from
    it."""
    found = _alarms().filter(_OF_STATE[state])
    if grouped:
        found = found.exclude(~Q(category=AlarmCategory.CRITICAL), cause__isnull=False, cause__cleared_at=None,
                              cause__masked=F("masked"))
    if cause is not None:
        found = found.filter(cause=cause)
    if category:
        found = found.filter(category=category)
    parts = {"condition_name": condition, "application": application, "host": host, "text": text}
    found = found.filter(**{f"{name}__holds": value for name, value in parts.items() if value})
    ended = Case(When(cleared_at=None, then=Value(0)), default=Value(1), output_field=IntegerField())
    gravity = Case(When(cleared_at=None, then=_GRAVITY), default=Value(0), output_field=IntegerField())
    return found.order_by(ended, gravity, "-raised_at", "-id")


def _alarms() -> QuerySet[Alarm]:
    rows: QuerySet = Alarm.objects.all()
    return rows.annotate(followed=_FOLLOWED)


def active_count() -> int:
    """Without those that a maintenance masks."""
    return count_in(ACTIVE)


def count_in(state: str) -> int:
    return Alarm.objects.filter(_OF_STATE[state]).count()


def get_alarm(key: int) -> Alarm:
    """As in ``alarm_list``, with its condition and its cause. Raises NotFound."""
    row = _alarms().select_related("condition", "cause").filter(pk=key).first()
    if row is None:
        raise NotFound("There is no such alarm (any more): of those that ended the oldest are removed.")
    return row


@dataclass(frozen=True)
class Story:
    """``events`` around an alarm, from ``since`` until ``until``, in the order in which they happened. ``application``,
    the primary of its ``pair`` and its ``host`` are still there, or None; ``cut``: there are more."""

    events: list[Event]
    since: datetime
    until: datetime
    application: Application | None
    pair: Application | None
    host: Host | None
    cut: bool

    def said(self) -> list[Said]:
        """Its events as the rules see them."""
        return [Said(event.number, event.at, getattr(event.application or event.host, "name", ""), event.text)
                for event in self.events]


def story(alarm: Alarm) -> Story:
    """What happened to the application of ``alarm``, to the other member of its pair and to their hosts."""
    row = Application.objects.select_related("backup_server", "primary_server").filter(
        name=alarm.application).first() if alarm.application else None
    members = [] if row is None else [each for each in (
        row, row.backup_server, getattr(row, "primary_server", None)) if each is not None]
    hosts = Q(host__name=alarm.host) | Q(host=None, host_name=alarm.host) if alarm.host else Q(host__in=[])
    own = Q(application__in=members) | (
        hosts | Q(host__in=[each.host_id for each in members if each.host_id])) & OF_NO_APPLICATION
    if alarm.application and row is None:
        own |= Q(application=None, application_name=alarm.application)
    if not alarm.application:
        # What happened to the servers there.
        own |= hosts
    since, until = alarm.raised_at - AROUND, (alarm.cleared_at or alarm.last_at) + AROUND
    found = list(Event.objects.filter(own, at__range=(since, until)).exclude(
        number__in=OF_ALARMS).select_related("application", "host").order_by("at", "id")[:STORY_MOST + 1])
    primary = getattr(row, "primary_server", None) or (row if row is not None and row.backup_server_id else None)
    host = Host.objects.filter(name=alarm.host).first() if alarm.host else None
    return Story(found[:STORY_MOST], since, until, row, primary, host, cut=len(found) > STORY_MOST)
