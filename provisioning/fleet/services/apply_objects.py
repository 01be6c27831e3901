"""A step of a plan carried out: one verb for each kind of object, each that of the pages."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.db.models import Model

from provisioning.applications.services import applications
from provisioning.catalog.services import packages, templates
from provisioning.core.permissions import Actor
from provisioning.drafts import ApplicationDraft
from provisioning.hosts.services import hosts

from .planned import APPLICATION, HOST, PACKAGE, TEMPLATE, Step

REASON = "Applied from a file."
Keys = dict[int, int]
"""{key in the plan, below zero: key of what was created}."""


def carry_out(actor: Actor, step: Step, keys: Keys) -> None:
    """Save what ``step`` says; what it creates goes into ``keys``. Raises what the verb raises."""
    row = _VERBS[step.kind](actor, step, keys)
    if step.key < 0:
        keys[step.key] = row.pk


def _template(actor: Actor, step: Step, keys: Keys) -> Model:
    return templates.keep_template(actor=actor, draft=step.draft)


def _package(actor: Actor, step: Step, keys: Keys) -> Model:
    with open(step.draft, "rb") as file:
        return packages.import_package(actor=actor, file_name=step.draft.name, stream=file)


def _host(actor: Actor, step: Step, keys: Keys) -> Model:
    if step.revision is None:
        return hosts.create_host(actor=actor, draft=step.draft)
    return hosts.update_host(actor=actor, host_id=step.key, revision=step.revision, draft=step.draft)


def _application(actor: Actor, step: Step, keys: Keys) -> Model:
    draft = _named(step.draft, keys)
    if step.revision is None:
        return applications.create_application(actor=actor, draft=draft)
    return applications.update_application(actor=actor, application_id=keys.get(step.key, step.key),
                                           revision=step.revision, draft=draft, reason=REASON)


_VERBS: dict[str, Callable[[Actor, Step, Keys], Model]] = {
    TEMPLATE: _template, PACKAGE: _package, HOST: _host, APPLICATION: _application}


def _named(draft: ApplicationDraft, keys: Keys) -> ApplicationDraft:
    """``draft`` with the keys of what was created."""
    names: dict[str, Any] = {name: keys.get(key, key) for name in ("template_id", "host_id", "backup_server_id")
                             for key in [getattr(draft, name)]}
    return replace(draft, **names, connections=tuple(
        replace(row, server_id=keys.get(row.server_id, row.server_id)) for row in draft.connections or ()))
