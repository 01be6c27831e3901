"""What was changed and done about a pair: entries of History, jobs and events of both members as one stream, read from
where somebody stands, at the same cost however far back that is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from provisioning.core.events import OF_PAIR
from provisioning.core.text import closed
from provisioning.history.entries import field_changes
from provisioning.models import Application, Event, HistoryEntry, Job
from provisioning.pairs.rules.changes import CONFIGURATION, EVENT, JOB, RANKS, Change, Place, merged, place_of
from provisioning.pairs.selectors.page import EVENT_GRANTED
from provisioning.states import EventLevel
from provisioning.web.time_range import TimeRange

AT_ONCE, FIELDS_NAMED = 50, 6


@dataclass(frozen=True)
class Changes:
    """``next``: where older ones begin, None when there are none."""

    rows: list[Change]
    next: Place | None


@dataclass(frozen=True)
class Source:
    """Of one kind: its rows about one member, ``first`` of the pair or not; the columns of their time and of what tells
    them apart; what a row says."""

    rows: Callable[[Application, bool], QuerySet]
    at: str
    key: str
    change: Callable[[Any], Change]


def changes_of(members: Sequence[Application], *, kind: str = "", within: TimeRange | None = None,
               before: Place | None = None, most: int = AT_ONCE) -> Changes:
    """The newest ``most`` before a place. ``kind``: one of rules.changes.KINDS, "" for all."""
    kinds = [kind] if kind in SOURCES else list(SOURCES)
    parts = [_part(each, member, member is members[0], within or TimeRange(), before, most + 1)
             for each in kinds for member in members]
    rows = merged(parts, most + 1)
    return Changes(rows[:most], rows[most - 1].place if len(rows) > most else None)


def all_changes_of(members: Sequence[Application], *, kind: str = "", within: TimeRange | None = None, most: int,
                   at_once: int) -> Iterator[Change]:
    """The newest ``most``, some at a time."""
    before: Place | None = None
    while most > 0:
        found = changes_of(members, kind=kind, within=within, before=before, most=min(most, at_once))
        yield from found.rows
        most, before = most - len(found.rows), found.next
        if before is None:
            return


def _part(kind: str, member: Application, first: bool, within: TimeRange, before: Place | None,
          most: int) -> list[Change]:
    source = SOURCES[kind]
    rows = within.of(source.rows(member, first), source.at).order_by(f"-{source.at}", f"-{source.key}")
    if before is not None:
        rows = _older(rows, source, RANKS[kind], before)
    return [source.change(row) for row in rows[:most]]


def _older(rows: QuerySet, source: Source, rank: int, than: Place) -> QuerySet:
    """In this form an index answers it; only rows of the same moment are looked at in vain."""
    at = than.moment
    if rank > than.rank:
        return rows.filter(**{f"{source.at}__lt": at})
    rows = rows.filter(**{f"{source.at}__lte": at})
    if rank < than.rank:
        return rows
    key = UUID(than.key) if rank == RANKS[JOB] else int(than.key)
    return rows.exclude(**{source.at: at, f"{source.key}__gte": key})


def _entries(member: Application, first: bool) -> QuerySet[HistoryEntry]:
    return HistoryEntry.objects.filter(object_type="application", object_id=str(member.pk))


def _of_entry(row: HistoryEntry) -> Change:
    said = [] if row.says_what else [row.get_action_display()]
    fields = [each.label for each in field_changes(row.before, row.after)]
    if row.before is not None and row.after is not None and fields:
        more = f" and {len(fields) - FIELDS_NAMED} more" if len(fields) > FIELDS_NAMED else ""
        said = [f"{said[0]}: {', '.join(fields[:FIELDS_NAMED])}{more}"]
    return Change(CONFIGURATION, row.at, row.user_name, row.object_name,
                  " ".join(closed(text) for text in (*said, row.reason) if text),
                  place_of(CONFIGURATION, row.at, row.number), ("history-entry", str(row.number)))


def _jobs(member: Application, first: bool) -> QuerySet[Job]:
    return Job.objects.filter(application=member)


def _of_job(row: Job) -> Change:
    said = f"{row.get_kind_display()}: {row.get_state_display().lower()}"
    return Change(JOB, row.created_at, row.created_by, row.application_name,
                  " ".join(closed(text) for text in (said, row.reason) if text),
                  place_of(JOB, row.created_at, row.pk), ("job-detail", str(row.pk)))


def _events(member: Application, first: bool) -> QuerySet[Event]:
    """Role changes and what belongs to them, once for the pair; alarms of each member."""
    own = Q(number=EVENT_GRANTED) | Q(level=EventLevel.ALARM)
    found = Event.objects.filter(application=member).select_related("application")
    return found.filter(own | Q(number__in=OF_PAIR)) if first else found.filter(own).exclude(number__in=OF_PAIR)


def _of_event(row: Event) -> Change:
    about = "Pair" if row.number in OF_PAIR else row.application_shown
    return Change(EVENT, row.at, "", about, row.text, place_of(EVENT, row.at, row.pk), number=row.number)


SOURCES: dict[str, Source] = {
    CONFIGURATION: Source(_entries, "at", "number", _of_entry), JOB: Source(_jobs, "created_at", "id", _of_job),
    EVENT: Source(_events, "at", "id", _of_event)}
"""A further kind is a row here and one of rules.changes.KINDS."""
