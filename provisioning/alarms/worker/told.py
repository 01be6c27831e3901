"""Alarms are told of: an event when one is raised and when it is cleared, which the centralized log gets as a record of
level Alarm. Nothing judges these events."""

from collections.abc import Callable, Sequence
from datetime import datetime

from protocol.events import Own
from provisioning.alarms.rules.sentences import cleared, raised
from provisioning.core.events import of_console
from provisioning.models import Alarm, Application, Event, Host


def tell_raised(rows: Sequence[Alarm]) -> None:
    _store(Own.ALARM_RAISED, rows, raised, lambda row: row.raised_at)


def tell_cleared(rows: Sequence[Alarm]) -> None:
    _store(Own.ALARM_CLEARED, rows, cleared, lambda row: row.cleared_at)


def _store(number: Own, rows: Sequence[Alarm], said: Callable[[Alarm], str],
           at: Callable[[Alarm], datetime | None]) -> None:
    """In the timelines of what is still there."""
    if not rows:
        return
    applications = _keys(Application, {row.application for row in rows})
    hosts = _keys(Host, {row.host for row in rows})
    Event.objects.bulk_create([of_console(
        number, said(row), at=at(row), application_id=applications.get(row.application), host_id=hosts.get(row.host))
        for row in rows])


def _keys(model: type[Application] | type[Host], names: set[str]) -> dict[str, int]:
    return dict(model._default_manager.filter(name__in=names).values_list("name", "id"))
