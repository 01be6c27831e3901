"""Failover drills: the dialog that starts one, its page from the first phase to the report, the list, the schedule."""

from dataclasses import dataclass

from django.contrib import messages
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.core.permissions import DRILL, actor_of, sentence_for
from provisioning.drills.rules.figures import Figures, figures_of, last_time, loss
from provisioning.errors import Conflict, Refused
from provisioning.models import Drill
from provisioning.pairs.rules.failover_facts import Condition
from provisioning.pairs.selectors.pairs import get_pair
from provisioning.pairs.views.page import PairPage
from provisioning.states import DrillState
from provisioning.web.answers import dialog, done
from provisioning.web.pages import carry_out, page, refuse, show
from provisioning.web.tables import Column, Table, page_of

from . import selectors as selector
from .forms import ScheduleForm
from .rules import drills as rules
from .services import drills as services

TABLE = Table(tuple(map(Column, ("Drill", "Outcome", "Outage over", "Outage back", "Messages", "Requested",
                                 "What happened"))))


@dataclass(frozen=True)
class DrillView:
    """A drill as its pages show it."""

    drill: Drill
    why_not_cancel: str = ""

    @property
    def level(self) -> str:
        return rules.LEVELS[DrillState(self.drill.state)]

    @cached_property
    def figures(self) -> Figures | None:
        return figures_of(self.drill.figures) if self.drill.figures else None

    @property
    def loss(self) -> str:
        return loss(self.figures) if self.figures else ""

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        return rules.conditions_of(self.drill.preflight)

    @property
    def preflight(self) -> str:
        """The conditions in a sentence without its full stop."""
        return rules.summary(self.conditions).removesuffix(".")

    @property
    def elapsed_s(self) -> float:
        return ((self.drill.finished_at or timezone.now()) - self.drill.created_at).total_seconds()


def seen(drill: Drill, actor) -> DrillView:
    """``drill`` as this actor sees it now."""
    why = "" if actor.may(DRILL) else sentence_for(DRILL)
    if drill.cancel_requested_by:
        why = why or "Cancelling was asked for; the drill leaves the pair as it found it first."
    return DrillView(drill, why)


@require_http_methods(["GET", "HEAD", "POST"])
@page(DRILL)
def pair_drill(request, pk: int):
    """Ask first, naming what is hit; then start the drill and show it."""
    actor, back = actor_of(request), reverse("pair-detail", args=[pk])
    if request.method == "POST":
        return carry_out(request, lambda: services.start_drill(actor=actor, application_id=pk), back=back,
                         to=lambda drill: reverse("drill-detail", args=[drill.pk]),
                         said=lambda drill: f"{drill} was started.")
    pair = PairPage(request, get_pair(pk).id)
    last = selector.last_passed(pair.pk)
    cost = [last_time(figures_of(last.figures), DrillView(last).elapsed_s)] if last else []
    return dialog(request, "pairs/ask.html", f"Drill {' and '.join(row.name for row in pair.members)}?", {
        "address": reverse("pair-drill", args=[pair.pk]), "pair": pair, "label": "Start the drill",
        "follows": [*rules.follows(pair.facts), *cost],
        "why_not": pair.why_not.get("drill", "")})


@require_safe
@page()
def drill_detail(request, pk: int):
    """The drill's page, live while it runs, then its report; htmx gets the part that changes."""
    drill = selector.get_drill(pk)
    context = {"view": seen(drill, actor_of(request)), "drill": drill}
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "drills/_status.html", context | {"live": True})
    return render(request, "drills/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page(DRILL)
def drill_cancel(request, pk: int):
    """Ask first; then have the drill end."""
    drill = selector.get_drill(pk)
    if request.method != "POST":
        return dialog(request, "drills/cancel.html", f"Cancel {drill}?", {"drill": drill})
    back = reverse("drill-detail", args=[pk])
    return carry_out(request, lambda: services.cancel_drill(actor=actor_of(request), drill_id=pk), back=back,
                     to=lambda _: back, said=lambda drill: f"Cancelling {drill}: it leaves the pair as it found it.")


@require_safe
@page()
def pair_drills(request, pk: int):
    """All drills of a pair with outcome and outage, and when the next one starts by itself."""
    pair = get_pair(pk)
    rows, schedule = selector.drills_of(pair.id), selector.schedule_of(pair.id)
    found = page_of(rows, request.GET)
    return show(request, "drills/list.html", {
        "pair": pair, "page": found, "views": [DrillView(drill) for drill in found], "total": rows.count(),
        "header": TABLE.header("", request.GET.dict()), "schedule": schedule, "next": selector.next_of(schedule),
        "why_not": PairPage(request, pair.id).why_not.get("drill", "")})


@require_http_methods(["GET", "HEAD", "POST"])
@page(DRILL)
def pair_drill_schedule(request, pk: int):
    """When drills of this pair start by themselves."""
    pair, conflict = get_pair(pk), None
    form = ScheduleForm.of(selector.schedule_of(pair.id), request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            services.set_schedule(actor=actor_of(request), application_id=pair.id, draft=form.draft(),
                                  seen=form.cleaned_data["seen"])
        except Refused as error:
            refuse(form, error)
        except Conflict as error:
            # Sent once more it is known what is stored.
            conflict = error
            form.has_seen(selector.schedule_of(pair.id))
        else:
            messages.success(request, "The schedule of drills was saved.")
            return done(request, reverse("pair-drills", args=[pair.id]), leave=True)
    return dialog(request, "drills/schedule.html",
                  f"Scheduled drills of {pair.primary.name} and {pair.backup.name}",
                  {"pair": pair, "form": form, "conflict": conflict},
                  status=409 if conflict else 422 if form.is_bound else 200)
