"""Applications: create, change, clone, enable, delete, and check while typing (fields and rules: domain.md 1.2)."""

from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from provisioning.applications.rules import application_refusals
from provisioning.applications.selectors.applications import application_draft, jobs_at_work
from provisioning.core import permissions
from provisioning.core.control import control_seen, status_for_rules
from provisioning.core.known import Control
from provisioning.core.permissions import Actor
from provisioning.drafts import ApplicationDraft, PortDraft
from provisioning.errors import Conflict, NotFound, Refusal, Refused
from provisioning.history import history
from provisioning.jobs.rules.readiness import Subject, refusals
from provisioning.jobs.selectors.readiness import work_of
from provisioning.models import Application, Connection, Host
from provisioning.states import RedundancyType
from provisioning.turns import write_in_turns

from . import comparison, draft_completion, storage
from .copies_of_primary import follow_primary
from .facts import application_facts
from .objects import Moment
from .storage import after_change, save_related


@history.atomic()
def create_application(*, actor: Actor, draft: ApplicationDraft, reason: str = "",
                       key: int | None = None) -> Application:
    """Create an application with its ports, options and connections; what the draft leaves open comes from the
    template. ``key`` is that of a deleted one which is brought back. Raises Refused."""
    actor.require(permissions.CONFIGURE)
    _lock_host(draft.host_id)
    objects = Moment()
    draft = draft_completion.complete(draft, None, objects)
    _refuse(application_refusals(draft, application_facts(draft, None, objects)))
    template = objects.template(draft.template_id)
    if template is None:
        raise Refused("This Application Template does not exist any more. Somebody may have deleted it.")
    row = Application(pk=key, template=template, type=template.type, version=template.version, changed_by=actor.name)
    storage.assign(row, draft)
    with _constraints(draft):
        row.save(force_insert=True)
        storage.add_related(row, draft)
    row = _reload(row.pk)
    history.record(actor=actor, row=row, before=None, after=history.snapshot(row), reason=reason)
    follow_primary(actor=actor, primary=row)
    after_change(row, also=_partners(row))
    return row


@history.atomic()
def update_application(*, actor: Actor, application_id: int, revision: int, draft: ApplicationDraft,
                       reason: str = "", merges: bool = True) -> Application:
    """Save a draft over the stored object that was read as ``revision``.

    What somebody else saved since then stays when the draft does not contradict it, else Conflict with what differs;
    not ``merges``: Conflict whatever it was. Raises Refused, NotFound. A draft that changes nothing writes nothing.
    """
    actor.require(permissions.CONFIGURE)
    _lock_host(draft.host_id)
    _lock([application_id])
    row = _reload(application_id)
    stored = application_draft(row)
    draft = draft_completion.complete(draft, row)
    if row.revision != revision:
        if not merges:
            raise draft_completion.conflict(row, stored, draft, comparison.changed_fields(stored, draft))
        draft = draft_completion.merge(row, revision, stored, draft)
    _refuse(application_refusals(draft, application_facts(draft, row)))
    changed = comparison.changed_fields(stored, draft)
    if not changed:
        return row
    before, partners = history.snapshot(row), _partners(row)
    new_secrets = draft_completion.new_secrets(row, draft)
    storage.assign(row, draft)
    with _constraints(draft):
        storage.save_revision(row, actor)
        save_related(row, draft)
    row = _reload(row.pk)
    history.record(actor=actor, row=row, before=before, after=history.snapshot(row), reason=reason,
                   new_secrets=new_secrets)
    follow_primary(actor=actor, primary=row)
    after_change(row, also=[*partners, *_partners(row)], former_name=before["name"])
    return row


def check_application(*, draft: ApplicationDraft, application_id: int | None) -> list[Refusal]:
    """The rules of a save, without the save; for checks while typing. Raises NotFound."""
    row = _reload(application_id) if application_id is not None else None
    draft = draft_completion.complete(draft, row)
    return application_refusals(draft, application_facts(draft, row))


