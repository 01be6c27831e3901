"""What is written of an application, with the names of the file of ``apply``, as a draft: other objects are found by
name, and what is said of them in a table is put over what is there."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db.models import Model

from provisioning.applications.rules.fields import NOT_YET_INSTALLED
from provisioning.applications.selectors.applications import application_draft
from provisioning.declared import Kind, facts
from provisioning.drafts import ApplicationDraft, ConnectionDraft, PortDraft
from provisioning.errors import Refusal, Refused
from provisioning.models import Application, ApplicationTemplate, Host
from provisioning.states import RedundancyType

from . import draft_completion
from .objects import STORED

Document = Mapping[str, Any]
"""{written name: value}; None of anything but another object is as if it were not there."""
_MODELS = {"template_id": ApplicationTemplate, "host_id": Host, "backup_server_id": Application}
_TABLES = ("options", "annex")


def draft_of(document: Document, row: Application | None, *, whole: bool = False) -> ApplicationDraft:
    """What ``row`` (None: a new application) is to be. ``whole``: what the document leaves out gets its default, but
    for rows and tables that it does not name; else it stays. In tables None removes. Raises Refused when it names what
    there is not."""
    base = _base(document, row, whole)
    given = {name: document[each.written] for name, each in facts(ApplicationDraft).items()
             if each.kind not in (Kind.LINK, Kind.ROWS, Kind.TABLE) and document.get(each.written) is not None}
    if row is not None:
        given = draft_completion.without_placeholders(row, given)
    return replace(base, **given, **_links(document), **_rows(document), **_tables(document, base, row, whole))


def _base(document: Document, row: Application | None, whole: bool) -> ApplicationDraft:
    if row is None:
        return ApplicationDraft(name="", template_id=None, working_directory=NOT_YET_INSTALLED,
                                command_line=NOT_YET_INSTALLED)
    if not whole:
        return application_draft(row)
    # What an installation has filled in is left out by who only repeats what was configured.
    return ApplicationDraft(name=row.name, template_id=row.template_id, working_directory=row.working_directory,
                            command_line=row.command_line, command_line_arguments=row.command_line_arguments)


def _links(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, model in _MODELS.items():
        each = facts(ApplicationDraft)[name]
        if each.written in document:
            found[name] = _key(model, document[each.written], each.label, each.written)
    if "backup" in document and document["backup"] is None and document.get("redundancy_type") is None:
        found["redundancy_type"] = RedundancyType.NOT_SPECIFIED
    return found


def _key(model: type[Model], name: str | None, label: str, field: str) -> int | None:
    """Raises Refused."""
    if not name:
        return None
    key = model._default_manager.filter(name=name).values_list("pk", flat=True).first()
    if key is None:
        raise Refused(Refusal(f"There is no {label} named {name}.", field))
    return key


def _rows(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if document.get("ports") is not None:
        found["ports"] = tuple(PortDraft(**_named(PortDraft, port)) for port in document["ports"])
    if document.get("connections") is not None:
        found["connections"] = tuple(ConnectionDraft(
            **{**_named(ConnectionDraft, each),
               "server_id": _key(Application, each["server"], "application", "connections")})
            for each in document["connections"])
    return found


def _named(draft: type, values: Document) -> dict[str, Any]:
    names = {each.written: name for name, each in facts(draft).items()}
    return {names[written]: value for written, value in values.items() if value is not None}


def _tables(document: Document, base: ApplicationDraft, row: Application | None, whole: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _TABLES:
        given = document.get(name)
        if given is None:
            continue
        if row is None:
            template = STORED.template(_links(document).get("template_id"))
            under = draft_completion.template_options(template) if name == "options" else {}
        else:
            under = {} if whole else getattr(base, name) or {}
        found[name] = merged(under, given)
    return found


def merged(base: Mapping[str, Mapping[str, str]],
           given: Mapping[str, Mapping[str, str | None] | None]) -> dict[str, dict[str, str]]:
    """``given`` over ``base``, both {section: {key: value}}; None removes a key or a whole section."""
    result = {section: dict(keys) for section, keys in base.items()}
    for section, keys in given.items():
        if keys is None:
            result.pop(section, None)
            continue
        for key, value in keys.items():
            if value is None:
                result.get(section, {}).pop(key, None)
            else:
                result.setdefault(section, {})[key] = value
    return {section: keys for section, keys in result.items() if keys}
