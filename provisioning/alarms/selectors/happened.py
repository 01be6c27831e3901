"""What happened since the last look: events of the timeline and log records that a condition is about."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError
from django.db.models import F, Max

from provisioning.alarms.facts import HOST_DISCONNECTED, Happened
from provisioning.core.events import OF_PAIR
from provisioning.core.prepared import Given, Prepared
from provisioning.logbook.models import Record
from provisioning.logs.facts import moment
from provisioning.logs.rules.published import is_of_timeline
from provisioning.models import Application, Event
from provisioning.states import AGENT_STOPPED, ApplicationType

from .asked import is_asked_for

EVENTS_AT_ONCE, EVENTS_BEFORE = 500, 200
"""So many events are judged together, and so many of those before are looked at once more: of two that were written at
the same time the one with the smaller number may be seen later."""
RECORDS_AT_ONCE, RECORDS_SCANNED = 500, 20_000
CONSOLE = "Pairwise"
"""Whose log records those are that are about no application."""
Row = Mapping[str, Any]
_TYPES = {str(label): str(value) for value, label in ApplicationType.choices}


@dataclass(frozen=True)
class Events:
    """``newest``: how far they were read; ``seen``: those just before it that are read."""

    happened: list[Happened]
    newest: int
    seen: list[int]
    more: bool


@dataclass(frozen=True)
class Records:
    happened: list[Happened]
    newest: int
    more: bool


def newest_event() -> int:
    return Event.objects.aggregate(newest=Max("id"))["newest"] or 0


def seen_up_to(newest: int) -> list[int]:
    """``seen`` of whoever begins after the event ``newest``."""
    return list(range(max(1, newest - EVENTS_BEFORE + 1), newest + 1))


def newest_record() -> int:
    return Record.objects.aggregate(newest=Max("id"))["newest"] or 0


_LAST_EVENTS = Prepared(lambda: Event.objects.filter(id__gt=Given()).order_by("-id").values_list("id")[:EVENTS_AT_ONCE])
_LAST_RECORD = Prepared(lambda: Record.objects.order_by("-id").values_list("id")[:1])


def last_of_each(event_id: int) -> tuple[list[int], list[int]]:
    """(ids of the events after the one that is EVENTS_BEFORE before ``event_id``, id of the newest log record, none
    while their database is away). The same again: nothing happened since."""
    events = [key for key, in _LAST_EVENTS.rows(max(0, event_id - EVENTS_BEFORE))]
    try:
        return events, [key for key, in _LAST_RECORD.rows()]
    except DatabaseError:
        return events, []


def new_events(event_id: int, seen: Sequence[int], numbers: Collection[int]) -> Events:
    """Events after ``event_id``, and those before it that are not among ``seen``."""
    rows = list(Event.objects.filter(id__gt=event_id - EVENTS_BEFORE).exclude(id__in=seen).order_by("id").values(
        "id", "at", "number", "text", "application_id", "application_name", "application__name", "application__type",
        "application__backup_server_id", "application__primary_server__name", "host_name", "host__name",
        "host__left_at"
    )[:EVENTS_AT_ONCE])
    newest = max([event_id, *(row["id"] for row in rows)])
    kept = sorted(key for key in {*seen, *(row["id"] for row in rows)} if key > newest - EVENTS_BEFORE)
    return Events([_of_event(row) for row in rows if row["number"] in numbers and not _is_told_of_primary(row)],
                  newest, kept, more=len(rows) == EVENTS_AT_ONCE)


def _is_told_of_primary(row: Row) -> bool:
    """What concerns a pair stands in the timelines of both members; there is one alarm about it."""
    return row["number"] in OF_PAIR and row["application__primary_server__name"] is not None


def _of_event(row: Row) -> Happened:
    left = row["number"] == HOST_DISCONNECTED and (
        row["host__left_at"] is not None or row["text"].endswith(AGENT_STOPPED))
    members = [key for key in (row["application_id"], row["application__backup_server_id"]) if key is not None]
    return Happened(
        number=row["number"], at=row["at"], application=row["application__name"] or row["application_name"],
        type=row["application__type"] or "", host=row["host__name"] or row["host_name"], text=row["text"],
        planned=left or is_asked_for(row["number"], row["text"], row["at"], members))


def new_records(record_id: int, numbers: Collection[int]) -> Records:
    """Log records after ``record_id``. Where there are fewer, the log database was made anew: it is gone on from its
    end."""
    newest = newest_record()
    if newest <= record_id:
        return Records([], newest, more=False)
    end = min(newest, record_id + RECORDS_SCANNED)
    # Not by the index of events: it would be walked from the first record that there is.
    found = Record.objects.alias(said=F("event") + 0).filter(id__gt=record_id, id__lte=end, said__in=numbers)
    rows = list(found.order_by("id").values("id", "at", "event", "application", "type", "host", "text",
                                             "attributes")[:RECORDS_AT_ONCE])
    if len(rows) == RECORDS_AT_ONCE:
        end = rows[-1]["id"]
    return Records([_of_record(row) for row in _without_backups(_without_events(rows))], end, more=end < newest)


def _without_events(rows: Iterable[Row]) -> list[Row]:
    """The record of an event may come before it, as its server publishes it by itself. It is the event that is judged:
    of a record nobody has anything done."""
    return [row for row in rows if not is_of_timeline(row["attributes"])]


def _without_backups(rows: Sequence[Row]) -> Sequence[Row]:
    """As ``_is_told_of_primary``."""
    names = {row["application"] for row in rows if row["event"] in OF_PAIR}
    if not names:
        return rows
    backups = set(Application.objects.filter(name__in=names, primary_server__isnull=False).values_list(
        "name", flat=True))
    return [row for row in rows if not (row["event"] in OF_PAIR and row["application"] in backups)]


def _of_record(row: Row) -> Happened:
    return Happened(number=row["event"], at=moment(row["at"]),
                    application="" if row["application"] == CONSOLE else row["application"],
                    type=str(_TYPES.get(row["type"], row["type"])), host=row["host"], text=row["text"], is_record=True)
