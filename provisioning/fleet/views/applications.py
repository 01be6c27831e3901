"""The Applications list and what is done to its rows."""

import json
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import push_url

from provisioning.applications.selectors import applications as selector
from provisioning.core.permissions import CONFIGURE, INSTALL, VIEW, actor_of
from provisioning.core.text import key_of
from provisioning.fleet.forms.filters import ApplicationFilter
from provisioning.jobs.selectors.readiness import why_not
from provisioning.models import Application
from provisioning.spelling import before
from provisioning.states import ApplicationStatus, ApplicationType
from provisioning.web.answers import with_sentences
from provisioning.web.tables import APPLICATIONS, EDITOR_ACTIONS, GAPS, JUDGED, page_of

from . import dialogs, verbs

FILTERS = ("q", "type", "host", "status", "sort", "size", "page")


@require_safe
@with_sentences
def application_list(request):
    """The list; a script that filters, sorts or pages gets the rows alone."""
    actor_of(request).require(VIEW)
    values = {name: request.GET[name][:255] for name in FILTERS if request.GET.get(name)}
    rows = selector.application_list(text=values.get("q", ""), type=values.get("type", ""), host=values.get("host", ""),
                                     status=values.get("status", ""), sort=values.get("sort", "name"))
    saved = request.GET.get("saved", "")
    page = page_of(rows, _with_saved(rows, values, saved))
    part = request.htmx and not request.htmx.history_restore_request
    blocked = why_not(page, JUDGED)
    context = {"page": page, "rows": [(row, json.dumps(blocked[row.pk])) for row in page], "values": values,
               "saved": saved, "total": Application.objects.count(), "part": part,
               "filtered": any(values.get(name) for name in ("q", "type", "host", "status")),
               "header": APPLICATIONS.header(values.get("sort", "name"), values)}
    if not part:
        return render(request, "fleet/list.html", {**context, **_around(request)})
    answer = render(request, "fleet/_rows.html", context)
    return answer if "refresh" in request.GET else push_url(answer, f"{request.path}{_query(values)}")


def _around(request) -> dict:
    """What stands around the rows: the toolbar and the choices of the filters."""
    return {"actions": APPLICATIONS.actions, "gaps": GAPS, "types": ApplicationType.choices,
            "form": ApplicationFilter(request.GET), "statuses": ApplicationStatus.values}


def _query(values: dict) -> str:
    kept = {name: value for name, value in values.items() if (name, value) != ("page", "1")}
    return f"?{urlencode(kept)}" if kept else ""


def _with_saved(rows, values: dict, saved: str) -> dict:
    """``values`` with the page on which the row that was just saved stands (in the order by name)."""
    key = key_of(saved)
    if key is None or "page" in values or values.get("sort", "name") != "name":
        return values
    name = Application.objects.filter(pk=key).values_list("name", flat=True).first()
    earlier = before(rows, "name", name).count() if name else 0
    return {**values, "page": earlier // page_of([], values).paginator.per_page + 1}


@require_POST
@with_sentences
def application_action(request):
    """One verb of the toolbar on the chosen rows: asks first where it says so, then calls the service."""
    action = APPLICATIONS.find(request.POST.get("verb", ""))
    if action is None:
        raise Http404("There is no such action.")
    actor_of(request).require(action.permission)
    rows = verbs.chosen_rows(request)
    if action.verb == "export":
        return verbs.export(rows)
    if not verbs.enough(action, rows):
        return verbs.select_first(request, action)
    if action.verb in verbs.OF_ONE and len(rows) == 1:
        return verbs.OF_ONE[action.verb](request, rows[0])
    if action.confirm and not request.POST.get("confirmed"):
        return verbs.confirm(request, action, rows)
    return verbs.carry_out(request, action, rows)


@require_http_methods(["GET", "HEAD", "POST"])
@with_sentences
def application_clone(request, pk: int):
    actor_of(request).require(CONFIGURE)
    row = selector.get_application(pk)
    return dialogs.clone(request, row) if request.method == "POST" else dialogs.clone_dialog(request, row)


@require_http_methods(["GET", "HEAD", "POST"])
@with_sentences
def application_install(request, pk: int):
    actor_of(request).require(INSTALL)
    row = selector.get_application(pk)
    return dialogs.install(request, row) if request.method == "POST" else dialogs.install_dialog(request, row)


@require_safe
@with_sentences
def application_delete(request, pk: int):
    """The question whether to delete one application; its answer goes to ``application_action``."""
    actor_of(request).require(APPLICATIONS.action("delete").permission)
    return verbs.confirm(request, APPLICATIONS.action("delete"), [selector.get_application(pk)])


@require_safe
@with_sentences
def application_status(request, pk: int):
    """The cells of one row, or (``?in=editor``) the title and toolbar of its editor, as they are now."""
    actor_of(request).require(VIEW)
    in_editor = request.GET.get("in") == "editor"
    if request.htmx and not in_editor and not Application.objects.filter(pk=pk).exists():
        # The list loses the row by itself.
        return HttpResponse(status=204)
    row = selector.get_application(pk)
    template = "fleet/_live_editor.html" if in_editor else "fleet/_live_row.html"
    blocked = why_not([row], JUDGED)[row.pk]
    return render(request, template, {"row": row, "blocked": blocked, "blocked_json": json.dumps(blocked),
                                      "actions": EDITOR_ACTIONS, "oob": True})
