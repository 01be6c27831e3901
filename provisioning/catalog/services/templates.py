"""Application Templates: import and delete (domain.md 1.5)."""

from dataclasses import replace

from provisioning.catalog.apd import TemplateFileError, read_template
from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.declared import facts
from provisioning.drafts import TemplateDraft
from provisioning.errors import Link, NotFound, Refusal, Refused
from provisioning.history import history
from provisioning.history.entries import history_list
from provisioning.models import ApplicationTemplate
from provisioning.states import HistoryAction


def import_template(*, actor: Actor, file_name: str, content: bytes) -> ApplicationTemplate:
    """Import an .apd file. The same name, version and content again returns what is there; when only what the file says
    of its options differs (help, valid values), the template says that from now on. Raises Refused."""
    actor.require(permissions.IMPORT)
    return keep_template(actor=actor, draft=read_file(file_name, content))


def read_file(file_name: str, content: bytes) -> TemplateDraft:
    """What an .apd file says. Raises Refused."""
    try:
        return read_template(content, file_name=file_name.replace("\\", "/").rsplit("/", 1)[-1][:255])
    except TemplateFileError as error:
        raise Refused(Refusal(f"{file_name or 'The file'} cannot be imported. {error}", "file")) from None


@history.atomic()
def keep_template(*, actor: Actor, draft: TemplateDraft) -> ApplicationTemplate:
    """As ``import_template``, of what was read. Raises Refused."""
    actor.require(permissions.IMPORT)
    existing = ApplicationTemplate.objects.filter(name=draft.name).first()
    refusals = import_refusals(draft, existing)
    if refusals:
        raise Refused(*refusals)
    if existing is None:
        return create_template(actor=actor, draft=draft)
    return existing if says_the_same(existing, draft) else _say(actor, existing, draft)


@history.atomic()
def create_template(*, actor: Actor, draft: TemplateDraft, reason: str = "",
                    key: int | None = None) -> ApplicationTemplate:
    """Create a template; ``key`` is that of a deleted one which is brought back. Raises Refused."""
    actor.require(permissions.IMPORT)
    refusals = template_refusals(draft, None)
    if refusals:
        raise Refused(*refusals)
    row = ApplicationTemplate.objects.create(pk=key, **{name: getattr(draft, name) for name in facts(TemplateDraft)})
    history.record(actor=actor, row=row, before=None, after=history.snapshot(row), reason=reason)
    changes.tell("templates")
    return row


@history.atomic()
def update_template(*, actor: Actor, template_id: int, draft: TemplateDraft, reason: str = "") -> ApplicationTemplate:
    """Give a template what ``draft`` says of its options (help, valid values); nothing else of it can change. Raises
    Refused, NotFound."""
    actor.require(permissions.IMPORT)
    row = _get(template_id)
    refusals = template_refusals(draft, row)
    if refusals:
        raise Refused(*refusals)
    return row if says_the_same(row, draft) else _say(actor, row, draft, reason)


def template_refusals(draft: TemplateDraft, row: ApplicationTemplate | None) -> list[Refusal]:
    """What stands against creating ``draft``, or making it that of ``row``."""
    if row is not None:
        same = draft.name == row.name and says_the_same(row, replace(draft, options=row.options))
        if same and _values(row) == _values(draft):
            return []
        return [Refusal(f"Name, type, version, ports and defaults of Application Template {row.name} are fixed when it "
                        "is imported. Import it under another name instead.", "", (_link(row),))]
    existing = ApplicationTemplate.objects.filter(name=draft.name).first()
    return [] if existing is None else _is_taken(draft, existing)


def import_refusals(draft: TemplateDraft, existing: ApplicationTemplate | None) -> list[Refusal]:
    """What stands against importing ``draft`` where ``existing`` has its name."""
    if existing is None or not template_refusals(draft, existing):
        return []
    return _is_taken(draft, existing)


def _is_taken(draft: TemplateDraft, existing: ApplicationTemplate) -> list[Refusal]:
    imported = history_list(object_type="template", object_id=str(existing.pk), action=HistoryAction.CREATED).first()
    who = f" {imported.user_name} imported it." if imported else ""
    return [Refusal(f"An Application Template named {draft.name} (version {existing.version}) exists already and has "
                    f"another content.{who} Give the new one another name.", "file", (_link(existing),))]


@history.atomic()
def delete_template(*, actor: Actor, template_id: int, reason: str = "") -> None:
    """Delete a template that no application is based on. Raises Refused, NotFound."""
    actor.require(permissions.IMPORT)
    row = _get(template_id)
    users = list(row.applications.all()[:6])
    if users:
        names = ", ".join(user.name for user in users[:5]) + (" and others" if len(users) > 5 else "")
        raise Refused(Refusal(f"Application Template {row.name} cannot be deleted while applications are based on it: "
                              f"{names}.", "", tuple(user.link for user in users[:5])))
    history.record(actor=actor, row=row, before=history.snapshot(row), after=None, reason=reason)
    changes.tell("templates")
    row.delete()


def _get(template_id: int) -> ApplicationTemplate:
    row = ApplicationTemplate.objects.filter(pk=template_id).first()
    if row is None:
        raise NotFound("This Application Template does not exist any more.")
    return row


def _link(row: ApplicationTemplate) -> Link:
    return Link("template", str(row.pk), row.name)


def _say(actor: Actor, row: ApplicationTemplate, draft: TemplateDraft, reason: str = "") -> ApplicationTemplate:
    before, row.options = history.snapshot(row), draft.options
    row.save(update_fields=["options"])
    history.record(actor=actor, row=row, before=before, after=history.snapshot(row), reason=reason)
    changes.tell("templates")
    return row


def _values(template: ApplicationTemplate | TemplateDraft) -> dict[str, dict[str, str]]:
    return {section: {key: entry.get("value", "") for key, entry in keys.items()}
            for section, keys in template.options.items()}


def says_the_same(row: ApplicationTemplate, draft: TemplateDraft) -> bool:
    """True when importing ``draft`` over ``row`` changes nothing."""
    return all(getattr(row, name) == getattr(draft, name) for name in ("type", "version", "options", "ports"))
