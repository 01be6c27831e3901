"""Versions of Application Templates and Installation Packages."""
from provisioning.core import permissions
from provisioning.core.permissions import Actor
from provisioning.declared import facts, labels, values
from provisioning.drafts import PackageDraft, TemplateDraft
from provisioning.history.restore import KINDS, Restorable, Version, known
from provisioning.models import ApplicationTemplate, InstallationPackage
from provisioning.states import FORMER_TYPES

from . import packages, templates


def template_version(body: dict, row: ApplicationTemplate | None) -> Version:
    """As ``application_version``, of a template."""
    return Version(TemplateDraft(**known(TemplateDraft, _as_now(body))))


def package_version(body: dict, row: InstallationPackage | None) -> Version:
    """As ``application_version``, of a package."""
    return Version(PackageDraft(**known(PackageDraft, _as_now(body))))


def _as_now(body: dict) -> dict:
    """A snapshot of a type that there is no more, as of what was made of it."""
    return {**body, "type": FORMER_TYPES.get(body["type"], body["type"])} if "type" in body else body


def _update_template(*, actor: Actor, row: ApplicationTemplate, draft: TemplateDraft,
                     reason: str) -> ApplicationTemplate:
    return templates.update_template(actor=actor, template_id=row.pk, draft=draft, reason=reason)


def _package_draft(row: InstallationPackage) -> PackageDraft:
    return PackageDraft(**values(PackageDraft, row))


def _update_package(*, actor: Actor, row: InstallationPackage, draft: PackageDraft, reason: str) -> InstallationPackage:
    return row


def _template_draft(row: ApplicationTemplate) -> TemplateDraft:
    return TemplateDraft(**{name: getattr(row, name) for name in facts(TemplateDraft)})


KINDS["template"] = Restorable(
    permission=permissions.IMPORT, labels=labels(TemplateDraft), version=template_version, present=_template_draft,
    refusals=templates.template_refusals, update=_update_template, create=templates.create_template)
KINDS["package"] = Restorable(
    permission=permissions.IMPORT, labels=labels(PackageDraft), version=package_version, present=_package_draft,
    refusals=packages.package_refusals, update=_update_package, create=packages.create_package)
