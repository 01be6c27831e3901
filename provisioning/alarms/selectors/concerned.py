"""Maintenance and alarms as the rules about masking see them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, When

from provisioning.alarms.facts import HOST_DISCONNECTED
from provisioning.alarms.rules.masks import ABOUT_PAIRS, TOGETHER, Concerned, Window
from provisioning.models import Alarm, Application, Host, Maintenance
from provisioning.states import MaintenanceKind

Member = tuple[str, str]


def windows(at: datetime) -> list[Window]:
    """Every maintenance that goes on at ``at``."""
    rows = list(Maintenance.objects.filter(begins_at__lte=at, ends_at__gt=at))
    pairs = [row.name for row in rows if row.kind == MaintenanceKind.PAIR]
    backups = dict(Application.objects.filter(name__in=pairs, backup_server__isnull=False).values_list(
        "name", "backup_server__name")) if pairs else {}
    return [_window(row, backups.get(row.name, "")) for row in rows]


def _window(row: Maintenance, backup: str) -> Window:
    names = frozenset({row.name})
    if row.kind == MaintenanceKind.HOST:
        return Window(frozenset(), names, row.begins_at, row.ends_at)
    of_pair = names | ({backup} if backup and row.kind == MaintenanceKind.PAIR else set())
    return Window(of_pair, frozenset(), row.begins_at, row.ends_at)


def concerned(rows: Iterable[Alarm]) -> list[Concerned]:
    """``rows`` with whom they concern."""
    rows = list(rows)
    others = _others({row.application for row in rows if row.number in ABOUT_PAIRS and row.application})
    return [Concerned(row.pk, row.number, row.category, row.raised_at, (
        (row.application, row.host), *(others.get(row.application, ()) if row.number in ABOUT_PAIRS else ())))
        for row in rows]


def _others(names: set[str]) -> dict[str, tuple[Member, ...]]:
    """{name of a primary: its Backup Server, with the host of that}."""
    rows = Application.objects.filter(name__in=names, backup_server__isnull=False).values_list(
        "name", "backup_server__name", "backup_server__host__name") if names else ()
    return {name: ((backup, host or ""),) for name, backup, host in rows}


def supervised(rows: Sequence[Alarm]) -> set[tuple[str, str]]:
    """What of that which ``rows`` are about is there: (application, "") or ("", host)."""
    applications = {row.application for row in rows} - {""}
    hosts = {row.host for row in rows if not row.application} - {""}
    return {(name, "") for name in Application.objects.filter(name__in=applications).values_list("name", flat=True)} | {
        ("", name) for name in Host.objects.filter(name__in=hosts).values_list("name", flat=True)}


def about_what_is_gone() -> QuerySet[Alarm]:
    """Active alarms that nothing ends but an event of what was deleted or renamed meanwhile, or of a pair that was
    dissolved."""
    named = Application.objects.filter(name=OuterRef("application"))
    of_pair = named.filter(Q(backup_server__isnull=False) | Q(primary_server__isnull=False))
    is_there = Case(
        When(application="", then=Exists(Host.objects.filter(name=OuterRef("host")))),
        When(number__in=ABOUT_PAIRS, then=Exists(of_pair)), default=Exists(named))
    return Alarm.objects.alias(is_there=is_there).filter(
        cleared_at=None, ends_at=None, supervised=True, is_there=False)


def raised_with(rows: Sequence[Alarm]) -> list[Alarm]:
    """Active alarms that may follow from one of ``rows``, or cause one; none while no host is gone."""
    first, last = min(row.raised_at for row in rows), max(row.raised_at for row in rows)
    found = Alarm.objects.filter(cleared_at=None, raised_at__range=(first - TOGETHER, last + TOGETHER))
    return list(found) if found.filter(number=HOST_DISCONNECTED, application="").exists() else []
