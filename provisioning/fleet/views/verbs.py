"""What the buttons of the Applications list and editor do: dialogs that ask, services that act, messages that say."""

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html

from provisioning.applications.selectors import applications as selector
from provisioning.applications.services import applications as services
from provisioning.core.permissions import actor_of
from provisioning.core.reasons import one_line
from provisioning.core.text import key_of
from provisioning.errors import Refused
from provisioning.fleet.selectors.consequences import what_follows
from provisioning.fleet.services import batches
from provisioning.fleet.services.export import export_yaml
from provisioning.fleet.views.dialogs import clone_dialog, install_dialog
from provisioning.jobs.selectors.readiness import refusals, why_not
from provisioning.jobs.views import under_way
from provisioning.pairs.views.page import PairPage
from provisioning.pairs.views.verbs import ask
from provisioning.web.answers import dialog, done, safe_address
from provisioning.web.lists import leave_for
from provisioning.web.reasons import ReasonForm
from provisioning.web.tables import ONE, Action

from .batches import tell_refusals

IDS_MAX = 1000
SHOWN_MAX = 12
PAST = {"enable": "enabled", "disable": "disabled", "delete": "deleted"}


def chosen_rows(request) -> list:
    ids = [key for key in dict.fromkeys(map(key_of, request.POST.getlist("ids"))) if key is not None][:IDS_MAX]
    return list(selector.application_list().filter(pk__in=ids))


def enough(action: Action, rows: list) -> bool:
    return len(rows) == 1 if action.needs == ONE else bool(rows)


def back_address(request) -> str:
    return safe_address(request, request.POST.get("next", ""), leave_for(request, "application-list"))


def select_first(request, action: Action):
    what = "exactly one application" if action.needs == ONE else "the applications"
    messages.warning(request, f"Select {what} in the list first, then {action.label}.")
    return done(request, back_address(request), events=())


def counted(rows: list) -> str:
    """``MS_Primary`` or ``3 applications``."""
    return rows[0].name if len(rows) == 1 else f"{len(rows)} applications"


# --- dialogs
def confirm(request, action: Action, rows: list):
    """Names what is hit, what follows, and what is left out; its form comes back with ``confirmed``."""
    hit, why = _hit(action.verb, rows)
    left_out = [row for row in rows if row not in hit]
    title = f"{action.label} {counted(hit or rows)}"
    return dialog(request, "fleet/confirm.html", f"{title}?", {
        "action": action, "ids": [row.pk for row in hit], "label": title,
        "hit": [what_follows(row, action.verb) for row in hit[:SHOWN_MAX]],
        "more": [row.name for row in hit[SHOWN_MAX:]],
        "left_out": [why[row.pk] for row in left_out[:SHOWN_MAX]],
        "more_left_out": [why[row.pk] for row in left_out[SHOWN_MAX:]],
        "next": _back_after(request, action, rows),
        "reason": ReasonForm() if action.verb == "delete" else None,
        "leave": request.POST.get("leave") or request.GET.get("leave"), "stay": request.POST.get("stay"),
    })


def _hit(verb: str, rows: list) -> tuple[list, dict[int, str]]:
    """(rows to which ``verb`` can be done together, {application: why not to it}): who connects to a server that is
    deleted, and is left out itself, keeps the server."""
    hit, able = None, rows
    while able != hit:
        hit = able
        said = why_not(rows, [verb], going={row.pk for row in hit})
        able = [row for row in hit if verb not in said[row.pk]]
    return hit, {key: found.get(verb, "") for key, found in said.items()}


def _back_after(request, action: Action, rows: list) -> str:
    """Where to go afterwards; the page of an object that is deleted is no place to go back to."""
    back = back_address(request)
    gone = action.verb == "delete" and urlsplit(back).path == reverse("application-edit", args=[rows[0].pk])
    return leave_for(request, "application-list") if gone else back


def open_editor(request, row):
    address = reverse("application-edit", args=[row.pk])
    return HttpResponse(status=204, headers={"HX-Redirect": address}) if request.htmx else redirect(address)


def switch_over(request, row):
    """The question of the row's pair; its answer goes to the Pair page's own address."""
    primary = row if row.backup_server_id else getattr(row, "primary_server", None)
    if primary is None or not row.is_runnable:
        raise Refused(*refusals(row, "switch-over"))
    return ask(request, PairPage(request, primary.pk), "switchover")


OF_ONE = {"edit": open_editor, "clone": clone_dialog, "install": install_dialog, "switch-over": switch_over}
"""Verbs that work on one row and have a page or a dialog of their own."""


# --- verbs
def export(rows: list) -> HttpResponse:
    """The YAML that ``manage.py apply`` reads, of ``rows`` or of everything; secrets are masked."""
    text = export_yaml(names=[row.name for row in rows] or None)
    return HttpResponse(text, content_type="application/yaml; charset=utf-8",
                        headers={"Content-Disposition": 'attachment; filename="pairwise.yaml"'})


def carry_out(request, action: Action, rows: list):
    ids, actor = [row.pk for row in rows], actor_of(request)
    if action.verb in PAST:
        _change(actor, action.verb, ids, one_line(request.POST.get("reason", "")))
        messages.success(request, f"{counted(rows)} {'was' if len(rows) == 1 else 'were'} {PAST[action.verb]}.")
        return done(request, back_address(request), leave=bool(request.POST.get("leave")))
    asked = _run(request, action, rows)
    if asked.batch:
        address = reverse("batch-detail", args=[asked.batch])
        if not request.POST.get("stay"):
            return done(request, address, leave=True)
        messages.success(request, format_html('{} is running: <a href="{}">{}</a>', action.label, address,
                                              f"{len(asked.jobs)} applications"))
    return done(request, back_address(request), leave=bool(request.POST.get("leave")))


def _change(actor, verb: str, ids: list[int], reason: str) -> None:
    if verb == "delete":
        services.delete_applications(actor=actor, application_ids=ids, reason=reason)
    else:
        services.set_enabled(actor=actor, application_ids=ids, enabled=verb == "enable")


def _run(request, action: Action, rows: list) -> batches.Asked:
    """Install, start or stop: one job for each application that can, one sentence for each that cannot."""
    actor, ids = actor_of(request), [row.pk for row in rows]
    asked = RUN[action.verb](actor=actor, application_ids=ids)
    if len(asked.jobs) == 1:
        messages.success(request, under_way(asked.jobs[0]))
    tell_refusals(request, asked.refusals)
    return asked


RUN: dict[str, Callable[..., batches.Asked]] = {
    "install": batches.install_applications,
    "start": batches.start_applications,
    "stop": batches.stop_applications,
    "stop-gracefully": partial(batches.stop_applications, graceful=True),
}
