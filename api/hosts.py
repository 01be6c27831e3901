"""``/hosts``: machines that run applications, a look at one, and the line by which one joins."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.applications.selectors.export import written as as_written
from provisioning.core.control import control_seen
from provisioning.core.permissions import MANAGE_HOSTS, actor_of
from provisioning.declared import facts
from provisioning.drafts import HostDraft
from provisioning.hosts.selectors.hosts import SORTS, find_host, get_host, host_list
from provisioning.hosts.selectors.joining import joining
from provisioning.hosts.services import enrolment
from provisioning.hosts.services import hosts as services
from provisioning.jobs.kinds import KINDS
from provisioning.jobs.selectors.readiness import look_refusals
from provisioning.looks.services import look_at_host
from provisioning.monitoring.selectors.status import hosts_status
from provisioning.states import JobKind
from provisioning.verbs.services.told import tell

from . import documents
from .changes import Change, IfMatch, Tried, answered, of_object, revision_of, tried
from .jobs import ACCEPTED, Asked, Waits, accepted
from .paging import Page, PageOf, by_id_or_name
from .repeats import refuse_key
from .statuses import HostStatus

router = Router(tags=["hosts"])


class Filters(BaseModel):
    text: str = Field("", max_length=255, description="In the name or the address.")
    status: str = Field("", max_length=32)
    sort: str = Field("id", max_length=32, description=f"id, {', '.join(SORTS)}; with - in front reversed.")


class _Told(HostStatus):
    id: int
    agent_version: str
    applications: int
    revision: int
    changed_at: datetime


class HostRow(_Told, documents.of("HostConfiguration", HostDraft)):  # type: ignore[misc]  # made at run time
    """A host as it is configured, with what its agent said. ``applications``: how many are assigned to it."""


HostWritten = documents.written("HostWritten", HostDraft, needed=("name", "ip_address"),
                                passed_over=frozenset(_Told.model_fields))
HostPatch = documents.written("HostPatch", HostDraft, needed=(), passed_over=frozenset(_Told.model_fields))


class JoinLine(BaseModel):
    """``line`` is pasted on the machine that is to join, and is good once, until ``expires_at``; "" when ``problems``
    say why there is none."""

    line: str
    expires_at: datetime
    problems: list[str]


def found(key: str) -> Any:
    """By its name or its id. Raises NotFound."""
    return by_id_or_name(key, get_host, find_host)


def described(rows: Iterable[Any]) -> list[dict[str, Any]]:
    rows = list(rows)
    return [{**as_written(HostDraft, row), **said, "id": row.pk, "applications": row.application_count,
             "agent_version": runtime.agent_version if (runtime := getattr(row, "runtime", None)) else "",
             "revision": row.revision, "changed_at": row.changed_at}
            for row, said in zip(rows, hosts_status(rows), strict=True)]


def _detailed(row: Any, *, status: int = 200) -> HttpResponse:
    return answered(described([row])[0], HostRow, status=status, revision=row.revision,
                    location=f"/api/v1/hosts/{quote(row.name, safe='')}" if status == 201 else "")


def _draft(body: Any, base: dict[str, Any]) -> HostDraft:
    given = {key: value for key, value in documents.sent(body).items() if value is not None}
    return HostDraft(**{**base, **{name: given[each.written] for name, each in facts(HostDraft).items()
                                   if each.written in given}})


@router.get("", response=PageOf[HostRow], summary="List hosts")
def hosts(request: HttpRequest, page: Query[Page], filters: Query[Filters]) -> HttpResponse:
    return page.of(host_list(text=filters.text, status=filters.status), described, HostRow, sort=filters.sort,
                   sorts=SORTS)


@router.post("", response={201: HostRow, 200: HostRow}, summary="Create a host")
def create(request: HttpRequest, body: HostWritten, change: Query[Change]) -> HttpResponse:  # type: ignore[valid-type]
    """With dry_run the answer is 200, and what it would be."""
    def work() -> HttpResponse:
        row = services.create_host(actor=actor_of(request), draft=_draft(body, {}), reason=change.why(request))
        return _detailed(get_host(row.pk), status=200 if change.dry_run else 201)

    return change.carried_out(work)


@router.get("/{name}", response=HostRow, summary="A host")
def host(request: HttpRequest, name: str) -> HttpResponse:
    return _detailed(found(name))


@router.put("/{name}", response=HostRow, summary="Replace what is configured of a host")
def replace(request: HttpRequest, name: str, body: HostWritten, change: Query[Change],  # type: ignore[valid-type]
            if_match: str | None = IfMatch) -> HttpResponse:
    """What is left out gets its default."""
    return _saved(request, name, body, change, if_match, whole=True)


@router.patch("/{name}", response=HostRow, summary="Change some of what is configured of a host")
def patch(request: HttpRequest, name: str, body: HostPatch, change: Query[Change],  # type: ignore[valid-type]
          if_match: str | None = IfMatch) -> HttpResponse:
    return _saved(request, name, body, change, if_match, whole=False)


def _saved(request: HttpRequest, name: str, body: Any, change: Change, if_match: str | None, *,
           whole: bool) -> HttpResponse:
    row = found(name)
    revision = revision_of(if_match, row.revision)
    base = {} if whole else {field: getattr(row, field) for field in facts(HostDraft)}

    def work() -> HttpResponse:
        services.update_host(actor=actor_of(request), host_id=row.pk, revision=revision, draft=_draft(body, base),
                             reason=change.why(request))
        return _detailed(get_host(row.pk))

    return change.carried_out(work)


@router.delete("/{name}", response={204: None, 200: Tried}, summary="Delete a host")
def delete(request: HttpRequest, name: str, change: Query[Change], if_match: str | None = IfMatch) -> HttpResponse:
    """One that no application is assigned to."""
    row = found(name)
    change.deleted(row, if_match, lambda: services.delete_host(actor=actor_of(request), host_id=row.pk,
                                                    reason=change.why(request)))
    return tried([]) if change.dry_run else HttpResponse(status=204)


@router.post("/{name}/look", response=ACCEPTED, summary="Look on a host")
def look(request: HttpRequest, name: str, asked: Query[Waits], body: Asked | None = None) -> HttpResponse:
    """What is true there of the members of pairs, for the audit."""
    actor, row = actor_of(request), found(name)
    if asked.dry_run:
        actor.require(KINDS[JobKind.COLLECT_FACTS].permission)
        return tried(of_object(look_refusals([row], control_seen())[row.pk]))
    job = look_at_host(actor=actor, host_id=row.pk)
    tell(actor=actor, job=job, reason=asked.why(request, body.reason if body else ""))
    return accepted(job, asked.wait)


@router.post("/{name}/join-line", response=JoinLine | Tried,
             summary="Make the line by which a machine joins as a host")
def join_line(request: HttpRequest, name: str, change: Query[Change]) -> HttpResponse:
    """Lines that were made before and not used are good for nothing any more."""
    refuse_key(request)
    actor, row = actor_of(request), found(name)
    actor.require(MANAGE_HOSTS)
    enrolment.require_account(row)
    made = change.carried_out(lambda: enrolment.make_token(actor=actor, host_id=row.pk))
    if change.dry_run:
        return tried([])
    shown = joining(row, asked_host=request.get_host(), with_line=True)
    return answered({"line": shown.line, "expires_at": made.expires_at, "problems": shown.problems}, JoinLine)


@router.delete("/{name}/join-line", response={204: None, 200: Tried},
               summary="Revoke the line by which a machine joins")
def revoke_join_line(request: HttpRequest, name: str, change: Query[Change]) -> HttpResponse:
    row = found(name)
    change.carried_out(lambda: enrolment.revoke_tokens(actor=actor_of(request), host_id=row.pk))
    return tried([]) if change.dry_run else HttpResponse(status=204)