@history.atomic()
def clone_application(*, actor: Actor, application_id: int, name: str, reason: str = "") -> Application:
    """A copy under another name: not linked to a backup, not yet installed, on ports that are free on its host."""
    actor.require(permissions.CONFIGURE)
    source = _reload(application_id)
    draft = application_draft(source, masked=False)
    ports: tuple[PortDraft, ...] = draft.ports or ()
    if source.host:
        ports = draft_completion.free_ports(ports, source.host)
    return create_application(actor=actor, reason=reason, draft=replace(
        draft, name=name, ports=ports, backup_server_id=None, redundancy_type=RedundancyType.NOT_SPECIFIED,
        **(draft_completion.INSTALLER_FILLS_IN if source.is_server else draft_completion.WITHOUT_ARGUMENTS)))


def set_enabled(*, actor: Actor, application_ids: list[int], enabled: bool) -> int:
    """Enable or disable applications, some at a time; returns how many changed. A disabled server that runs goes on
    running, but cannot be started or connect again. Raises NotFound before anything is changed."""
    actor.require(permissions.CONFIGURE)
    keys = [row.pk for row in _rows(application_ids) if row.enabled != enabled]
    return sum(write_in_turns(keys, lambda some: _set_enabled(actor, some, enabled)))


@history.atomic()
def _set_enabled(actor: Actor, application_ids: list[int], enabled: bool) -> int:
    rows = [row for row in _present(application_ids) if row.enabled != enabled]
    for row in rows:
        before = history.snapshot(row)
        row.enabled = enabled
        storage.save_revision(row, actor, fields=["enabled"])
        history.record(actor=actor, row=row, before=before,
                       after=before | {"enabled": enabled, "revision": row.revision})
        after_change(row)
    return len(rows)


def delete_applications(*, actor: Actor, application_ids: list[int], reason: str = "",
                        revisions: Mapping[int, int] | None = None) -> int:
    """Delete applications; a primary whose backup goes loses the link. All that stands against one of them is found
    before the first one goes; then some go at a time, and when somebody adds what stands against one meanwhile, Refused
    says how many went. ``revisions`` {key: that of the row which the sender has seen}. Raises Refused, NotFound,
    Conflict."""
    actor.require(permissions.CONFIGURE)
    rows = _rows(application_ids)
    going = {row.pk for row in rows}
    control = control_seen()
    _refuse([refusal for row in rows for refusal in _delete_refusals(row, going, control)])
    gone: list[int] = []
    try:
        write_in_turns(_deletable(rows), lambda groups: gone.extend(
            _delete(actor, [key for group in groups for key in group], reason, control, revisions or {})))
    except Refused as error:
        if not gone:
            raise
        raise Refused(Refusal(f"{len(gone)} of {len(rows)} applications were deleted; the rest is there.", ""),
                      *error.refusals) from error
    return len(rows)


def _deletable(rows: list[Application]) -> list[list[int]]:
    """Keys in groups, of which each can be deleted before the next one: who connects to a server and whose backup it is
    goes before it; those that do so in a circle go together."""
    going = {row.pk for row in rows}
    first = {row.pk: going & {*(each.application_id for each in row.clients.all()), getattr(
        getattr(row, "primary_server", None), "pk", None)} - {row.pk} for row in rows}
    sorter = TopologicalSorter(first)
    order: list[int] = []
    with suppress(CycleError):
        sorter.prepare()
    while ready := sorter.get_ready():
        order += ready
        sorter.done(*ready)
    circle = sorted(going - set(order))
    return [[key] for key in order] + ([circle] if circle else [])


