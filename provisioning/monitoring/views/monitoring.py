"""Monitoring: the dashboard and the events."""

from django.db.models import QuerySet
from django.shortcuts import render
from django.views.decorators.http import require_safe

from protocol.events import written
from provisioning.alarms.selectors.alarms import active_count, alarm_list
from provisioning.audit.selectors.audits import last_run, verdict_counts
from provisioning.broker.secrets import known_secrets
from provisioning.core.events import event_list as events
from provisioning.core.events import last_failover
from provisioning.core.permissions import EXPORT
from provisioning.core.redaction import Redactor
from provisioning.jobs.selectors.jobs import job_list
from provisioning.models import Application, Event
from provisioning.monitoring.forms import EventFilter
from provisioning.monitoring.selectors.monitoring import application_counts, console_parts, host_counts
from provisioning.pairs.selectors.page import pair_list
from provisioning.web.exports import Sheet, file_of, iso, newest_first
from provisioning.web.pages import page, show
from provisioning.web.tables import Column, Table, page_of

RECENT_EVENTS = 20
RECENT_JOBS = 8
PAIRS = 6
ALARMS = 6
FILE = Sheet("pairwise-events", "events", ("at", "level", "number", "application", "host", "source", "text"))
EVENTS = Table(tuple(Column(label) for label in ("Time", "Level", "Number", "Application", "Host", "Event")))


@require_safe
@page()
def dashboard(request):
    applications, hosts, application_total = application_counts(), host_counts(), Application.objects.count()
    verdicts = verdict_counts()
    return show(request, "monitoring/dashboard.html", {
        "alarms": alarm_list(grouped=True)[:ALARMS], "alarm_total": active_count(),
        "verdicts": verdicts.items(), "verdict_total": sum(verdicts.values()), "audit_run": last_run(),
        "applications": applications, "application_total": application_total,
        "application_kept": application_total - sum(count.number for count in applications),
        "pairs": (pairs := pair_list())[:PAIRS], "pair_total": len(pairs),
        "hosts": hosts, "host_total": sum(count.number for count in hosts),
        "parts": console_parts(), "events": events()[:RECENT_EVENTS], "jobs": job_list(state="active")[:RECENT_JOBS]})


@require_safe
@page()
def troubles(request):
    """The banners about the console itself, for the script; every open page asks."""
    return render(request, "web/_troubles.html")


@require_safe
@page()
def event_list(request):
    form = EventFilter(request.GET)
    return show(request, "monitoring/events.html", {
        "form": form, "page": page_of(_chosen(form), request.GET),
        "header": EVENTS.header("", request.GET.dict()), "total": Event.objects.count()})


def _chosen(form: EventFilter) -> QuerySet[Event]:
    within, chosen = form.parts(last_failover)
    return within.of(events(**chosen))


@require_safe
@page(EXPORT)
def event_export(request, list_format: str):
    """What the list shows with the same filter, from its newest on, without secrets."""
    redactor = Redactor(known_secrets([], []))
    return file_of(request, list_format, FILE, lambda: (
        redactor.value(_cells(row)) for row in newest_first(_chosen(EventFilter(request.GET)), "id")))


def _cells(row: Event) -> dict:
    return dict(zip(FILE.columns, (iso(row.at), row.level, written(row.number), row.application_shown, row.host_shown,
                                   row.source, row.text), strict=True))
