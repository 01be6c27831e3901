"""Lists, declared: columns, sizes of a page, actions of a toolbar with what they need and why they are blocked."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator

from provisioning.core.permissions import CONFIGURE, EXPORT, INSTALL, OPERATE, VIEW
from provisioning.core.text import key_of

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
    provisioning.core.permissions; ``confirm``: a dialog says what is hit before it happens.
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

    def find(self, verb: str) -> Action | None:
        return next((action for action in self.actions if action.verb == verb), None)

    def action(self, verb: str) -> Action:
        """Of a verb that is among them."""
        return next(action for action in self.actions if action.verb == verb)


APPLICATIONS = Table(
    columns=(
        Column("Name", "name", "c-name"), Column("Type", "type", "c-type"), Column("Host", "host", "c-host"),
        Column("Ports", "", "c-ports"), Column("State", "enabled", "c-enabled"), Column("Status", "status", "c-status"),
        Column("Mode", "mode", "c-mode"), Column("Messages", "", "c-rate"), Column("Backup", "backup", "c-backup"),
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
JUDGED = ("delete", "enable", "disable", "install", "start", "stop", "stop-gracefully", "switch-over")
"""Actions of the list that cannot always be done (``jobs.rules.readiness``)."""
EDITOR_ACTIONS = tuple(APPLICATIONS.action(verb) for verb in (
    "install", "start", "stop", "stop-gracefully", "switch-over", "clone", "delete"))
"""What the editor's toolbar offers for the object that is open."""
GAPS = frozenset({"delete", "disable", "install", "switch-over"})
"""Verbs after which the toolbar has a gap."""


def page_of(rows, values) -> Page:
    """The page that the query string ``values`` asks for (page, size); a page that is not there is the nearest one."""
    size = key_of(values.get("size"))
    return _Pages(rows, size if size in PAGE_SIZES else PAGE_SIZES[0]).get_page(values.get("page", 1))


class _Page(Page):
    """For fleet/_pages.html."""

    sizes = PAGE_SIZES

    @cached_property
    def elided(self) -> list[str | int]:
        """Page numbers, with gaps."""
        return list(self.paginator.get_elided_page_range(self.number, on_each_side=2, on_ends=1))


class _Pages(Paginator):
    def _get_page(self, *args: Any, **kwargs: Any) -> _Page:
        return _Page(*args, **kwargs)
