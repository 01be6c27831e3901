"""Snapshots of history as drafts: what of an object's version can be had again, and what cannot and why."""

from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Model

from provisioning.declared import Kind, columns, facts
from provisioning.drafts import ApplicationDraft, ConnectionDraft, HostDraft, PackageDraft, PortDraft, TemplateDraft
from provisioning.errors import Refusal
from provisioning.models import Application, ApplicationTemplate, Host, InstallationPackage
from provisioning.models.applications import MASK, is_secret_option
from provisioning.rules.fields import NOT_YET_INSTALLED
from provisioning.selectors.applications import application_draft
from provisioning.states import RedundancyType

from . import drafting

_PLAIN = tuple(name for name in columns(ApplicationDraft) if facts(ApplicationDraft)[name].kind != Kind.LINK)


@dataclass(frozen=True)
class Version:
    """``draft`` is the version as far as it can be had; ``notes`` say what of it cannot, each with the field of the
    draft that it is about."""

    draft: Any
    notes: tuple[Refusal, ...] = ()


def application_version(body: dict, row: Application | None) -> Version:
    """The draft of a snapshot, to be saved over ``row`` or (None) to bring back what was deleted.

    What does not exist any more stays as it is at ``row`` or is left out; secrets are those of ``row``.
    """
    stored = application_draft(row) if row is not None else None
    notes: list[Refusal] = []
    given = {name: body[name] for name in _PLAIN if name in body}
    if row is not None:
        given = {**{name: getattr(stored, name) for name in _PLAIN}, **drafting.without_placeholders(row, given)}
    elif given.get("command_line", NOT_YET_INSTALLED) not in ("", NOT_YET_INSTALLED):
        given |= {"command_line": NOT_YET_INSTALLED, "command_line_arguments": ""}
        notes.append(Refusal("It gets a secret of its own, so it has to be installed again before it can start. "
                             "Install fills in Command Line and Command Line Arguments and keeps its messages.",
                             "command_line"))
    if row is not None and body.get("version", row.version) != row.version:
        notes.append(Refusal(f"Version stays {row.version}: it is what was installed last."))
    draft = ApplicationDraft(
        **given, template_id=row.template_id if row is not None else _template(body, notes),
        host_id=_host(body, stored, notes),
        ports=tuple(PortDraft(**_known(PortDraft, port))
                    for port in body.get("ports") or ()),
        connections=_connections(body, notes), options=_table(body, row, notes, annex=False),
        annex=_table(body, row, notes, annex=True))
    return Version(_with_backup(draft, body, stored, notes), tuple(notes))


def host_version(body: dict, row: Host | None) -> Version:
    """As ``application_version``, of a host."""
    draft = HostDraft(**_known(HostDraft, body))
    if row is not None:
        return Version(draft)
    return Version(draft, (Refusal("It gets a secret of its own: press Join on its page afterwards, and its agent is "
                                   "accepted again."),))


def template_version(body: dict, row: ApplicationTemplate | None) -> Version:
    """As ``application_version``, of a template."""
    return Version(TemplateDraft(**_known(TemplateDraft, body)))


def package_version(body: dict, row: InstallationPackage | None) -> Version:
    """As ``application_version``, of a package."""
    return Version(PackageDraft(**_known(PackageDraft, body)))


def _known(draft: type, body: dict) -> dict[str, Any]:
    """What a snapshot has of the fields of ``draft``: one of before a field was added has fewer."""
    return {name: body[name] for name in facts(draft) if name in body}


def _found(model: type[Model], key: int | None, name: str) -> Model | None:
    """The object that a snapshot names: by its key, which is never given to another one, or else by its name."""
    row = model.objects.filter(pk=key).first() if key else None
    return row or (model.objects.filter(name=name).first() if name else None)


def _template(body: dict, notes: list[Refusal]) -> int | None:
    name = body.get("template", "")
    row = _found(ApplicationTemplate, body.get("template_id"), name)
    if row is None:
        notes.append(Refusal(f"Application Template {name} does not exist any more. Import it first, or bring it back.",
                             "template_id"))
    return row.pk if row else None


def _host(body: dict, stored: ApplicationDraft | None, notes: list[Refusal]) -> int | None:
    name = body.get("host", "")
    row = _found(Host, body.get("host_id"), name)
    if row is not None or not name:
        return row.pk if row else None
    notes.append(Refusal(f"Host {name} does not exist any more. " + (
        "Host stays as it is." if stored else "Bring it back first, or choose another one with Edit this version."),
        "host_id"))
    return stored.host_id if stored else None


def _with_backup(draft: ApplicationDraft, body: dict, stored: ApplicationDraft | None,
                 notes: list[Refusal]) -> ApplicationDraft:
    name = body.get("backup_server", "")
    row = _found(Application, body.get("backup_server_id"), name)
    if row is not None or not name:
        return replace(draft, backup_server_id=row.pk if row else None)
    notes.append(Refusal(f"Backup Server {name} does not exist any more, so it is not set" + (
        ": Backup Server and Redundancy Type stay as they are." if stored else "."), "backup_server_id"))
    if stored is not None:
        return replace(draft, backup_server_id=stored.backup_server_id, redundancy_type=stored.redundancy_type)
    return replace(draft, backup_server_id=None, redundancy_type=RedundancyType.NOT_SPECIFIED)


def _connections(body: dict, notes: list[Refusal]) -> tuple[ConnectionDraft, ...]:
    found = []
    for given in body.get("connections") or ():
        server = _found(Application, given.get("server_id"), given.get("server", ""))
        if server is None:
            notes.append(Refusal(f"The connection to {given.get('server')} is left out: that application does not "
                                 "exist any more.", "connections"))
        else:
            found.append(ConnectionDraft(**_known(ConnectionDraft, given) | {"server_id": server.pk}))
    return tuple(found)


def _table(body: dict, row: Application | None, notes: list[Refusal], *, annex: bool) -> dict[str, dict[str, str]]:
    """Options or annex of a snapshot; a secret that is stored keeps its value, another one has to be typed."""
    field = "annex" if annex else "options"
    stored = row.options_dict(annex=annex) if row is not None else {}
    table: dict[str, dict[str, str]] = {}
    kept = []
    for section, keys in (body.get(field) or {}).items():
        for key, value in keys.items():
            if is_secret_option(section, key):
                if key not in stored.get(section, {}):
                    notes.append(Refusal(f"[{section}] {key} is secret and its value is not in history. It is left "
                                         "out: type it again afterwards.", f"{field}.{section}.{key}"))
                    continue
                kept.append(f"[{section}] {key}")
                value = MASK
            table.setdefault(section, {})[key] = value
    if kept:
        notes.append(Refusal(f"{', '.join(kept)} {'keeps its' if len(kept) == 1 else 'keep their'} present value: "
                             "history does not hold secrets.", field))
    return table
