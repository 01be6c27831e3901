"""Objects of a world that no database holds yet."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from provisioning.applications.services import storage
from provisioning.declared import values
from provisioning.drafts import ApplicationDraft, ConnectionDraft, PortDraft
from provisioning.models import Application, ApplicationTemplate, Connection, Host, ListeningPort, Option
from provisioning.models.applications import MASK

AT_ONCE = 5000
"""So many names a query asks for."""


def _by_name(rows: Mapping[int, Application | ApplicationTemplate | Host]) -> dict[str, int]:
    return {row.name: key for key, row in rows.items()}


def _some(values: Iterable) -> Iterator[list]:
    left = iter(values)
    while some := list(islice(left, AT_ONCE)):
        yield some


def _related(row: Application) -> Iterator[int | None]:
    """Keys of what a stored application names, and of its primary."""
    yield row.backup_server_id
    yield None if row.is_primary else row.primary_server.pk
    for connection in row.connections.all():
        yield connection.server_id


def _blank(row: Application) -> Application:
    """Without a status, a primary and jobs, so that nobody looks for them in the database."""
    for name in ("runtime", "primary_server"):
        row._state.fields_cache[name] = None
    row.jobs_at_work = []
    _have(row, ports=[], connections=[], options=[])
    return row


def _have(row: Application, **related: list) -> None:
    # What a prefetch leaves behind; there is no other way to give a row that is not stored its rows.
    row._prefetched_objects_cache = related  # type: ignore[attr-defined]  # Django's, once something was read ahead


def _fill(row: Application, draft: ApplicationDraft) -> None:
    """Give ``row`` the ports, connections and options of a complete draft, as if they had been read."""
    stored = {(o.annex, o.section, o.key): o for o in row.options.all()}
    _have(
        row,
        ports=[ListeningPort(application=row, **values(PortDraft, port)) for port in draft.ports or ()],
        connections=[Connection(application=row, **values(ConnectionDraft, connection))
                     for connection in draft.connections or ()],
        options=[_option(row, annex, section, key, value, stored)
                 for table, annex in ((draft.options, False), (draft.annex, True))
                 for section, keys in (table or {}).items() for key, value in keys.items()])


def _option(row: Application, annex: bool, section: str, key: str, value: str, stored: dict) -> Option:
    kept = stored.get((annex, section, key))
    if kept is not None and kept.is_secret and value == MASK:
        value = kept.plain
    return storage.new_option(row, annex, section, key, value)
