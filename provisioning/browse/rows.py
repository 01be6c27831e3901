"""The dialogs of a port and of a connection: rows of the editor."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from provisioning.applications.services import applications as services
from provisioning.applications.views import editor_parts as parts
from provisioning.browse.views import ROW_TEMPLATES
from provisioning.core.permissions import CONFIGURE, actor_of
from provisioning.core.text import key_of
from provisioning.web.answers import dialog, sentence, with_sentences
from provisioning.web.pages import checked


@require_http_methods(["GET", "HEAD", "POST"])
@with_sentences
def port_info(request):
    return _row_dialog(request, "ports", "Port Info")


@require_http_methods(["GET", "HEAD", "POST"])
@with_sentences
def connection_info(request):
    return _row_dialog(request, "connections", "Connection Info")


def _row_dialog(request, kind: str, title: str):
    """A row's dialog: opens (``step`` add or edit), checks while typing (``check``), or puts the row (``ok``).

    The whole editor is sent along, so that a clash with another row, or with another application on the chosen host,
    is said here. Nothing is stored.
    """
    actor_of(request).require(CONFIGURE)
    editor, token = _editor_of(request), request.POST.get("token", "")
    if not ("ok" in request.POST or "check" in request.POST):
        return _open_row(request, kind, title, editor)
    form, row = parts.put_row(editor, kind, token, request.POST)
    if row is not None:
        _refuse_row(editor, kind, row, form)
    if "check" in request.POST:
        return checked(request, form, set(form.fields), in_dialog=True)
    if row is None or form.errors:
        return _show_row(request, kind, title, form, token, status=422)
    return _put_row(request, kind, editor, row, is_new=row.token != token)


def _open_row(request, kind, title, editor) -> HttpResponse:
    token, rows = request.POST.get("step", "").partition(":")[2], getattr(editor, kind)
    row = next((row for row in rows if row.token == token), None)
    return _show_row(request, kind, title, parts.row_form(kind, row, len(rows)), token)


def _put_row(request, kind, editor, row, *, is_new: bool) -> HttpResponse:
    answer = render(request, ROW_TEMPLATES[kind],
                    {"item": row, "servers": parts.server_names(getattr(editor, kind)), "fresh": True})
    answer["HX-Retarget"] = f"#{kind} tbody" if is_new else f"#row-{row.token}"
    answer["HX-Reswap"] = "beforeend" if is_new else "outerHTML"
    answer["HX-Trigger-After-Swap"] = "dialog-close"
    answer["HX-Trigger-After-Settle"] = "editor-changed"
    return answer


def _editor_of(request):
    return parts.posted(request.POST)


def _show_row(request, kind, title, form, token, status=200) -> HttpResponse:
    server = parts.server_name(key_of(form["server_id"].value())) if kind == "connections" else ""
    return dialog(request, "browse/row_info.html", title,
                  {"info": form, "token": token, "kind": kind, "server_name": server}, status=status)


def _refuse_row(editor, kind: str, row, form) -> None:
    """Ask the rules about this row alone: what else is wrong in the editor is not this dialog's business."""
    editor.is_valid()
    index = [other.token for other in getattr(editor, kind) if other.draft].index(row.token)
    draft = editor.draft_so_far()
    key = editor.application.pk if editor.application else None
    for refusal in services.check_application(draft=draft, application_id=key):
        place, _, rest = refusal.field.partition(".")
        at, _, name = rest.partition(".")
        if place == kind and at == str(index):
            form.add_error(name if name in form.fields else None, sentence(refusal))
