"""Completes drafts: what the template proposes, what stays as stored, what somebody else saved in between."""

from dataclasses import replace
from typing import Any

from provisioning.applications.rules.fields import NOT_YET_INSTALLED
from provisioning.applications.selectors.applications import application_draft
from provisioning.drafts import ApplicationDraft, PortDraft
from provisioning.errors import Conflict
from provisioning.models import Application, ApplicationTemplate, HistoryEntry, Host
from provisioning.models.applications import MASK, PORT_MAX, is_secret_option

from . import comparison
from .facts import reserved_ports
from .objects import STORED, Stored

FIRST_FREE_PORT = 7000
INSTALLER_FILLS_IN: dict[str, Any] = {"working_directory": NOT_YET_INSTALLED, "command_line": NOT_YET_INSTALLED,
                      "command_line_arguments": ""}
"""What an installation fills in, and what stands there before it."""
WITHOUT_ARGUMENTS: dict[str, Any] = {"command_line_arguments": ""}
_OPEN = ("ports", "connections", "options", "annex")


def complete(draft: ApplicationDraft, row: Application | None, objects: Stored = STORED) -> ApplicationDraft:
    """``draft`` without None in ports, connections, options and annex, and in one spelling: secrets that equal the
    stored value as MASK, empty sections left out."""
    if row is not None:
        stored = application_draft(row)
        filled = {name: getattr(stored, name) for name in _OPEN if getattr(draft, name) is None}
        draft = not_installed_there(stored, replace(draft, **filled)) if row.is_server else replace(draft, **filled)
        return replace(draft, options=_spelled(draft.options or {}, row.options_dict(masked=False)),
                       annex=_spelled(draft.annex or {}, row.options_dict(annex=True, masked=False)))
    template = objects.template(draft.template_id)
    if draft.options is None:
        draft = replace(draft, options=template_options(template))
    if draft.ports is None:
        draft = replace(draft, ports=template_ports(template, draft.host_id, objects))
    return replace(draft, options=_spelled(draft.options or {}, {}), annex=_spelled(draft.annex or {}, {}),
                   connections=draft.connections or ())


def _spelled(table: dict[str, dict[str, str]], stored: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    return {
        section: {key: MASK if is_secret_option(section, key) and key in stored.get(section, {})
                  and value == stored[section][key] else value for key, value in keys.items()}
        for section, keys in table.items() if keys
    }


def not_installed_there(stored: ApplicationDraft, draft: ApplicationDraft) -> ApplicationDraft:
    """A server whose Host changes is not installed on the new one: what was filled in on the former, by a host that may
    have to be left because it misbehaves, is not run on another. What was typed with the change stays."""
    if not changes_host(stored, draft):
        return draft
    return replace(draft, **{name: value for name, value in INSTALLER_FILLS_IN.items()
                             if getattr(draft, name) == getattr(stored, name)})


def changes_host(stored: ApplicationDraft, draft: ApplicationDraft) -> bool:
    return stored.host_id is not None and draft.host_id != stored.host_id


def without_placeholders(row: Application, given: dict[str, Any]) -> dict[str, Any]:
    """"." in a file or in an old version means that the installer fills it in: where it has, what it filled in
    stays."""
    given = dict(given)
    if row.is_installed:
        if given.get("command_line") == NOT_YET_INSTALLED:
            del given["command_line"]
            if given.get("command_line_arguments") == "":
                del given["command_line_arguments"]
        if given.get("working_directory") == NOT_YET_INSTALLED:
            del given["working_directory"]
    return given


def template_options(template: ApplicationTemplate | None) -> dict[str, dict[str, str]]:
    """{section: {key: default}} of a template."""
    options = template.options if template else {}
    return {section: {key: str(entry.get("value", "")) for key, entry in keys.items()}
            for section, keys in options.items() if keys}


def template_ports(template: ApplicationTemplate | None, host_id: int | None,
                   objects: Stored = STORED) -> tuple[PortDraft, ...]:
    """The ports that a template proposes, moved to numbers that are free on the host."""
    rows = template.ports if template else []
    ports = tuple(PortDraft(port_id=row["id"], port=row.get("port") or 0, protocol=row.get("protocol") or "",
                            ha_sync=bool(row.get("ha_sync")), description=row.get("description") or "")
                  for row in rows)
    return free_ports(ports, objects.host(host_id), objects)


def free_ports(ports: tuple[PortDraft, ...], host: Host | None, objects: Stored = STORED) -> tuple[PortDraft, ...]:
    """The same ports; each number that is taken on ``host`` (or 0) replaced by the next free one."""
    taken = set()
    if host is not None:
        taken = {*objects.used_ports(host), host.lca_port, *(number for number, _ in reserved_ports(host))}
    result = []
    for port in ports:
        number = port.port or FIRST_FREE_PORT
        while number in taken and number <= PORT_MAX:
            number += 1
        taken.add(number)
        result.append(replace(port, port=number))
    return tuple(result)


def new_secrets(row: Application, draft: ApplicationDraft) -> list[str]:
    """"[section] key" of stored secrets that ``draft`` replaces; snapshots show only their mask."""
    names = []
    for table, annex in ((draft.options, False), (draft.annex, True)):
        stored = row.options_dict(annex=annex)
        names += [f"[{section}] {key}" for section, keys in (table or {}).items() for key, value in keys.items()
                  if is_secret_option(section, key) and key in stored.get(section, {}) and value != MASK]
    return names


def merge(row: Application, revision: int, stored: ApplicationDraft, draft: ApplicationDraft) -> ApplicationDraft:
    """``draft`` was made from an older ``revision``. Raises Conflict when a field that somebody else saved since then
    differs from what was typed; a field that nobody else touched is as typed."""
    theirs = [name for name in comparison.changed_fields(stored, draft) if _touched(row, revision, name, stored)]
    if theirs:
        raise conflict(row, stored, draft, theirs)
    return draft


def conflict(row: Application, stored: ApplicationDraft, draft: ApplicationDraft, names: list[str]) -> Conflict:
    """That somebody else saved ``row`` since it was read, with how ``draft`` differs in the fields ``names``."""
    return Conflict(
        f"{row.changed_by or 'Somebody'} saved {row.name} while you were editing it. Compare, then keep yours or take "
        "theirs.", revision=row.revision, saved_by=row.changed_by, saved_at=row.changed_at,
        differences=comparison.differences(stored, draft, names))


_SNAPSHOT_NAMES = {"template_id": "template", "host_id": "host", "backup_server_id": "backup_server"}


def _touched(row: Application, revision: int, name: str, stored: ApplicationDraft) -> bool:
    """True when ``name`` was saved by somebody after ``revision`` (or nobody can tell)."""
    entries = HistoryEntry.objects.filter(object_type="application", object_id=str(row.pk),
                                          after__revision__gt=revision)
    bodies = [(entry.before, entry.after, entry.reason) for entry in entries]
    if len(bodies) != row.revision - revision:
        return True
    key = _SNAPSHOT_NAMES.get(name, name)
    return any(before.get(key) != (after or {}).get(key) or (name in ("options", "annex") and "New value for" in reason)
               for before, after, reason in bodies if before)
