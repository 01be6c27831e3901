"""The Browse dialogs: pick a template, a host or a server; and the dialogs of a port and of a connection."""

from collections.abc import Callable

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from provisioning.applications.forms.rows import ConnectionForm
from provisioning.applications.selectors import applications as selector
from provisioning.catalog.forms import TemplateImportForm
from provisioning.catalog.services import templates as template_services
from provisioning.core.permissions import IMPORT, VIEW, actor_of
from provisioning.core.text import key_of
from provisioning.errors import Refused
from provisioning.hosts.selectors.hosts import host_list
from provisioning.models import Application, ApplicationTemplate, Host
from provisioning.pairs.selectors.page import backup_candidates
from provisioning.spelling import by_name
from provisioning.states import SERVER_TYPES
from provisioning.web.answers import dialog, sentence, with_sentences
from provisioning.web.choices import CHOICES_STEP, choices

SHOWN_MAX = 200
NAMES_MAX = 50
ROW_TEMPLATES = {"ports": "applications/_row_ports.html", "connections": "applications/_row_connections.html"}
FIELDS = ("template_id", "host_id", "backup_server_id", "info-server_id")


def _browse(request, title: str, rows, columns: tuple[str, ...], cells, **more):
    """The dialog with its list; a script that filters, or wants more of it, gets the list alone."""
    actor_of(request).require(VIEW)
    field = request.GET.get("field", "")
    context = {
        **_options(request, rows, cells), "columns": columns, "field": field if field in FIELDS else "",
        "current": request.GET.get("current", ""), "address": request.path, **more,
    }
    if request.htmx and request.htmx.target in ("browse-results", "browse-more"):
        return render(request, "browse/_options.html", context | {"part": True})
    return dialog(request, "browse/browse.html", title, context)


def _options(request, rows, cells) -> dict:
    """SHOWN_MAX of ``rows`` that hold ``?q=``, from number ``?from=`` on, and how many there are."""
    text, begin = request.GET.get("q", "")[:255].strip(), key_of(request.GET.get("from")) or 0
    matching, total = rows.filter(name__holds=text) if text else rows, rows.count()
    found = matching.count() if text else total
    shown = matching[begin:begin + SHOWN_MAX]
    end = begin + len(shown)
    return {"options": [(row.pk, row.name, cells(row)) for row in shown], "text": text, "found": found, "total": total,
            "begin": begin, "end": end, "next": end if end < found else 0}


def _of_template(row: ApplicationTemplate) -> tuple[str, str]:
    return row.get_type_display(), row.version


@require_safe
@with_sentences
def templates(request, **more):
    return _browse(
        request, "Browse: Application Templates", ApplicationTemplate.objects.filter(enabled=True),
        ("Name", "Type", "Version"), _of_template, can_import=True, form=TemplateImportForm(), **more)


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
    return dialog(request, "browse/browse.html", "Browse: Application Templates", {
        **_options(request, ApplicationTemplate.objects.filter(enabled=True), _of_template), "current": current,
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
def servers(request):
    """What a connection's Server can be set to, for the script of its dialog: what holds the text that was typed."""
    actor_of(request).require(VIEW)
    field, most = ConnectionForm()["server_id"], request.GET.get("most", "")
    name = field.html_name
    found = choices("server_id", text=request.GET.get(f"find-{name}", "")[:255], chosen=request.GET.get(name, ""),
                    but=key_of(request.GET.get("application")), most=key_of(most) or CHOICES_STEP)
    return render(request, "pairwise/layout/choices.html", {
        "again": True,
        "choices": found, "name": name, "id": field.auto_id, "label": field.label, "size": 7, "more_at": request.path})


@require_safe
@with_sentences
def applications(request):
    """Servers. For ``field=backup_server_id``: those of ``type`` that can be a backup, without ``but`` itself."""
    rows = Application.objects.filter(type__in=SERVER_TYPES).select_related("host", "primary_server", "backup_server")
    but, backup = key_of(request.GET.get("but")), request.GET.get("field") == "backup_server_id"
    if but is not None:
        rows = rows.exclude(pk=but)
    if backup and request.GET.get("type"):
        rows = rows.filter(type=request.GET["type"])
    return _browse(
        request, "Browse: Backup Servers" if backup else "Browse: Servers", rows, ("Name", "Type", "Host", "Pair"),
        lambda row: (row.get_type_display(), row.host.name if row.host else "–", _pair_words(row)))


@require_safe
@with_sentences
def names(request, kind: str):
    """What a filter's field offers while somebody types: the first names that hold it, and how many there are."""
    actor_of(request).require(VIEW)
    if kind not in NAMES:
        raise Http404("There are no such names.")
    field, rows = NAMES[kind]
    text, found = request.GET.get(field, "")[:255].strip(), rows(request)
    found = found.filter(name__holds=text) if text else found
    shown = list(found.order_by(*by_name("name")).values_list("name", flat=True)[:NAMES_MAX])
    total = found.count() if len(shown) == NAMES_MAX else len(shown)
    return render(request, "browse/_names.html", {"names": shown, "total": total, "text": text})


def _free_servers(request):
    """Those that the server ``?but=`` could name as its Backup Server."""
    key = key_of(request.GET.get("but"))
    return Application.objects.none() if key is None else backup_candidates(selector.get_application(key))


NAMES: dict[str, tuple[str, Callable[[HttpRequest], QuerySet]]] = {
    "hosts": ("host", lambda request: Host.objects.all()),
    "applications": ("application", lambda request: Application.objects.all()),
    "pairs": ("pair", lambda request: Application.objects.filter(backup_server__isnull=False)),
    "backups": ("candidate", _free_servers)}
"""{kind: (name of the field that is typed into, what it is a name of)}."""


def _pair_words(row) -> str:
    primary = getattr(row, "primary_server", None)
    if primary is not None:
        return f"backup of {primary.name}"
    return f"primary of {row.backup_server.name}" if row.backup_server else "–"
