"""``/apply`` and ``/export``: the whole configuration as one file (docs/configuration-file.md)."""

import json
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.applications.selectors.applications import keys_by_name
from provisioning.applications.selectors.export import as_yaml
from provisioning.core.permissions import CONFIGURE, EXPORT, actor_of
from provisioning.errors import NotFound, Refused
from provisioning.fleet.services import apply as services
from provisioning.fleet.services.export import export_document
from provisioning.fleet.services.manifest import Manifest, read_body, read_manifest
from provisioning.fleet.services.planned import described

from .bodies import read_json
from .changes import Change, answered
from .problems import NotValid

router = Router(tags=["configuration"])
JSON, YAML = "application/json", "application/yaml"
NO_FILES = ("Paths of files mean nothing here, as they would be read on the machine of the console. Import templates "
            "and packages on their pages or by manage.py, then apply the rest.")
BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {
    YAML: {"schema": {"type": "string"}}, JSON: {"schema": {"type": "object"}}}}}

TEXT_TOO: dict[str, Any] = {"responses": {200: {"content": {YAML: {"schema": {"type": "object"}}}}}}


class FieldPlanned(BaseModel):
    """A field that is changed. ``field`` is its name in the file."""

    field: str
    label: str
    old: str
    new: str


class ObjectPlanned(BaseModel):
    """``action``: create, change or nothing. ``hints``: what is allowed and still strange."""

    kind: str
    name: str
    action: str
    fields: list[FieldPlanned]
    hints: list[str]


class Plan(BaseModel):
    applied: bool
    changes: list[ObjectPlanned]


class Planned(Change):
    plan: bool = Field(False, description="Say what would be done, and change nothing, as dry_run does.")


class Exported(BaseModel):
    names: str = Field("", max_length=4000, description="Only these applications and their hosts, with commas between "
                                                        "their names.")
    format: str = Field("json", pattern="^(json|yaml)$")


@router.get("/export", response=dict[str, Any], openapi_extra=TEXT_TOO,
            summary="The configuration as a file of apply")
def export(request: HttpRequest, asked: Query[Exported]) -> HttpResponse:
    """Secrets are masked; apply keeps the stored ones."""
    actor_of(request).require(EXPORT)
    names = [name.strip() for name in asked.names.split(",") if name.strip()]
    unknown = {*names} - keys_by_name(names).keys()
    if unknown:
        raise NotFound(f"There is no application named {min(unknown)}.")
    document = export_document(names=names or None)
    if asked.format == "yaml":
        return HttpResponse(as_yaml(document), content_type=YAML)
    return HttpResponse(json.dumps(document), content_type=JSON)


@router.post("/apply", response=Plan, url_name="apply", openapi_extra=BODY,
             summary="Make the configuration what a file says")
def apply(request: HttpRequest, asked: Query[Planned]) -> HttpResponse:
    """As manage.py apply: what is refused changes nothing. What somebody else changes meanwhile ends it between two
    objects; the answer says how far it came, and the same file goes on from there."""
    actor = actor_of(request)
    # Before the file is read, which takes far longer than anything else that somebody can send.
    actor.require(CONFIGURE)
    found = services.plan(actor=actor, manifest=_manifest(request), directory=Path())
    is_applied = not (asked.plan or asked.dry_run or found.is_empty)
    if is_applied:
        services.apply(actor=actor, planned=found)
    return answered(described(found, applied=is_applied), Plan)


def _manifest(request: HttpRequest) -> Manifest:
    """Raises NotValid, Problem."""
    try:
        if (request.content_type or "").lower() == JSON:
            found = read_body(read_json(request.body))
        else:
            found = read_manifest(request.body, file_name="The body")
    except Refused as error:
        raise NotValid(*error.refusals) from error
    if found.templates or found.packages:
        raise NotValid(NO_FILES)
    return found
