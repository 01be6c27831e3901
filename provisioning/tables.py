"""Lists, declared: columns, sizes of a page, actions of a toolbar with what they need and why they are blocked."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator

from provisioning.permissions import CONFIGURE, EXPORT, INSTALL, OPERATE, VIEW
from provisioning.selectors.jobs import working_on
from provisioning.states import ALIVE, ApplicationStatus

PAGE_SIZES = (50, 100, 200)
ONE, SOME, NONE = "one", "some", "none"


@dataclass(frozen=True)
class Column:
    """``sort`` is the key that the selector sorts by ("" = this column does not sort)."""

    label: str
    sort: str = ""
    css: str = ""


@dataclass(frozen=True)
class Action:
    """A button of a toolbar.

    ``needs``: how many rows it works on (NONE: on the selected ones, or on all); ``permission``: verb of
    provisioning.permissions; ``confirm``: a dialog says what is hit before it happens.
    """

    verb: str
    label: str
    icon: str
    permission: str
    needs: str = SOME
    confirm: bool = False
    danger: bool = False


@dataclass(frozen=True)
class Table:
    columns: tuple[Column, ...]
    actions: tuple[Action, ...] = field(default_factory=tuple)

    def header(self, sort: str, values) -> list[dict]:
        """Column heads: label, css, ``aria`` (aria-sort) and ``address`` (query string that sorts by it)."""
        return [self._head(column, sort, values) for column in self.columns]

    def _head(self, column: Column, sort: str, values) -> dict:
        if not column.sort:
            return {"label": column.label, "css": column.css, "address": "", "aria": ""}
        ascending, descending = sort == column.sort, sort == f"-{column.sort}"
        changed = {**values, "sort": f"-{column.sort}" if ascending else column.sort}
        changed.pop("page", None)
        return {"label": column.label, "css": column.css, "address": f"?{urlencode(changed)}",
                "aria": "ascending" if ascending else "descending" if descending else "none"}

    def action(self, verb: str) -> Action | None:
        return next((action for action in self.actions if action.verb == verb), None)


APPLICATIONS = Table(
    columns=(
        Column("Name", "name", "c-name"), Column("Type", "type", "c-type"), Column("Host", "host", "c-host"),
        Column("Ports", "", "c-ports"), Column("State", "enabled", "c-enabled"), Column("Status", "status", "c-status"),
        Column("Mode", "mode", "c-mode"), Column("Backup", "backup", "c-backup"),
    ),
    actions=(
        Action("edit", "Edit", "pencil", VIEW, ONE),
        Action("clone", "Clone", "copy", CONFIGURE, ONE),
        Action("delete", "Delete", "trash", CONFIGURE, SOME, confirm=True, danger=True),
        Action("enable", "Enable", "toggle-on", CONFIGURE),
        Action("disable", "Disable", "toggle-off", CONFIGURE),
        Action("install", "Install", "download", INSTALL, SOME, confirm=True),
        Action("start", "Start", "play-fill", OPERATE),
        Action("stop", "Stop", "stop-fill", OPERATE, SOME, confirm=True, danger=True),
        Action("stop-gracefully", "Stop Gracefully", "pause-fill", OPERATE, SOME, confirm=True),
        Action("switch-over", "Switch Over", "arrow-left-right", OPERATE, ONE, confirm=True),
        Action("export", "Export", "box-arrow-up", EXPORT, NONE),
    ),
)
EDITOR_ACTIONS = tuple(APPLICATIONS.action(verb) for verb in (
    "install", "start", "stop", "stop-gracefully", "switch-over", "clone", "delete"))
"""What the editor's toolbar offers for the object that is open."""
GAPS = frozenset({"delete", "disable", "install", "switch-over"})
"""Verbs after which the toolbar has a gap."""


def page_of(rows, values) -> Page:
    """The page that the query string ``values`` asks for (page, size); a page that is not there is the nearest one.

    It has ``sizes`` and ``elided`` (page numbers, with gaps) for partials/pages.html.
    """
    try:
        size = int(values.get("size", PAGE_SIZES[0]))
    except ValueError:
        size = PAGE_SIZES[0]
    page = Paginator(rows, size if size in PAGE_SIZES else PAGE_SIZES[0]).get_page(values.get("page", 1))
    page.sizes = PAGE_SIZES
    page.elided = list(page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1))
    return page


def blocked(application) -> dict[str, str]:
    """{action: why it cannot be done to this application now}; actions that can are missing.

    ``application`` is a row of ``selectors.applications`` (annotated ``status``, ``active_jobs``).
    """
    name, status = application.name, application.status
    found: dict[str, str] = {}
    job = working_on(application)
    for verb in ("install", "start", "stop", "stop-gracefully", "delete"):
        if job:
            found[verb] = f"{name} has a job under way: {job}. Wait for it or cancel it."
        elif verb in ("install", "start"):
            found[verb] = _why_not_begin(application, verb)
        elif verb != "delete" and not application.is_server:
            found[verb] = f"{name} is not a server: there is nothing to stop."
        elif verb == "delete" and (status in ALIVE or status == ApplicationStatus.START_PENDING):
            found[verb] = f"{name} is {status}. Stop it before deleting it."
        elif verb != "delete" and status in (ApplicationStatus.STOPPED, ApplicationStatus.GAVE_UP):
            found[verb] = f"{name} is not running."
    found["switch-over"] = _why_not_switch_over(application)
    found["enable" if application.enabled else "disable"] = (
        f"{name} is already {'enabled' if application.enabled else 'disabled'}.")
    return {verb: sentence for verb, sentence in found.items() if sentence}


def _why_not_switch_over(application) -> str:
    """Why a switchover is no use now, from control's record alone; control itself knows more and says so."""
    primary = application if application.backup_server_id else getattr(application, "primary_server", None)
    if primary is None:
        return f"{application.name} is no member of a pair. Choose its Backup Server in Server Info first."
    state = getattr(primary, "pair_state", None)
    if state is None or state.active_id is None:
        return "Nobody serves in this pair yet. Start both members first."
    return "" if state.standby_in_sync else "The standby is not in sync: a switchover now would lose messages."


def _why_not_begin(application, verb: str) -> str:
    """Why ``verb`` (install or start) cannot begin, without looking at jobs."""
    name = application.name
    if not application.is_server:
        return f"{name} is not a server: nothing is installed or started for it."
    if application.host is None:
        return f"{name} has no Host. Choose one in Server Info and save."
    if not application.enabled:
        return f"{name} is disabled. Enable it first."
    if verb == "start" and application.status in ALIVE:
        return f"{name} is already {application.status}."
    if verb == "start" and not application.is_installed:
        return f"{name} is not installed. Install it first."
    return ""
