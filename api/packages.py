"""``/packages``: Installation Packages."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, BinaryIO, cast

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel

from provisioning.catalog.filters import CatalogFilter
from provisioning.catalog.selectors import find_package, get_package, package_list
from provisioning.catalog.services import packages as services
from provisioning.catalog.stored import stored_file
from provisioning.core.permissions import actor_of

from .changes import Change, answered
from .filters import BY_NAME, Named, Text
from .paging import Page, PageOf, by_id_or_name
from .problems import Problem
from .saved import address
from .templates import FileName
from .uploads import PACKAGE, described_as

router = Router(tags=["catalog"])


class PackagesFilter(Named):
    text: Text = ""
    type: Text = ""


class PackageRow(BaseModel):
    """``size`` in bytes; ``complete``: its file is stored whole."""

    id: int
    name: str
    nickname: str
    type: str
    version: str
    locale: str
    os_type: str
    description: str
    sha256: str
    size: int
    complete: bool
    imported_at: datetime


@router.get("", response=PageOf[PackageRow], url_name="packages", summary="List Installation Packages")
def packages(request: HttpRequest, page: Query[Page], filters: Query[PackagesFilter]) -> HttpResponse:
    return page.of(package_list(**filters.chosen(CatalogFilter)), described, PackageRow, sort=filters.sort,
                   sorts=BY_NAME)


@router.post("", response={201: PackageRow}, summary="Import an Installation Package",
             openapi_extra=described_as(PACKAGE))
def take(request: HttpRequest, file: Query[FileName], change: Query[Change]) -> HttpResponse:
    """The body is the .tar.gz file. The same content again answers what is there. It cannot be only tried."""
    if change.dry_run:
        raise Problem(422, "A package is checked while it is imported. Leave dry_run out.", field="dry_run")
    row = services.import_package(actor=actor_of(request), file_name=file.file_name,
                                  stream=cast(BinaryIO, request))
    return _answered(row, 201)


@router.get("/{package}", response=PackageRow, summary="An Installation Package")
def package(request: HttpRequest, package: str) -> HttpResponse:
    """By its id, or by its name where no other one has it."""
    return _answered(found(package))


@router.delete("/{package}", response={204: None}, summary="Delete an Installation Package")
def delete(request: HttpRequest, package: str, change: Query[Change]) -> HttpResponse:
    """With its file."""
    row = found(package)
    change.carried_out(lambda: services.delete_package(actor=actor_of(request), package_id=row.pk,
                                                       reason=change.why(request)))
    return HttpResponse(status=204)


def found(key: str) -> Any:
    """Raises NotFound, Refused."""
    return by_id_or_name(key, get_package, find_package)


def _answered(row: Any, status: int = 200) -> HttpResponse:
    return answered(described([row])[0], PackageRow, status=status,
                    location=address("packages", str(row.pk)) if status == 201 else "")


def described(rows: Iterable[Any]) -> list[PackageRow]:
    return [PackageRow(
        id=row.pk, name=row.name, nickname=row.nickname, type=row.type, version=row.version, locale=row.locale,
        os_type=row.os_type, description=row.description, sha256=row.sha256, size=row.size,
        complete=stored_file(row) is not None, imported_at=row.imported_at) for row in rows]
