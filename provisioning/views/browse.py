"""The Browse dialogs: pick a template, a host or a server; and the dialogs of a port and of a connection."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from provisioning.errors import Refused
from provisioning.forms.editor import posted_editor
from provisioning.forms.imports import TemplateImportForm
from provisioning.models import Application, ApplicationTemplate
from provisioning.permissions import CONFIGURE, IMPORT, VIEW, actor_of
from provisioning.selectors import applications as selector
from provisioning.selectors.hosts import host_list
from provisioning.services import applications as services
from provisioning.services import templates as template_services
from provisioning.states import SERVER_TYPES
from provisioning.views import editor_parts as parts
from provisioning.views.answers import dialog, sentence, with_sentences
from provisioning.views.pages import checked

SHOWN_MAX = 200
ROW_TEMPLATES = {"ports": "applications/_row_ports.html", "connections": "applications/_row_connections.html"}
FIELDS = ("template_id", "host_id", "backup_server_id", "info-server_id")


def _browse(request, title: str, rows, columns: tuple[str, ...], cells, **more):
    """The dialog with its list; a script that filters gets the list alone."""
    actor_of(request).require(VIEW)
    text = request.GET.get("q", "")[:255].strip()
    found = list(rows.filter(name__holds=text)[:SHOWN_MAX + 1] if text else rows[:SHOWN_MAX + 1])
    field = request.GET.get("field", "")
    context = {
        "options": [(row.pk, row.name, cells(row)) for row in found[:SHOWN_MAX]], "cut": len(found) > SHOWN_MAX,
        "shown_max": SHOWN_MAX, "columns": columns, "text": text, "field": field if field in FIELDS else "",
        "current": request.GET.get("current", ""), "address": request.path, **more,
    }
    if request.htmx and request.htmx.target == "browse-results":
        return render(request, "browse/_options.html", context)
    return dialog(request, "browse/browse.html", title, context)


@require_safe
@with_sentences
def templates(request, **more):
    return _browse(
        request, "Browse: Application Templates", ApplicationTemplate.objects.filter(enabled=True),
        ("Name", "Type", "Version"), lambda row: (row.get_type_display(), row.version),
        can_import=True, form=TemplateImportForm(), **more)


@require_POST
@with_sentences
def import_template(request):
    """Import an .apd file from inside the dialog: back to it with the new template selected, or with the sentence."""
    actor_of(request).require(IMPORT)
    form = TemplateImportForm(request.POST, request.FILES)
    status, current = 422, ""
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            row = template_services.import_template(actor=actor_of(request), file_name=file.name, content=file.read())
            form, status, current = TemplateImportForm(), 200, str(row.pk)
        except Refused as error:
            for refusal in error.refusals:
                form.add_error("file", sentence(refusal))
    rows = ApplicationTemplate.objects.filter(enabled=True)[:SHOWN_MAX]
    return dialog(request, "browse/browse.html", "Browse: Application Templates", {
        "options": [(row.pk, row.name, (row.get_type_display(), row.version)) for row in rows], "current": current,
        "columns": ("Name", "Type", "Version"), "field": "template_id", "can_import": True, "form": form,
        "address": request.path.removesuffix("import/"), "imported": current,
    }, status=status)


@require_safe
@with_sentences
def hosts(request):
    return _browse(
        request, "Browse: Hosts", host_list(), ("Name", "IP Address", "Status"),
        lambda row: (row.ip_address, row.status))


@require_safe
@with_sentences
def applications(request):
    """Servers. For ``field=backup_server_id``: those of ``type`` that can be a backup, without ``but`` itself."""
    rows = Application.objects.filter(type__in=SERVER_TYPES).select_related("host", "primary_server", "backup_server")
    but, backup = request.GET.get("but", ""), request.GET.get("field") == "backup_server_id"
    if but.isdecimal():
        rows = rows.exclude(pk=but)
    if backup and request.GET.get("type"):
        rows = rows.filter(type=request.GET["type"])
    return _browse(
        request, "Browse: Backup Servers" if backup else "Browse: Servers", rows, ("Name", "Type", "Host", "Pair"),
        lambda row: (row.get_type_display(), row.host.name if row.host else "–", _pair_words(row)))


def _pair_words(row) -> str:
    primary = getattr(row, "primary_server", None)
    if primary is not None:
        return f"backup of {primary.name}"
    return f"primary of {row.backup_server.name}" if row.backup_server else "–"


@require_http_methods(["GET", "HEAD", "POST"])
@with_sentences
def port_info(request):
    return _row_dialog(request, "ports", "Port Info", "browse/port_info.html")


@require_http_methods(["GET", "HEAD", "POST"])
@with_sentences
def connection_info(request):
    return _row_dialog(request, "connections", "Connection Info", "browse/connection_info.html")


def _row_dialog(request, kind: str, title: str, template: str):
    """A row's dialog: opens (``step`` add or edit), checks while typing (``check``), or puts the row (``ok``).

    The whole editor is sent along, so that a clash with another row, or with another application on the chosen host,
    is said here. Nothing is stored.
    """
    actor_of(request).require(CONFIGURE)
    editor, token = _editor_of(request), request.POST.get("token", "")
    if not ("ok" in request.POST or "check" in request.POST):
        return _open_row(request, kind, title, template, editor)
    form, row = parts.put_row(editor, kind, token, request.POST)
    if row is not None:
        _refuse_row(editor, kind, row, form)
    if "check" in request.POST:
        return checked(request, form, set(form.fields), in_dialog=True)
    if form.errors:
        return _show_row(request, kind, title, template, form, token, status=422)
    return _put_row(request, kind, editor, row, is_new=row.token != token)


def _open_row(request, kind, title, template, editor) -> HttpResponse:
    token, rows = request.POST.get("step", "").partition(":")[2], getattr(editor, kind)
    row = next((row for row in rows if row.token == token), None)
    return _show_row(request, kind, title, template, parts.row_form(kind, row, len(rows)), token)


def _put_row(request, kind, editor, row, *, is_new: bool) -> HttpResponse:
    answer = render(request, ROW_TEMPLATES[kind],
                    {"item": row, "servers": parts.server_names(getattr(editor, kind)), "fresh": True})
    answer["HX-Retarget"] = f"#{kind} tbody" if is_new else f"#row-{row.token}"
    answer["HX-Reswap"] = "beforeend" if is_new else "outerHTML"
    answer["HX-Trigger-After-Swap"] = "dialog-close"
    answer["HX-Trigger-After-Settle"] = "editor-changed"
    return answer


def _editor_of(request):
    key = request.POST.get("application", "")
    return posted_editor(request.POST, selector.get_application(int(key)) if key.isdecimal() else None)


def _show_row(request, kind, title, template, form, token, status=200) -> HttpResponse:
    server = parts.server_name(parts.as_key(form["server_id"].value())) if kind == "connections" else ""
    return dialog(request, template, title, {"info": form, "token": token, "kind": kind, "server_name": server},
                  status=status)


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
