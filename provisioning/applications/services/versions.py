"""Versions of an application: what of one can be had again, and what cannot and why."""
from dataclasses import replace

from django.db.models import Model

from provisioning.applications.rules.fields import NOT_YET_INSTALLED
from provisioning.applications.selectors.applications import application_draft, get_application, ports_wait
from provisioning.core import permissions
from provisioning.core.permissions import Actor
from provisioning.declared import Kind, columns, facts, labels
from provisioning.drafts import ApplicationDraft, ConnectionDraft, PortDraft
from provisioning.errors import Refusal
from provisioning.history.restore import KINDS, Restorable, Version, known
from provisioning.models import Application, ApplicationTemplate, HistoryEntry, Host
from provisioning.models.applications import MASK, is_secret_option
from provisioning.states import HistoryAction, RedundancyType

from . import applications, comparison, draft_completion

_PLAIN = tuple(name for name in columns(ApplicationDraft) if facts(ApplicationDraft)[name].kind != Kind.LINK)


def application_version(body: dict, row: Application | None) -> Version:
    """The draft of a snapshot, to be saved over ``row`` or (None) to bring back what was deleted.

    What does not exist any more stays as it is at ``row`` or is left out; secrets are those of ``row``.
    """
    stored = application_draft(row) if row is not None else None
    notes: list[Refusal] = []
    given = {name: body[name] for name in _PLAIN if name in body}
    if row is not None:
        given = {**{name: getattr(stored, name) for name in _PLAIN},
                 **draft_completion.without_placeholders(row, given)}
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
        ports=tuple(PortDraft(**known(PortDraft, port))
                    for port in body.get("ports") or ()),
        connections=_connections(body, notes), options=_table(body, row, notes, annex=False),
        annex=_table(body, row, notes, annex=True))
    return Version(_with_backup(draft, body, stored, notes), tuple(notes))


def _found(model: type[Model], key: int | None, name: str) -> Model | None:
    """The object that a snapshot names: by its key, which is never given to another one, or else by its name."""
    row = model._default_manager.filter(pk=key).first() if key else None
    return row or (model._default_manager.filter(name=name).first() if name else None)


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
            found.append(ConnectionDraft(**known(ConnectionDraft, given) | {"server_id": server.pk}))
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


def _lost_primary(entry: HistoryEntry) -> list[Refusal]:
    """The application that lost the one that is brought back as its Backup Server, when it was deleted."""
    gone = HistoryEntry.objects.filter(object_type=entry.object_type, object_id=entry.object_id,
                                       action=HistoryAction.DELETED).first()
    if gone is None or not gone.request_id:
        return []
    others = HistoryEntry.objects.filter(request_id=gone.request_id, object_type="application",
                                         action=HistoryAction.CHANGED)
    lost = [other for other in others if str((other.before or {}).get("backup_server_id")) == entry.object_id
            and (other.after or {}).get("backup_server_id") is None]
    present = Application.objects.filter(pk__in=[other.object_id for other in lost])
    return [Refusal(f"{row.name} lost it as its Backup Server. Set it there again, or restore the version of "
                    f"{row.name} before that.", "", (row.link,)) for row in present]


def _update_application(*, actor: Actor, row: Application, draft: ApplicationDraft, reason: str) -> Application:
    return applications.update_application(actor=actor, application_id=row.pk, revision=row.revision, draft=draft,
                                           reason=reason)


def _blank_application(draft: ApplicationDraft) -> ApplicationDraft:
    return ApplicationDraft(name=draft.name, template_id=draft.template_id, host_id=draft.host_id,
                            working_directory=NOT_YET_INSTALLED, command_line=NOT_YET_INSTALLED, ports=(),
                            connections=(), options={}, annex={})


KINDS["application"] = Restorable(
    permission=permissions.CONFIGURE, labels=labels(ApplicationDraft), version=application_version,
    present=application_draft, blank=_blank_application,
    refusals=lambda draft, row: applications.check_application(draft=draft, application_id=row.pk if row else None),
    differences=lambda now, then, name: comparison.differences(now, then, [name]),
    update=_update_application, create=applications.create_application, lost=_lost_primary,
    waits=lambda row: ports_wait(get_application(row.pk)))
