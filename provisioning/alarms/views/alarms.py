"""Monitoring > Alarms: the list, one alarm with what happened around it, Acknowledge and Clear."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.alarms.forms import AcknowledgeForm, AlarmFilter, ClearForm
from provisioning.alarms.rules.advice import advice
from provisioning.alarms.rules.incident import incident
from provisioning.alarms.rules.sentences import ends_by
from provisioning.alarms.selectors import alarms as selector
from provisioning.alarms.selectors.maintenance import going_on
from provisioning.alarms.services import alarms as services
from provisioning.core.permissions import ALARMS, actor_of
from provisioning.errors import Refused
from provisioning.models import Alarm
from provisioning.web.answers import dialog, done
from provisioning.web.lists import leave_for
from provisioning.web.pages import page, refuse, show
from provisioning.web.tables import Column, Table, page_of

TABLE = Table((*map(Column, ("Category", "Condition", "About", "Since")), Column("Times", css="number"),
               Column("Text")))


@require_safe
@page()
def alarm_list(request):
    form = AlarmFilter(request.GET)
    chosen = form.chosen()
    found = selector.alarm_list(**chosen, grouped=not form.active)
    return show(request, "alarms/list.html", {
        "form": form, "page": page_of(found, request.GET), "topic": selector.TOPIC,
        "header": TABLE.header("", request.GET.dict()),
        "total": selector.count_in(chosen.get("state", selector.ACTIVE)),
        "active": selector.active_count(), "maintenance": going_on(timezone.now())})


@require_safe
@page()
def alarm_detail(request, pk: int):
    alarm = selector.get_alarm(pk)
    story = selector.story(alarm)
    about = {"application": alarm.application} if alarm.application else {"host": alarm.host}
    return show(request, "alarms/detail.html", {
        "alarm": alarm, "story": story, "topic": selector.TOPIC, "incident": incident(story.said(), alarm.raised_at),
        "advice": advice(alarm.condition.predefined if alarm.condition else ""),
        "reactions": alarm.reactions.select_related("alarm", "delivery").defer("delivery__text", "delivery__payload"),
        "ends_by": ends_by(alarm.condition.cancel_event if alarm.condition else 0),
        "followed": selector.alarm_list(cause=alarm.pk, state=selector.ALL).count(),
        "events": reverse("event-list", query=about | _within(alarm, story)),
        "log": reverse("log-list", query=({"pair": story.pair.name} if story.pair else about) | _within(alarm, story)),
        "lasts": (alarm.cleared_at or timezone.now()) - alarm.raised_at})


def _within(alarm: Alarm, story: selector.Story) -> dict[str, str]:
    """The time of ``story`` as fields of a filter, whole minutes; one of an alarm that goes on has no end."""
    since, until = (f"{timezone.localtime(at):%Y-%m-%dT%H:%M}" for at in (story.since, story.until))
    return {"since": since} if alarm.cleared_at is None else {"since": since, "until": until}


@require_safe
@page()
def alarm_strip(request):
    """What every page says of alarms that nobody has acknowledged, for the script."""
    return render(request, "alarms/_strip.html")


@require_http_methods(["GET", "HEAD", "POST"])
@page(ALARMS)
def alarm_acknowledge(request, pk: int):
    form = AcknowledgeForm(request.POST if request.method == "POST" else None)
    return _asked(request, pk, form, "Acknowledge", services.acknowledge, "note", "{alarm} was acknowledged.")


@require_http_methods(["GET", "HEAD", "POST"])
@page(ALARMS)
def alarm_clear(request, pk: int):
    form = ClearForm(request.POST if request.method == "POST" else None)
    return _asked(request, pk, form, "Clear", services.clear, "reason", "{alarm} was cleared.")


def _asked(request, pk: int, form: forms.Form, label: str, work: Callable[..., Alarm], name: str, said: str):
    """The dialog of a verb, and on POST the verb itself with what was typed as ``name``."""
    alarm, back = selector.get_alarm(pk), leave_for(request, "alarm-list")
    if form.is_bound and form.is_valid():
        try:
            work(actor=actor_of(request), alarm_id=pk, **{name: form.cleaned_data[name]})
        except Refused as error:
            refuse(form, error)
        else:
            messages.success(request, said.format(alarm=alarm))
            # It is still there, on whichever page that was done.
            return done(request, back)
    return dialog(request, "alarms/ask.html", f"{label} {alarm}?", {
        "alarm": alarm, "form": form, "label": label, "back": back,
        "address": reverse(f"alarm-{label.lower()}", args=[pk])}, status=422 if form.is_bound else 200)
