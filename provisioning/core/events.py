"""The timeline."""

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import Max, Model, Q, QuerySet
from django.utils import timezone

from protocol.events import KINDS, Own, level_of
from provisioning.models import Application, Event, Host
from provisioning.models.records import OF_REFUSALS
from provisioning.states import EventLevel, EventSource

from .called import called, is_name, named


def of_console(number: Own, text: str, *, application_id: int | None = None, host_id: int | None = None,
               at: datetime | None = None) -> Event:
    """What the console itself tells, not stored yet."""
    return Event(at=at or timezone.now(), number=number, level=level_of(number), application_id=application_id,
                 host_id=host_id, source=EventSource.CONSOLE, text=text)


SETTLES = timedelta(seconds=5)
"""A transaction that adds events lasts no longer."""


def settled(events: QuerySet[Event], now: datetime) -> QuerySet[Event]:
    """Those of ``events`` behind which none with a smaller key can come any more: of two transactions that add events
    at the same time the one with the smaller keys may end later. Who reads on from there misses none."""
    return events.filter(id__lte=_settled_up_to(now))


def _settled_up_to(now: datetime) -> int:
    recent = list(Event.objects.filter(at__gte=now - SETTLES).order_by("id").values_list("id", flat=True))
    if not recent:
        return Event.objects.aggregate(newest=Max("id"))["newest"] or 0
    before = recent[0] - 1
    if before and not Event.objects.filter(pk=before).exists():
        return before
    return next((key for key, following in pairwise(recent) if following > key + 1), recent[-1])


def last_of(numbers: Collection[Own]) -> int:
    """Which of ``numbers`` was told last, 0 for none."""
    return Event.objects.filter(number__in=numbers).order_by("-id").values_list("number", flat=True).first() or 0


def refusals_of(host: Host, newest: int) -> QuerySet[Event]:
    """What was refused of this host, or of somebody who claimed to be it, newest first."""
    refused = Q(source__in=OF_REFUSALS) | Q(source=EventSource.JOIN, level=EventLevel.ALARM)
    return Event.objects.filter(refused, host=host).order_by("-id")[:newest]


OF_PAIR = (10327, 10328, *(number for number, kind in KINDS.items() if kind.of_pair))
"""Event numbers that control adds to the timelines of both members: role changes, what was asked for and what stood in
the way (control.narration)."""


def event_list(*, application: str = "", host: str = "", level: str = "", number: int | None = None,
               text: str = "") -> QuerySet[Event]:
    """Events, newest first; ``application`` and ``host`` are names, or parts of names (``named``). What concerns a
    whole pair stands in the timelines of both members and is told once, of its primary, unless the backup alone is
    asked for."""
    found = Event.objects.select_related("application", "host").exclude(_twice(application))
    if application:
        found = found.filter(_about("application", Application, application))
    if host:
        found = found.filter(_about("host", Host, host))
    if level:
        found = found.filter(level=level)
    if number is not None:
        found = found.filter(number=number)
    if text:
        found = found.filter(text__holds=text)
    return found.order_by("-at", "-id")


def _twice(application: str) -> Q:
    """What a list of the events of ``application`` (a part of names, or "" for all) has of the primary already."""
    of_backup = Q(number__in=OF_PAIR, application__primary_server__isnull=False)
    if not application:
        return of_backup
    return of_backup & Q(application__primary_server__in=named(Application, application))


def last_failover(application: str = "", **others: object) -> datetime | None:
    """When the active server of a pair changed last: of one of which a member is called ``application``, or of any
    pair. None when the timeline tells of no change. ``others``: what else a list is filtered by, which has no say."""
    found = Event.objects.filter(number=Own.ROLE_CHANGED)
    if application:
        found = found.filter(_about("application", Application, application))
    return found.order_by("-id").values_list("at", flat=True).first()


def last_failover_of(*members: int) -> datetime | None:
    """As ``last_failover``, of these applications."""
    found = Event.objects.filter(number=Own.ROLE_CHANGED, application__in=members)
    return found.order_by("-id").values_list("at", flat=True).first()


def _about(field: str, model: type[Model], text: str) -> Q:
    """Events about an object of ``model`` that is called ``text`` or, when none is, has it in its name; also those
    about what was deleted."""
    kept = Q(**{f"{field}__isnull": True})
    was_one = not is_name(model, text) and Event.objects.filter(kept, **{f"{field}_name": text}).exists()
    if was_one:
        return kept & Q(**{f"{field}_name": text})
    return Q(**{f"{field}__in": named(model, text)}) | kept & called(model, text, f"{field}_name")
