"""Application Templates: import and delete (domain.md 1.5)."""

from django.db import transaction

from provisioning import changes, history, permissions
from provisioning.apd import TemplateFileError, read_template
from provisioning.drafts import TemplateDraft
from provisioning.errors import Link, NotFound, Refusal, Refused
from provisioning.models import ApplicationTemplate
from provisioning.permissions import Actor

from .facts import application_link


@transaction.atomic
def import_template(*, actor: Actor, file_name: str, content: bytes) -> ApplicationTemplate:
    """Import an .apd file. The same name, version and content again returns what is there. Raises Refused."""
    actor.require(permissions.IMPORT)
    try:
        draft = read_template(content, file_name=file_name.replace("\\", "/").rsplit("/", 1)[-1][:255])
    except TemplateFileError as error:
        raise Refused(Refusal(f"{file_name or 'The file'} cannot be imported. {error}", "file")) from None
    existing = ApplicationTemplate.objects.filter(name=draft.name).first()
    if existing is not None:
        if _same(existing, draft):
            return existing
        link = Link("template", str(existing.pk), existing.name)
        raise Refused(Refusal(
            f"An Application Template named {draft.name} (version {existing.version}) exists already and has another "
            "content. Give the new one another name.", "file", (link,)))
    row = ApplicationTemplate.objects.create(name=draft.name, type=draft.type, version=draft.version,
                                             options=draft.options, ports=draft.ports, file_name=draft.file_name)
    history.record(actor=actor, row=row, before=None, after=history.snapshot(row))
    changes.tell("templates")
    return row


@transaction.atomic
def delete_template(*, actor: Actor, template_id: int) -> None:
    """Delete a template that no application is based on. Raises Refused, NotFound."""
    actor.require(permissions.IMPORT)
    row = ApplicationTemplate.objects.filter(pk=template_id).first()
    if row is None:
        raise NotFound("This Application Template does not exist any more.")
    users = list(row.applications.all()[:6])
    if users:
        names = ", ".join(user.name for user in users[:5]) + (" and others" if len(users) > 5 else "")
        raise Refused(Refusal(f"Application Template {row.name} cannot be deleted while applications are based on it: "
                              f"{names}.", "", tuple(map(application_link, users[:5]))))
    history.record(actor=actor, row=row, before=history.snapshot(row), after=None)
    changes.tell("templates")
    row.delete()


def _same(row: ApplicationTemplate, draft: TemplateDraft) -> bool:
    return all(getattr(row, name) == getattr(draft, name) for name in ("type", "version", "options", "ports"))
