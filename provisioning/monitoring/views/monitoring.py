"""Monitoring: the dashboard and the events."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from provisioning.alarms.selectors.alarms import active_count, alarm_list
from provisioning.audit.selectors.audits import last_run, verdict_counts
from provisioning.core.events import event_list as events
from provisioning.jobs.selectors.jobs import job_list
from provisioning.models import Application, Event
from provisioning.monitoring.forms import EventFilter
from provisioning.monitoring.selectors.monitoring import application_counts, console_parts, host_counts
from provisioning.pairs.selectors.page import pair_list
from provisioning.web.pages import page, show
from provisioning.web.tables import Column, Table, page_of

RECENT_EVENTS = 20
RECENT_JOBS = 8
PAIRS = 6
ALARMS = 6
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
        "form": form, "page": page_of(events(**form.chosen()), request.GET),
        "header": EVENTS.header("", request.GET.dict()), "total": Event.objects.count()})
