"""The start files of an application (guide step 4): what was found on its host, Check and Repair."""

from django.contrib import messages
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from provisioning.applications.selectors import applications as selector
from provisioning.core.permissions import actor_of, sentence_for
from provisioning.errors import Refused
from provisioning.jobs.kinds import KINDS
from provisioning.jobs.selectors.readiness import why_not
from provisioning.jobs.selectors.start_files import start_files
from provisioning.jobs.views import under_way
from provisioning.states import JobKind
from provisioning.verbs.services import jobs as services
from provisioning.web.answers import dialog, done, refused, safe_address, sentence
from provisioning.web.pages import page

VERBS = {"check": JobKind.CHECK_START_FILES, "repair": JobKind.REPAIR_START_FILES}


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def application_start_files(request, pk: int):
    """What differs, with the verbs; POST ``verb`` check or repair. A repair names the files (``seen``: name and
    SHA-256) whose difference somebody looked at."""
    row = selector.get_application(pk)
    if request.method != "POST":
        return _show(request, row)
    verb = "repair" if request.POST.get("verb") == "repair" else "check"
    actor_of(request).require(KINDS[VERBS[verb]].permission)
    if verb == "check":
        return _check(request, row)
    shown = dict(text.rpartition(" ")[::2] for text in request.POST.getlist("seen"))
    found = start_files([row]).get(pk)
    if found is None or found.seen != shown:
        return _show(request, row, trouble="They were looked at again in the meantime. This is what differs now.")
    return _repair(request, row, shown)


def _check(request, row):
    try:
        job = services.check_start_files(actor=actor_of(request), application_id=row.pk)
    except Refused as error:
        return refused(request, error, _back(request, row))
    return _under_way(request, row, job)


def _repair(request, row, shown: dict[str, str]):
    try:
        job = services.repair_start_files(actor=actor_of(request), application_id=row.pk, seen=shown)
    except Refused as error:
        return _show(request, row, trouble=sentence(error.refusals[0]))
    return _under_way(request, row, job)


def _under_way(request, row, job):
    messages.success(request, under_way(job))
    return done(request, _back(request, row))


def _back(request, row) -> str:
    return safe_address(request, request.POST.get("next", ""), reverse("pair-detail", args=[row.pk]))


def _show(request, row, trouble: str = ""):
    actor = actor_of(request)
    now = why_not([row], [*VERBS.values()])[row.pk]
    off = {verb: now.get(kind, "") if actor.may(KINDS[kind].permission) else sentence_for(KINDS[kind].permission)
           for verb, kind in VERBS.items()}
    found = start_files([row]).get(row.pk)
    back = request.POST.get("next") or request.GET.get("next", "")
    return dialog(request, "verbs/start_files.html", f"Start files of {row.name}", {
        "row": row, "found": found, "trouble": trouble, "why_not": off,
        "next": safe_address(request, back, reverse("pair-detail", args=[row.pk]))}, status=422 if trouble else 200)
