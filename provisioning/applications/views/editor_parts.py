"""What the Application editor's templates are given: names for keys, tabs, and the steps of those without scripts."""

from collections.abc import Callable

from provisioning.applications.forms.editor import Editor
from provisioning.applications.forms.editors import posted_editor
from provisioning.applications.forms.kept_types import HELPS, OPTIONS_KEPT, OPTIONS_READ, say_of_kept_type
from provisioning.applications.forms.rows import ConnectionForm, PortForm, Row, RowForm
from provisioning.applications.rules.saved_notes import KEPT_TYPE
from provisioning.applications.selectors.applications import clients_of, get_application
from provisioning.core.text import key_of
from provisioning.history.entries import group_by_request, history_list
from provisioning.models import Application, Event, Host
from provisioning.states import RUNNABLE_TYPES, SERVER_TYPES, startup_type

TABS = {"configuration": "Configuration", "options": "Options", "dependencies": "Dependencies", "history": "History",
        "jobs": "Jobs", "log": "Events", "records": "Log", "server-log": "Server log", "charts": "Charts"}
OF_SERVERS = ("server-log", "charts")
"""Tabs of what only a server that Pairwise starts has."""
ROW_FORMS: dict[str, type[RowForm]] = {"ports": PortForm, "connections": ConnectionForm}
SHOWN_MAX = 100


def posted(values) -> Editor:
    """What was sent of the editor; its ``application`` says of which object, None for a new one. Raises NotFound."""
    key = key_of(values.get("application"))
    return posted_editor(values, None if key is None else get_application(key))


def context_of(editor: Editor) -> dict:
    template = editor.template
    kind = editor.application or template
    if kind and kind.type not in SERVER_TYPES:
        editor.form.ask_nothing_of_a_server()
    is_kept = kind is not None and kind.type not in RUNNABLE_TYPES
    if is_kept:
        say_of_kept_type(editor.form)
    follows = getattr(editor.application, "primary_server", None)
    editor.form.shown_only = (() if editor.is_new else ("template_id",)) + (("tenants",) if follows else ())
    return {
        "editor": editor, "form": editor.form, "template": template, "tabs": _tabs(editor),
        "names": names_of(editor), "follows": follows, "told_by_type": [editor.form[name] for name in HELPS],
        "servers": server_names(editor.connections), "must_show": editor.is_new or bool(editor.summary),
        "facts": {
            "type": kind.get_type_display() if kind else "", "version": kind.version if kind else "",
            "is_server": kind.type in SERVER_TYPES if kind else None,
            "kept_only": KEPT_TYPE if is_kept else "",
            "serves_clients": kind is not None and not is_kept,
            "options_read_by": OPTIONS_KEPT if is_kept else OPTIONS_READ,
            "is_primary": editor.application.is_primary if editor.application else True,
            "startup_type": startup_type(kind.type) if kind else "",
        },
    }


def _tabs(editor: Editor) -> list[dict]:
    runs = editor.application is not None and editor.application.is_runnable
    names = ["configuration", "options"] if editor.is_new else [name for name in TABS if runs or name not in OF_SERVERS]
    chosen = editor.tab if editor.tab in names else names[0]
    wrong = [entry[3] for entry in editor.summary]
    if wrong and chosen not in wrong and wrong[0] in names:
        chosen = wrong[0]
    return [{"name": name, "label": TABS[name], "selected": name == chosen, "errors": wrong.count(name)}
            for name in names]


def names_of(editor: Editor) -> dict[str, str]:
    """Names of what the pickers point to: {field: name}."""
    host, backup = (key_of(editor.form[name].value()) for name in ("host_id", "backup_server_id"))
    template = editor.template
    return {
        "template_id": template.name if template else "",
        "host_id": Host.objects.filter(pk=host).values_list("name", flat=True).first() or "" if host else "",
        "backup_server_id": server_name(backup) if backup else "",
    }


def server_name(key: int | None) -> str:
    return Application.objects.filter(pk=key).values_list("name", flat=True).first() or "" if key else ""


def server_names(rows: list[Row]) -> dict[int, str]:
    keys = {key for row in rows if (key := key_of(row.values.get("server_id"))) is not None}
    return dict(Application.objects.filter(pk__in=keys).values_list("pk", "name"))


# --- steps without scripts: <kind>-<add|edit|remove|ok|find>[:token] on rows; any other only shows the page again
def take_step(editor: Editor, step: str, values) -> dict:
    """Carry a step out on the editor's rows; returns what the page needs to show a row's form in place."""
    editor.form.errors.clear() if editor.form.is_bound else None
    kind, _, rest = step.partition("-")
    verb, _, token = rest.partition(":")
    if kind not in ROW_FORMS:
        return {}
    rows = getattr(editor, kind)
    row = next((row for row in rows if row.token == token), None)
    if verb == "remove":
        setattr(editor, kind, [other for other in rows if other.token != token])
        return {}
    if verb in ("add", "edit"):
        return {"inline": kind, "info": row_form(kind, row, len(rows)), "token": token}
    if verb == "find":
        # Only what can be chosen changes.
        sent = {name: values.get(f"{RowForm.prefix}-{name}") for name in ROW_FORMS[kind].base_fields}
        return {"inline": kind, "info": ROW_FORMS[kind](initial=sent), "token": token}
    form, changed = put_row(editor, kind, token, values)
    return {} if changed else {"inline": kind, "info": form, "token": token}


def row_form(kind: str, row: Row | None, count: int = 0) -> RowForm:
    """The form of a row's dialog; a further port does not begin with the ID of the first."""
    if row is not None:
        return ROW_FORMS[kind](initial=row.values)
    return ROW_FORMS[kind](initial={"port_id": ""} if kind == "ports" and count else None)


def put_row(editor: Editor, kind: str, token: str, values) -> tuple[RowForm, Row | None]:
    """Read the dialog's fields; when they are valid, put the row into the editor (over ``token``, or at the end)."""
    form = ROW_FORMS[kind](values)
    rows = getattr(editor, kind)
    if not form.is_valid():
        return form, None
    row = Row(values=form.cleaned_data, draft=form.draft_class(**form.cleaned_data))
    places = [index for index, other in enumerate(rows) if other.token == token]
    if places:
        row.token = token
        rows[places[0]] = row
    else:
        rows.append(row)
    return form, row


# --- tabs that only show
def _dependencies(row: Application) -> dict:
    return {"clients": clients_of(row), "servers": row.connections.select_related("server", "server__host")}


def _history(row: Application) -> dict:
    entries = history_list(object_type="application", object_id=str(row.pk))
    return {"requests": group_by_request(shown := entries[:SHOWN_MAX]), "shown": shown, "total": entries.count()}


def _jobs(row: Application) -> dict:
    return {"jobs": row.jobs.order_by("-created_at")[:SHOWN_MAX], "total": row.jobs.count()}


def _log(row: Application) -> dict:
    events = Event.objects.filter(application=row).order_by("-at", "-id")
    return {"events": events[:SHOWN_MAX], "total": events.count()}


SHOWN_TABS: dict[str, tuple[str, Callable[[Application], dict]]] = {
    "dependencies": ("applications/tab_dependencies.html", _dependencies),
    "history": ("applications/tab_history.html", _history),
    "jobs": ("applications/tab_jobs.html", _jobs),
    "log": ("applications/tab_log.html", _log),
}
"""{name of a tab: its template, what that shows of an application}."""
