"""How an accepted draft gets into the database, and who is told afterwards."""

from collections.abc import Collection, Iterable

from django.db.models import F, Model
from django.utils import timezone

from provisioning.core import changes
from provisioning.core.permissions import Actor
from provisioning.declared import columns, values
from provisioning.drafts import ApplicationDraft, ConnectionDraft, PortDraft
from provisioning.errors import Refused
from provisioning.models import Application, Connection, ListeningPort, Option
from provisioning.models.applications import MASK
from provisioning.states import ENDED

CHANGEABLE = tuple(name for name in columns(ApplicationDraft) if name != "template_id")


def is_stopped(status: str) -> bool:
    return status in ENDED


def assign(row: Application, draft: ApplicationDraft) -> None:
    for name in CHANGEABLE:
        setattr(row, name, getattr(draft, name))


def save_revision(row: Application, actor: Actor, fields: Iterable[str] = CHANGEABLE) -> None:
    """Save ``fields`` with the next revision, provided that the row is still at the revision it was read with."""
    row.changed_by, row.changed_at = actor.name, timezone.now()
    new = {name: getattr(row, name) for name in (*fields, "changed_by", "changed_at")}
    saved = Application.objects.filter(pk=row.pk, revision=row.revision).update(revision=F("revision") + 1, **new)
    if not saved:
        raise Refused(f"{row.name} was changed by somebody else at the same moment. Reload it and try again.")
    row.revision += 1


def add_related(row: Application, draft: ApplicationDraft) -> None:
    """Give a row that has just been created the ports, connections and options of a complete draft."""
    _add_rows(row, ListeningPort, PortDraft, draft.ports or ())
    _add_rows(row, Connection, ConnectionDraft, draft.connections or ())
    options = [(annex, section, key, value) for annex, table in ((False, draft.options), (True, draft.annex))
               for section, keys in (table or {}).items() for key, value in keys.items()]
    Option.objects.bulk_create(new_option(row, *option) for option in options)


def save_related(row: Application, draft: ApplicationDraft) -> None:
    """Make ports, connections and options those of a complete draft, keeping rows that are the same."""
    save_rows(row, ListeningPort, PortDraft, draft.ports or ())
    save_rows(row, Connection, ConnectionDraft, draft.connections or ())
    _save_options(row, draft.options or {}, annex=False)
    _save_options(row, draft.annex or {}, annex=True)


def save_rows(row: Application, model: type[Model], kind: type, drafts: Collection) -> None:
    """Make the rows of ``model`` that ``row`` has those of ``drafts``, which are of ``kind``."""
    wanted = [values(kind, each) for each in drafts]
    rows = model._default_manager.filter(application=row)
    if wanted != [values(kind, each) for each in rows]:
        # Numbers and IDs may swap between rows, which single updates could not do under the constraints.
        rows.delete()
        _add_rows(row, model, kind, drafts)


def _add_rows(row: Application, model: type[Model], kind: type, drafts: Collection) -> None:
    model._default_manager.bulk_create(model(application=row, **values(kind, each)) for each in drafts)


def _save_options(row: Application, table: dict[str, dict[str, str]], *, annex: bool) -> None:
    stored = {(o.section, o.key): o for o in Option.objects.filter(application=row, annex=annex)}
    wanted = {(section, key): value for section, keys in table.items() for key, value in keys.items()}
    Option.objects.filter(pk__in=[o.pk for name, o in stored.items() if name not in wanted]).delete()
    new, changed = [], []
    for (section, key), value in wanted.items():
        option = stored.get((section, key))
        if option is None:
            new.append(new_option(row, annex, section, key, value))
        elif value != option.plain and not (option.is_secret and value == MASK):
            option.set_value(value)
            changed.append(option)
    Option.objects.bulk_create(new)
    Option.objects.bulk_update(changed, ["value", "secret_value"])


def new_option(row: Application, annex: bool, section: str, key: str, value: str) -> Option:
    """Not saved."""
    option = Option(application=row, annex=annex, section=section, key=key)
    option.set_value(value)
    return option


def after_change(row: Application, *, also: Iterable[Application] = (), former_name: str = "") -> None:
    """Tell pages and control, once the transaction is committed, that an application and its partners changed."""
    names = {row.name, former_name, *(other.name for other in also)} - {""}
    topics = [f"application:{row.pk}", *(f"application:{other.pk}" for other in also), "applications", "status"]
    changes.tell(*topics, applications=sorted(names))
