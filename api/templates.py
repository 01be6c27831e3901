"""``/templates``: Application Templates."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.catalog.filters import CatalogFilter
from provisioning.catalog.selectors import find_template, get_template, template_list
from provisioning.catalog.services import templates as services
from provisioning.core.permissions import actor_of

from .changes import Change, answered
from .filters import BY_NAME, Named, Text
from .paging import Page, PageOf, by_id_or_name
from .saved import address, created
from .uploads import APD, described_as

router = Router(tags=["catalog"])


class TemplatesFilter(Named):
    text: Text = ""
    type: Text = ""


class FileName(BaseModel):
    file_name: str = Field(max_length=255, description="Refusals and the object itself name it.")


class TemplateRow(BaseModel):
    """``used_by``: how many applications are based on it."""

    id: int
    name: str
    type: str
    version: str
    enabled: bool
    used_by: int
    file_name: str
    imported_at: datetime


class TemplatePort(BaseModel):
    id: str
    port: int | None
    protocol: str
    ha_sync: bool
    description: str


class TemplateDetail(TemplateRow):
    """``options`` {section: {key: {value, help, valid}}}: ``valid`` where the file says which values are."""

    options: dict[str, dict[str, dict[str, Any]]]
    ports: list[TemplatePort]


@router.get("", response=PageOf[TemplateRow], url_name="templates", summary="List Application Templates")
def templates(request: HttpRequest, page: Query[Page], filters: Query[TemplatesFilter]) -> HttpResponse:
    rows = template_list(**filters.chosen(CatalogFilter))
    return page.of(rows, described, TemplateRow, sort=filters.sort, sorts=BY_NAME)


@router.post("", response={201: TemplateDetail, 200: TemplateDetail}, summary="Import an Application Template",
             openapi_extra=described_as(APD))
def take(request: HttpRequest, file: Query[FileName], change: Query[Change]) -> HttpResponse:
    """The body is the .apd file. 200 when the same was imported before."""
    def work() -> HttpResponse:
        row = services.import_template(actor=actor_of(request), file_name=file.file_name, content=request.body)
        return _answered(row.pk, created(change))

    return change.carried_out(work)


@router.get("/{template}", response=TemplateDetail, summary="An Application Template")
def template(request: HttpRequest, template: str) -> HttpResponse:
    return _answered(found(template).pk)


@router.delete("/{template}", response={204: None}, summary="Delete an Application Template")
def delete(request: HttpRequest, template: str, change: Query[Change]) -> HttpResponse:
    """One that no application is based on."""
    row = found(template)
    change.carried_out(lambda: services.delete_template(actor=actor_of(request), template_id=row.pk,
                                                        reason=change.why(request)))
    return HttpResponse(status=204)


def found(key: str) -> Any:
    """Raises NotFound."""
    return by_id_or_name(key, get_template, find_template)


def _answered(key: int, status: int = 200) -> HttpResponse:
    row = get_template(key)
    [said] = described([row])
    body = TemplateDetail(**dict(said), options=row.options, ports=[TemplatePort(**each) for each in row.ports])
    return answered(body, TemplateDetail, status=status,
                    location=address("templates", row.name) if status == 201 else "")


def described(rows: Iterable[Any]) -> list[TemplateRow]:
    return [TemplateRow(
        id=row.pk, name=row.name, type=row.type, version=row.version, enabled=row.enabled,
        used_by=row.application_count, file_name=row.file_name, imported_at=row.created_at) for row in rows]
