"""History: who changed what, when and from where; its versions, Restore, and what was deleted."""

from datetime import datetime

from django.contrib import messages
from django.db.models import QuerySet
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.core.events import last_failover, last_failover_of
from provisioning.core.permissions import EXPORT, actor_of, sentence_for
from provisioning.core.reasons import one_line
from provisioning.core.redaction import Redactor
from provisioning.core.text import key_of
from provisioning.errors import Conflict, Link, NotFound, Refused
from provisioning.history import entries as selector
from provisioning.history import restore as restoring
from provisioning.history.forms import DeletedFilter, HistoryFilter
from provisioning.history.kinds import LABELS
from provisioning.models import HistoryEntry
from provisioning.web.answers import PAGES, address_of, dialog, done, sentence
from provisioning.web.exports import Sheet, file_of, iso, newest_first
from provisioning.web.pages import page, show
from provisioning.web.reasons import ReasonForm
from provisioning.web.tables import page_of

FILE = Sheet("pairwise-history", "entries", (
    "number", "at", "user_name", "origin", "action", "object_type", "object_id", "object_name", "reason", "request_id",
    "changes"))
EDITORS = {"application": ("application-edit", "application-new"), "host": ("host-edit", "host-new")}
"""Kinds of object with an editor: its address for what exists, and for what is brought back."""


@require_safe
@page()
def history(request):
    """Entries of one request stand together, with before and after of each field."""
    form = HistoryFilter(request.GET, users=selector.history_users())
    found = page_of(_chosen(form), request.GET)
    return show(request, "history/list.html", {
        "form": form, "page": found, "requests": selector.group_by_request(selector.mark_present(found)),
        "pages": PAGES, "kinds": LABELS, "total": HistoryEntry.objects.count()})


def _chosen(form: HistoryFilter) -> QuerySet[HistoryEntry]:
    within, chosen = form.parts(_last_failover)
    return within.of(selector.history_list(**chosen))


def _last_failover(*, object_type: str = "", object_id: str = "", **others: object) -> datetime | None:
    """Of the application whose entries are shown, else of any."""
    key = key_of(object_id) if object_type == "application" else None
    return last_failover() if key is None else last_failover_of(key)


@require_safe
@page(EXPORT)
def export(request, list_format: str):
    """What the list shows with the same filter, from its newest on, without secrets."""
    form, redactor = HistoryFilter(request.GET, users=selector.history_users()), Redactor(())
    return file_of(request, list_format, FILE, lambda: (
        redactor.value(_cells(row)) for row in newest_first(_chosen(form), "number")))


def _cells(row: HistoryEntry) -> dict:
    changes = [{"field": change.label, "before": change.before, "after": change.after}
               for change in selector.field_changes(row.before, row.after)]
    return {"at": iso(row.at), "changes": changes,
            **{name: getattr(row, name) for name in FILE.columns if name not in ("at", "changes")}}


@require_safe
@page()
def deleted(request):
    """What was deleted and not brought back."""
    form = DeletedFilter(request.GET)
    found = page_of(selector.deleted_objects(**form.chosen()), request.GET)
    return show(request, "history/deleted.html", {
        "form": form, "page": found, "kinds": LABELS, "total": selector.deleted_objects().count(),
        "rows": [(row, restoring.permission_for(row.object_type) is not None, why_not_restore(request, row))
                 for row in found]})


@require_safe
@page()
def entry(request, pk: int):
    """One entry: all that it says, the version that it holds, and what can be done with it."""
    [row] = selector.mark_present([selector.get_entry(pk)])
    older, newer = selector.neighbours(row)
    editable = row.object_type in EDITORS and row.version is not None
    return show(request, "history/entry.html", {
        "entry": row, "label": LABELS.get(row.object_type, row.object_type), "older": older, "newer": newer,
        "changes": selector.field_changes(row.before, row.after), "fields": selector.flatten(row.version or {}),
        "address": reverse(PAGES[row.object_type], args=[row.object_id]) if row.is_present and (
            row.object_type in PAGES) else "",
        "others": selector.history_list(request_id=row.request_id).count() - 1 if row.request_id else 0,
        "restorable": row.version is not None and restoring.permission_for(row.object_type) is not None,
        "why_not": why_not_restore(request, row), "edit": edit_address(row) if editable else ""})


def why_not_restore(request, row: HistoryEntry) -> str:
    """"" when this user may restore objects of this kind, else the sentence why not."""
    verb = restoring.permission_for(row.object_type)
    return "" if verb is None or actor_of(request).may(verb) else sentence_for(verb)


def edit_address(row: HistoryEntry) -> str:
    """Where the version of ``row`` (marked by ``mark_present``) is edited."""
    stored, new = EDITORS[row.object_type]
    address = reverse(stored, args=[row.object_id]) if row.is_present else reverse(new)
    return f"{address}?version={row.number}"


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def restore(request, pk: int):
    """The plan of Restore or Bring Back; POST carries it out when it is still the one that was shown."""
    troubles: list[str] = []
    if request.method == "POST":
        try:
            return _restored(request, pk)
        except Refused as error:
            troubles = [sentence(refusal) for refusal in error.refusals]
        except (Conflict, NotFound) as error:
            troubles = [str(error)]
    try:
        plan = restoring.plan(actor=actor_of(request), number=pk)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("history-entry", pk=pk)
    [row] = selector.mark_present([plan.entry])
    title = f"{'Restore' if plan.row else 'Bring back'} {row.object_name}"
    return dialog(request, "history/restore.html", title, {
        "plan": plan, "entry": row, "title": restoring.title_of(row), "troubles": troubles,
        "refusals": [sentence(refusal) for refusal in plan.refusals],
        "notes": [sentence(note) for note in plan.notes],
        "items": [(item, [sentence(refusal) for refusal in item.why_not]) for item in plan.items],
        "label": LABELS[row.object_type], "reason": ReasonForm(request.POST or None),
        "edit": edit_address(row) if row.object_type in EDITORS else ""}, status=422 if troubles else 200)


def _restored(request, pk: int):
    revision = key_of(request.POST.get("revision"))
    row = restoring.restore(
        actor=actor_of(request), number=pk, revision=-1 if revision is None else revision,
        names=request.POST.getlist("fields"), reason=one_line(request.POST.get("reason", "")))
    entry = selector.get_entry(pk)
    address, later = address_of(Link(entry.object_type, str(row.pk), str(row))), restoring.waits(entry, row)
    what = "was restored" if revision != 0 else "was brought back"
    (messages.warning if later else messages.success)(
        request, format_html('<a href="{}">{}</a> {}. {}', address, row, what, later))
    return done(request, address, leave=True)
