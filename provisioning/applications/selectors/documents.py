"""All that is configured of one application, by the names of a file of ``apply``: as programs ask for it all the time,
without Django's objects and by queries that are made once. Secrets are masked."""

from typing import Any

from provisioning.core.prepared import Given, Keys, Prepared, keys
from provisioning.declared import Kind, columns, facts
from provisioning.drafts import ApplicationDraft, ConnectionDraft, PortDraft
from provisioning.errors import NotFound
from provisioning.models import Application, Connection, ListeningPort, Option
from provisioning.models.applications import MASK, is_secret_option

from .applications import GONE

Document = dict[str, Any]


def _paths(draft: type) -> tuple[str, ...]:
    """What the columns of ``draft`` are in a query; of other objects the name."""
    return tuple(f"{name.removesuffix('_id')}__name" if facts(draft)[name].kind == Kind.LINK else name
                 for name in columns(draft))


_COLUMNS = _paths(ApplicationDraft)
_BY_NAME = Prepared(lambda: Application.objects.filter(name=Given()).order_by().values_list(
    "pk", "revision", *_COLUMNS))
_BY_KEY = Prepared(lambda: Application.objects.filter(pk__in=Keys()).order_by().values_list(
    "pk", "revision", *_COLUMNS))
_PORTS = Prepared(lambda: ListeningPort.objects.filter(application__in=Keys()).values_list(*_paths(PortDraft)))
_CONNECTIONS = Prepared(lambda: Connection.objects.filter(application__in=Keys()).values_list(
    *_paths(ConnectionDraft)))
_OPTIONS = Prepared(lambda: Option.objects.filter(application__in=Keys()).values_list(
    "annex", "section", "key", "value"))


def document_by_name(name: str) -> tuple[int, int, Document]:
    """The key of the application of this name, its revision, and what is configured of it: no part is older than the
    revision, so nobody who changes it on its base undoes what he has not seen. Raises NotFound."""
    return _document(_BY_NAME.rows(name), f"There is no application named {name}.")


def document_by_id(application_id: int) -> tuple[int, int, Document]:
    """As ``document_by_name``."""
    return _document(_BY_KEY.rows(keys([application_id])), GONE)


def _document(rows: list[list[Any]], why_not: str) -> tuple[int, int, Document]:
    if not rows:
        raise NotFound(why_not)
    [(key, revision, *values)] = rows
    own = keys([key])
    tables: dict[bool, dict[str, dict[str, str]]] = {False: {}, True: {}}
    for annex, section, option, value in _OPTIONS.rows(own):
        shown = MASK if is_secret_option(section, option) else value
        tables[annex].setdefault(section, {})[option] = shown
    return key, revision, {
        **_named(ApplicationDraft, values), "ports": [_named(PortDraft, row) for row in _PORTS.rows(own)],
        "connections": [_named(ConnectionDraft, row) for row in _CONNECTIONS.rows(own)],
        "options": tables[False], "annex": tables[True]}


def _named(draft: type, values: list[Any]) -> Document:
    return {facts(draft)[name].written: value for name, value in zip(columns(draft), values, strict=True)}
