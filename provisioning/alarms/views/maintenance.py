"""Monitoring > Alarms > Maintenance: what is worked on, so that nobody is told of alarms about it."""

from django.contrib import messages
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.alarms.forms import MaintenanceFilter, MaintenanceForm
from provisioning.alarms.rules.maintenance import COMING, OVER, state_of
from provisioning.alarms.selectors import maintenance as selector
from provisioning.alarms.services import maintenance as services
from provisioning.core.permissions import ALARMS, actor_of
from provisioning.errors import Refused
from provisioning.web.answers import dialog, done
from provisioning.web.lists import leave_for
from provisioning.web.pages import carry_out, page, refuse, show
from provisioning.web.tables import Column, Table, page_of

TABLE = Table(tuple(map(Column, ("State", "About", "From", "To", "Reason", "By"))))
LIST = "maintenance-list"


@require_safe
@page()
def maintenance_list(request):
    form, now = MaintenanceFilter(request.GET), timezone.now()
    found = page_of(selector.maintenance_list(now, **form.chosen()), request.GET)
    return show(request, "alarms/maintenance.html", {
        "form": form, "page": found, "rows": [(row, state_of(row.begins_at, row.ends_at, now)) for row in found],
        "topic": selector.TOPIC, "header": TABLE.header("", request.GET.dict()), "over": OVER, "coming": COMING,
        "total": selector.maintenance_list(now, state=form.chosen().get("state", "")).count()})


@require_http_methods(["GET", "HEAD", "POST"])
@page(ALARMS)
def maintenance_new(request):
    back, form = leave_for(request, LIST), MaintenanceForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            row = services.begin_maintenance(actor=actor_of(request), draft=form.draft())
        except Refused as error:
            refuse(form, error)
        else:
            messages.success(request, f"Alarms about {row} are masked from {row.begins_at:%Y-%m-%d %H:%M} to "
                                      f"{row.ends_at:%Y-%m-%d %H:%M} UTC.")
            return done(request, back, leave=True)
    return dialog(request, "alarms/maintenance_form.html", "New maintenance", {
        "form": form, "back": back, "address": reverse("maintenance-new")}, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@page(ALARMS)
def maintenance_end(request, pk: int):
    row, back = selector.get_maintenance(pk), leave_for(request, LIST)
    if request.method != "POST":
        return dialog(request, "alarms/maintenance_end.html", f"End the maintenance of {row}?", {
            "maintenance": row, "back": back})
    return carry_out(request, lambda: services.end_maintenance(actor=actor_of(request), maintenance_id=pk),
                     said=lambda ended: f"The maintenance of {ended} is over.", to=lambda ended: back, back=back)
