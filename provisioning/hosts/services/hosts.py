"""Hosts: create, change, delete (domain.md 1.4)."""

from collections.abc import Iterable
from itertools import islice

from django.db.models import F, Q
from django.utils import timezone

from provisioning.applications.services.facts import reserved_ports
from provisioning.applications.services.objects import STORED, Stored
from provisioning.core import changes, permissions
from provisioning.core.control import status_for_rules
from provisioning.core.permissions import Actor
from provisioning.declared import columns, labels, values
from provisioning.drafts import HostDraft
from provisioning.errors import Conflict, Difference, Link, NotFound, Refusal, Refused
from provisioning.history import history
from provisioning.history.entries import last_change
from provisioning.hosts.rules.hosts import HostDraftFacts, StoredHost, host_refusals
from provisioning.models import Application, Host, Job
from provisioning.states import ACTIVE_JOBS, ENDED

NAMED = 5
"""So many of the applications that are in the way a sentence names."""


@history.atomic()
def create_host(*, actor: Actor, draft: HostDraft, reason: str = "", key: int | None = None) -> Host:
    """Create a host; ``key`` is that of a deleted one which is brought back. Raises Refused."""
    actor.require(permissions.MANAGE_HOSTS)
    _check(draft, None)
    row = Host.objects.create(pk=key, **values(HostDraft, draft))
    history.record(actor=actor, row=row, before=None, after=history.snapshot(row), reason=reason)
    _after_change(row)
    return row


@history.atomic()
def update_host(*, actor: Actor, host_id: int, revision: int, draft: HostDraft, reason: str = "") -> Host:
    """Save a draft over the host that was read as ``revision``. Raises Refused, Conflict, NotFound."""
    actor.require(permissions.MANAGE_HOSTS)
    row = _get(host_id)
    changed = [name for name in columns(HostDraft) if getattr(row, name) != getattr(draft, name)]
    if not changed:
        return row
    if row.revision != revision:
        raise _conflict(row, draft, changed)
    _check(draft, row)
    before = history.snapshot(row)
    new = {name: getattr(draft, name) for name in changed}
    saved = Host.objects.filter(pk=row.pk, revision=revision).update(
        revision=F("revision") + 1, changed_at=timezone.now(), **new)
    row = _get(host_id)
    if not saved:
        raise _conflict(row, draft, changed)
    history.record(actor=actor, row=row, before=before, after=history.snapshot(row), reason=reason)
    _after_change(row, former_name=before["name"])
    return row


@history.atomic()
def delete_host(*, actor: Actor, host_id: int, reason: str = "") -> None:
    """Delete a host that no application is assigned to. Raises Refused, NotFound."""
    actor.require(permissions.MANAGE_HOSTS)
    # Nobody, control above all, may add a row that names it while what names it is removed.
    Host.objects.select_for_update().filter(pk=host_id).first()
    row = _get(host_id)
    links = _links(row.applications.all())
    if links:
        names = ", ".join(link.name for link in links[:5]) + (" and others" if len(links) > 5 else "")
        raise Refused(Refusal(f"Host {row.name} cannot be deleted while applications are assigned to it: {names}. "
                              "Move or delete them first.", "", links[:5]))
    job = Job.objects.filter(host=row, state__in=ACTIVE_JOBS).first()
    if job is not None:
        raise Refused(Refusal(f"Host {row.name} cannot be deleted while a job works on it.", "", (job.link,)))
    history.record(actor=actor, row=row, before=history.snapshot(row), after=None, reason=reason)
    _after_change(row)
    Host.objects.filter(pk=row.pk).delete()


def check_host(*, draft: HostDraft, host_id: int | None) -> list[Refusal]:
    """The rules of a save, without the save. Raises NotFound."""
    return refusals_of(draft, _get(host_id) if host_id is not None else None)


def refusals_of(draft: HostDraft, row: Host | None, objects: Stored = STORED) -> list[Refusal]:
    """What stands against making ``row`` (None: a new one) this draft, among these ``objects``."""
    return host_refusals(draft, _facts(draft, row, objects))


def _get(host_id: int) -> Host:
    row = Host.objects.filter(pk=host_id).first()
    if row is None:
        raise NotFound("This host does not exist any more. Somebody may have deleted it.")
    return row


def _check(draft: HostDraft, row: Host | None) -> None:
    refusals = refusals_of(draft, row)
    if refusals:
        raise Refused(*refusals)


def _links(applications: Iterable[Application]) -> tuple[Link, ...]:
    """Of the first ones: a host may have thousands, and a sentence names five."""
    return tuple(each.link for each in islice(applications, NAMED + 1))


def _facts(draft: HostDraft, row: Host | None, objects: Stored) -> HostDraftFacts:
    same_name, same_address = objects.hosts_like(draft.name, draft.ip_address, row.pk if row else None)
    stored, control = None, objects.control()
    ports: tuple[tuple[int, Link], ...] = ()
    if row is not None:
        assigned = Application.objects.filter(host=row)
        may_run = assigned.exclude(Q(runtime=None) | Q(runtime__status__in=ENDED)).select_related("runtime")
        stored = StoredHost(id=row.pk, name=row.name, lca_port=row.lca_port, applications=_links(assigned[:NAMED + 1]),
                            running=_links(a for a in may_run.iterator() if status_for_rules(a, control) not in ENDED))
        same_port = assigned.filter(ports__port=draft.lca_port)[:NAMED + 1]
        ports = tuple((draft.lca_port, link) for link in _links(same_port))
    return HostDraftFacts(
        stored=stored, ports=ports, same_name=same_name.link if same_name else None,
        same_address=same_address.link if same_address else None,
        reserved=reserved_ports(Host(name=draft.name, ip_address=draft.ip_address)))


def _conflict(row: Host, draft: HostDraft, changed: list[str]) -> Conflict:
    rows = tuple(Difference(name, labels(HostDraft)[name], str(getattr(row, name)), str(getattr(draft, name)))
                 for name in changed)
    last = last_change("host", row.pk)
    saved_by = last.user_name if last else ""
    return Conflict(f"{saved_by or 'Somebody else'} saved host {row.name} while you were editing it. Compare, then "
                    "keep yours or take theirs.", revision=row.revision, saved_by=saved_by, saved_at=row.changed_at,
                    differences=rows)


def _after_change(row: Host, former_name: str = "") -> None:
    changes.tell(f"host:{row.pk}", "hosts", "status", hosts=sorted({row.name, former_name} - {""}))
