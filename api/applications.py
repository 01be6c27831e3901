"""``/applications``: what is configured, by the names of the file of ``apply``, with what is going on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.applications.selectors.applications import GONE, SORTS, find_application, get_application
from provisioning.applications.selectors.documents import Document, document_by_id, document_by_name
from provisioning.applications.selectors.told import jobs_of, told, told_list
from provisioning.applications.services import applications as services
from provisioning.applications.services.written import draft_of
from provisioning.core.permissions import CONFIGURE, actor_of
from provisioning.drafts import ApplicationDraft, ConnectionDraft, PortDraft
from provisioning.errors import NotFound
from provisioning.jobs.selectors.readiness import refusals
from provisioning.monitoring.selectors.status import applications_status

from . import documents
from .changes import Change, IfMatch, Tried, answered, of_object, require_unchanged, revision_of, tried
from .paging import Page, PageOf, by_id_or_name
from .statuses import ApplicationStatus

router = Router(tags=["applications"])
NEEDED = ("name", "template")


class Filters(BaseModel):
    text: str = Field("", max_length=255, description="In the name, the host or the description.")
    type: str = Field("", max_length=64)
    host: str = Field("", max_length=255, description="A host's name, or a part of names.")
    status: str = Field("", max_length=32)
    sort: str = Field("id", max_length=32, description=f"id, {', '.join(SORTS)}; with - in front reversed.")


class ApplicationRow(ApplicationStatus):
    """An application in a list. ``job``: the id of the job that works on it."""

    id: int
    backup: str | None
    primary: str | None
    job: str | None
    revision: int
    changed_at: datetime
    changed_by: str


ReadPort = documents.of("ListeningPort", PortDraft)
ReadConnection = documents.of("ApplicationConnection", ConnectionDraft)
_Configured = documents.of("ApplicationConfiguration", ApplicationDraft, ports=ReadPort, connections=ReadConnection)
WrittenPort = documents.written("ListeningPortWritten", PortDraft, needed=("id", "port"))
WrittenConnection = documents.written("ApplicationConnectionWritten", ConnectionDraft, needed=("server",))
_ROWS = {"ports": WrittenPort, "connections": WrittenConnection}
_READ_ONLY = frozenset(ApplicationRow.model_fields)
ApplicationWritten = documents.written("ApplicationWritten", ApplicationDraft, needed=NEEDED, rows=_ROWS,
                                       passed_over=_READ_ONLY)
ApplicationPatch = documents.written("ApplicationPatch", ApplicationDraft, needed=(), rows=_ROWS, patches=True,
                                     passed_over=_READ_ONLY)


class ApplicationDetail(_Configured, ApplicationRow):  # type: ignore[valid-type, misc]  # made at run time
    """An application. Secret values of options and annex are masked; sent back as they are they stay."""

    ports: list[ReadPort]  # type: ignore[valid-type]


class CloneWritten(documents.Strict):
    name: str = Field(..., max_length=255)


def found(key: str) -> Any:
    """By its name or its id. Raises NotFound."""
    return by_id_or_name(key, get_application, find_application)


def described(application_ids: Iterable[int]) -> list[dict[str, Any]]:
    rows = told(application_ids)
    jobs = jobs_of(row.pk for row in rows)
    return [{**said, "id": row.pk, "backup": row.backup, "primary": row.primary,
             "job": str(jobs[row.pk]) if row.pk in jobs else None, "revision": row.revision,
             "changed_at": row.changed_at, "changed_by": row.changed_by}
            for row, said in zip(rows, applications_status(rows), strict=True)]


def detailed(row: Any, *, status: int = 200) -> HttpResponse:
    """All of one application, with its ETag."""
    return _detailed(*document_by_id(row.pk), status=status, location=address(row) if status == 201 else "")


def _detailed(key: int, revision: int, document: Document, *, status: int = 200, location: str = "") -> HttpResponse:
    found = described([key])
    if not found:
        # Deleted since it was read.
        raise NotFound(GONE)
    # Somebody may have saved it between the two: the revision is that of what was read first.
    return answered({**document, **found[0], "ports": document["ports"], "revision": revision}, ApplicationDetail,
                    status=status, revision=revision, location=location)


def address(row: Any) -> str:
    return f"/api/v1/applications/{quote(row.name, safe='')}"


@router.get("", response=PageOf[ApplicationRow], summary="List applications")
def applications(request: HttpRequest, page: Query[Page], filters: Query[Filters]) -> HttpResponse:
    rows = told_list(**filters.model_dump())
    return page.of_plain(rows, lambda found: described(row["pk"] for row in found), ApplicationRow, sort=filters.sort,
                         sorts=SORTS)


@router.post("", response={201: ApplicationDetail, 200: ApplicationDetail}, summary="Create an application")
def create(request: HttpRequest, body: ApplicationWritten, change: Query[Change]) -> HttpResponse:  # type: ignore[valid-type]
    """Ports and options that are left out are those of the template. With dry_run the answer is 200, and what it would
    be."""
    def work() -> HttpResponse:
        draft = draft_of(documents.sent(body), None)
        row = services.create_application(actor=actor_of(request), draft=draft, reason=change.why(request))
        return detailed(get_application(row.pk), status=200 if change.dry_run else 201)

    return change.carried_out(work)


@router.get("/{name}", response=ApplicationDetail, summary="An application")
def application(request: HttpRequest, name: str) -> HttpResponse:
    return _detailed(*by_id_or_name(name, document_by_id, document_by_name))


@router.put("/{name}", response=ApplicationDetail, summary="Replace what is configured of an application")
def replace(request: HttpRequest, name: str, body: ApplicationWritten, change: Query[Change],  # type: ignore[valid-type]
            if_match: str | None = IfMatch) -> HttpResponse:
    """What is left out gets its default; ports, connections and tables that are left out stay. Secrets that are sent
    as they were read, masked, stay."""
    return _saved(request, name, body, change, if_match, whole=True)


@router.patch("/{name}", response=ApplicationDetail, summary="Change some of what is configured of an application")
def patch(request: HttpRequest, name: str, body: ApplicationPatch, change: Query[Change],  # type: ignore[valid-type]
          if_match: str | None = IfMatch) -> HttpResponse:
    """What is left out stays. In options and annex null removes a key or a section; ports and connections are replaced
    as a whole."""
    return _saved(request, name, body, change, if_match, whole=False)


def _saved(request: HttpRequest, name: str, body: Any, change: Change, if_match: str | None, *,
           whole: bool) -> HttpResponse:
    row = found(name)
    revision = revision_of(if_match, row.revision)

    def work() -> HttpResponse:
        services.update_application(
            actor=actor_of(request), application_id=row.pk, revision=revision, merges=False,
            draft=draft_of(documents.sent(body), row, whole=whole), reason=change.why(request))
        return detailed(get_application(row.pk))

    return change.carried_out(work)


@router.delete("/{name}", response={204: None, 200: Tried}, summary="Delete an application")
def delete(request: HttpRequest, name: str, change: Query[Change], if_match: str | None = IfMatch) -> HttpResponse:
    row = found(name)
    require_unchanged(row, if_match)
    if change.dry_run:
        actor_of(request).require(CONFIGURE)
        return tried(of_object(refusals(row, "delete")))
    services.delete_applications(actor=actor_of(request), application_ids=[row.pk], reason=change.why(request),
                                 revisions={row.pk: revision_of(if_match, row.revision)} if if_match else {})
    return HttpResponse(status=204)


@router.post("/{name}/clone", response={201: ApplicationDetail, 200: ApplicationDetail},
             summary="Clone an application")
def clone(request: HttpRequest, name: str, body: CloneWritten, change: Query[Change]) -> HttpResponse:
    """A copy under another name: without a backup, not installed, on ports that are free on its host."""
    row = found(name)

    def work() -> HttpResponse:
        copy = services.clone_application(actor=actor_of(request), application_id=row.pk, name=body.name,
                                          reason=change.why(request))
        return detailed(get_application(copy.pk), status=200 if change.dry_run else 201)

    return change.carried_out(work)
