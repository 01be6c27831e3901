"""The tab Server log of an application: its lines, further lines for the script, and the log as a file."""

from dataclasses import asdict
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from protocol.log_messages import LINES_MAX
from provisioning.applications.selectors.applications import get_application
from provisioning.core.permissions import CONFIGURE, EXPORT, actor_of
from provisioning.core.text import key_of, strange
from provisioning.errors import Refused
from provisioning.web.answers import refused
from provisioning.web.lists import onward, with_query
from provisioning.web.pages import carry_out, page

from .facts import SHOWN_LINES, WHERE_TO_SET, Lines
from .forms import LogChoice
from .selectors import read
from .services import detail, files


def _asked(values) -> dict[str, Any]:
    """What a browser may say of the lines that it wants."""
    return {"file": values.get("file", ""), "before": key_of(values.get("before"))}


def _shown(lines: Lines | None) -> list[str]:
    """What clients gave a server stands in them."""
    return [strange(line) for line in lines.lines] if lines else []


@require_safe
@page()
def server_log(request, pk: int):
    """The last lines of a file, or those before a place (``?before=``), for a script or as a page of its own."""
    row = get_application(pk)
    answer = read(row, **_asked(request.GET), lines=SHOWN_LINES, listing=True)
    search = request.GET.get("search", "")
    shown = _shown(answer.lines)
    if search and not request.htmx:
        shown = [line for line in shown if search.casefold() in line.casefold()]
    return render(request, "server_log/tab.html", {
        "row": row, "tab_frame": "web/tab_fragment.html" if request.htmx else "web/tab_page.html",
        "heading": f"{row.name}: Server log", "answer": answer, "lines": answer.lines, "shown": shown,
        "choice": LogChoice(answer, search), "before": request.GET.get("before"),
        "chosen": next((each for each in answer.files if each.name == answer.file), None),
        "where_to_set": WHERE_TO_SET if answer.names_no_file else "", "minutes": detail.MINUTES})


@require_safe
@page()
def lines(request, pk: int):
    """For the script, as JSON: the lines after ``after`` (of the file ``of``), or before ``before``; {"trouble": …}
    when they cannot be read."""
    answer = read(get_application(pk), **_asked(request.GET), after=key_of(request.GET.get("after")),
                  of=request.GET.get("of", ""), lines=LINES_MAX)
    said = {"trouble": answer.trouble} if answer.lines is None else \
        asdict(answer.lines) | {"lines": _shown(answer.lines)}
    return JsonResponse(said, headers={"Cache-Control": "no-store"})


@require_POST
@page(EXPORT)
def download(request, pk: int):
    """The newest part of the log as a file."""
    try:
        made = files.download(actor=actor_of(request), application_id=pk, file=_asked(request.POST)["file"])
    except Refused as error:
        return refused(request, error, _tab_of(request, pk))
    return HttpResponse(made.body, content_type="text/plain; charset=utf-8", headers={
        "Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{made.name}"'})


@require_POST
@page(CONFIGURE)
def more_detail(request, pk: int):
    """More detail for a while (``verb`` begin), or back to normal (end)."""
    actor, address = actor_of(request), _tab_of(request, pk)
    if request.POST.get("verb") == "end":
        return carry_out(request, lambda: detail.end(actor=actor, application_id=pk), back=address,
                         said=lambda _: "The log is back to normal.", to=lambda _: address)
    return carry_out(request, lambda: detail.begin(actor=actor, application_id=pk), back=address,
                     said=lambda row: f"{row.application} writes everything into its log for {detail.MINUTES} minutes.",
                     to=lambda _: address)


def _tab_of(request, pk: int) -> str:
    return with_query(onward(request, "application-edit", pk), tab="server-log")
