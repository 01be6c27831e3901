"""A step of a plan carried out: one verb for each kind of object, each that of the pages."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from django.db.models import Model

from provisioning.applications.services import applications
from provisioning.catalog.services import packages, templates
from provisioning.core.permissions import Actor
from provisioning.drafts import ApplicationDraft, HostDraft, TemplateDraft
from provisioning.hosts.services import hosts
from provisioning.logs.services import setting as log_setting

from .listed import LISTED
from .planned import LogTo, Step
from .planned_listed import ListedDraft

REASON = "Applied from a file."
Keys = dict[int, int]
"""{key in the plan, below zero: key of what was created}."""


def carry_out(actor: Actor, step: Step, keys: Keys) -> None:
    """Save what ``step`` says; what it creates goes into ``keys``. Raises what the verb raises."""
    if isinstance(step.draft, LogTo):
        key = step.draft.primary_id
        log_setting.choose(actor=actor, application_id=None if key is None else keys.get(key, key))
        return
    if isinstance(step.draft, ListedDraft):
        _save_listed(actor, step, step.draft)
        return
    row = _saved(actor, step, step.draft, keys)
    if step.key < 0:
        keys[step.key] = row.pk


def _saved(actor: Actor, step: Step, draft: ApplicationDraft | HostDraft | TemplateDraft | Path, keys: Keys) -> Model:
    if isinstance(draft, TemplateDraft):
        return templates.keep_template(actor=actor, draft=draft)
    if isinstance(draft, Path):
        with open(draft, "rb") as file:
            return packages.import_package(actor=actor, file_name=draft.name, stream=file)
    if isinstance(draft, HostDraft):
        if step.revision is None:
            return hosts.create_host(actor=actor, draft=draft)
        return hosts.update_host(actor=actor, host_id=step.key, revision=step.revision, draft=draft)
    named = _named(draft, keys)
    if step.revision is None:
        return applications.create_application(actor=actor, draft=named)
    return applications.update_application(actor=actor, application_id=keys.get(step.key, step.key),
                                           revision=step.revision, draft=named, reason=REASON)


def _save_listed(actor: Actor, step: Step, listed: ListedDraft) -> None:
    kind = LISTED[listed.key]
    if step.revision is None:
        kind.create(actor=actor, draft=listed.draft)
    else:
        kind.update(step.key, actor=actor, draft=listed.draft, revision=step.revision, reason=REASON)


def _named(draft: ApplicationDraft, keys: Keys) -> ApplicationDraft:
    """``draft`` with the keys of what was created."""
    names: dict[str, Any] = {name: keys.get(key, key) for name in ("template_id", "host_id", "backup_server_id")
                             for key in [getattr(draft, name)]}
    return replace(draft, **names, connections=tuple(
        replace(row, server_id=keys.get(row.server_id, row.server_id)) for row in draft.connections or ()))