@history.atomic()
def _delete(actor: Actor, application_ids: list[int], reason: str, control: Control,
            revisions: Mapping[int, int]) -> list[int]:
    # Nobody, control above all, may add a row that names one while what names it is removed.
    _lock(application_ids)
    rows = _present(application_ids)
    for row in rows:
        _require_seen(row, revisions.get(row.pk, row.revision))
    going = {row.pk for row in rows}
    _refuse([refusal for row in rows for refusal in _delete_refusals(row, going, control)])
    for row in rows:
        primary = getattr(row, "primary_server", None)
        if primary is not None and primary.pk not in going:
            _clear_backup(actor, _reload(primary.pk), row)
    for row in rows:
        history.record(actor=actor, row=row, before=history.snapshot(row), after=None, reason=reason)
        after_change(row, also=_partners(row))
    # Connections among the deleted ones would protect each other.
    Connection.objects.filter(application__in=going).delete()
    Application.objects.filter(pk__in=going).delete()
    return application_ids


def _require_seen(row: Application, revision: int) -> None:
    if row.revision != revision:
        raise Conflict(f"{row.changed_by or 'Somebody else'} saved {row} since you read it. Nothing was changed. Read "
                       "it again.", revision=row.revision, saved_by=row.changed_by, saved_at=row.changed_at,
                       differences=())


def _delete_refusals(row: Application, going: set[int], control: Control) -> list[Refusal]:
    clients = {each.application_id: each.application for each in row.clients.all() if each.application_id not in going}
    job = next(iter(row.jobs_at_work), None)
    return refusals(Subject(
        link=row.link, last_status=status_for_rules(row, control), job=work_of(row, job) if job else None,
        clients=tuple(client.link for client in clients.values())), "delete")


def _clear_backup(actor: Actor, primary: Application, backup: Application) -> None:
    before = history.snapshot(primary)
    primary.backup_server, primary.redundancy_type = None, RedundancyType.NOT_SPECIFIED
    storage.save_revision(primary, actor, fields=["backup_server", "redundancy_type"])
    history.record(actor=actor, row=primary, before=before, after=history.snapshot(primary),
                   reason=f"Its backup {backup.name} was deleted.")
    after_change(primary)


def _lock(application_ids: list[int]) -> None:
    """Until the transaction ends nobody else changes these, or adds rows that name them."""
    if connection.features.has_select_for_update:
        list(Application.objects.select_for_update().filter(pk__in=application_ids).order_by("pk").values_list("pk"))


def _lock_host(host_id: int | None) -> None:
    """Two saves on one host take turns, so that both see each other's ports and directories."""
    if host_id and connection.features.has_select_for_update:
        Host.objects.select_for_update().filter(pk=host_id).first()


@contextmanager
def _constraints(draft: ApplicationDraft):
    """What only the database can see (another save at the same moment), as a sentence."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise Refused(f"{draft.name} clashes with what somebody else saved at the same moment. Reload the page and "
                      "try again.") from error


def _refuse(refusals: list[Refusal]) -> None:
    if refusals:
        raise Refused(*refusals)


def _whole() -> QuerySet[Application]:
    rows = Application.objects.select_related("host", "template", "backup_server", "runtime", "primary_server")
    return rows.prefetch_related("ports", "options", "connections")


def _reload(application_id: int) -> Application:
    row = _whole().filter(pk=application_id).first()
    if row is None:
        raise NotFound(GONE)
    return row


def _present(application_ids: list[int]) -> list[Application]:
    """Those that there still are, in this order, with their clients and the jobs that work on them."""
    rows = _whole().prefetch_related("clients__application", jobs_at_work("jobs_at_work")).in_bulk(application_ids)
    return [rows[key] for key in dict.fromkeys(application_ids) if key in rows]


def _rows(application_ids: list[int]) -> list[Application]:
    """All of them. Raises NotFound."""
    rows = _present(application_ids)
    if len(rows) < len(set(application_ids)):
        raise NotFound(GONE)
    return rows


GONE = "This application does not exist any more. Somebody may have deleted it."


def _partners(row: Application) -> list[Application]:
    return [other for other in (row.backup_server, getattr(row, "primary_server", None)) if other is not None]
