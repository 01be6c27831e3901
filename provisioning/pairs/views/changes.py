"""Who changed or did what about a pair: one stream, and it as a file."""

from django.http import Http404
from django.views.decorators.http import require_safe

from protocol.events import written
from provisioning.broker.secrets import known_secrets
from provisioning.core.events import last_failover_of
from provisioning.core.permissions import EXPORT
from provisioning.core.redaction import Redactor
from provisioning.core.text import file_word
from provisioning.models import Application
from provisioning.pairs.forms.filters import ChangesFilter
from provisioning.pairs.rules.changes import Change, Place
from provisioning.pairs.selectors.changes import all_changes_of, changes_of
from provisioning.pairs.selectors.page import pair_rows
from provisioning.web.exports import AT_ONCE, MOST, Sheet, file_of, files_of, iso
from provisioning.web.pages import page, show
from provisioning.web.tables import Column, Table

TABLE = Table(tuple(map(Column, ("Time", "Who", "What", "Object", "Text"))))
COLUMNS = ("at", "who", "kind", "object", "number", "text", "link")


@require_safe
@page()
def pair_changes(request, pk: int):
    members, form = _members(pk), ChangesFilter(request.GET)
    before = Place.read(request.GET.get("before", ""))
    within, chosen = _parts(form, members)
    found = changes_of(members, within=within, before=before, **chosen)
    return show(request, "pairs/changes.html", {
        "members": members, "pair_id": pk, "name": _name(members), "form": form, "page": found.rows,
        "next": found.next, "before": before, "header": TABLE.header("", request.GET.dict()),
        "files": files_of("pair-changes-export", pk),
        "topics": " ".join(f"application:{row.pk} events:{row.pk}" for row in members)})


@require_safe
@page(EXPORT)
def pair_changes_export(request, pk: int, list_format: str):
    """What the page shows with the same filter, from its newest on, without secrets."""
    members, form = _members(pk), ChangesFilter(request.GET)
    within, chosen = _parts(form, members)
    redactor = Redactor(known_secrets(members, [row.host for row in members if row.host]))
    sheet = Sheet(f"pairwise-changes-{file_word(members[0].name)}", "changes", COLUMNS)
    return file_of(request, list_format, sheet, lambda: (redactor.value(_cells(change)) for change in all_changes_of(
        members, within=within, most=MOST + 1, at_once=AT_ONCE, **chosen)))


def _members(pk: int) -> list[Application]:
    """The primary first. Raises NotFound, Http404."""
    members = [row for row in pair_rows(pk) if row]
    if not members[0].is_primary or not members[0].is_server:
        raise Http404(f"{members[0].name} is not the primary of a pair.")
    return members


def _parts(form: ChangesFilter, members: list[Application]):
    return form.parts(lambda **others: last_failover_of(*(row.pk for row in members)))


def _name(members: list[Application]) -> str:
    return " ⇄ ".join(row.name for row in members)


def _cells(change: Change) -> dict:
    return dict(zip(COLUMNS, (
        iso(change.at), change.who, change.kind, change.about, written(change.number), change.text,
        change.link[1] if change.link else ""), strict=True))
