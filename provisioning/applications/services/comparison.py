"""What differs between two drafts of one application, in words for people."""

from dataclasses import fields

from provisioning.declared import labels
from provisioning.drafts import ApplicationDraft
from provisioning.errors import Difference
from provisioning.history.rows import connection_texts, port_text
from provisioning.models import Application, ApplicationTemplate, Host
from provisioning.models.applications import MASK, is_secret_option
from provisioning.states import RedundancyType

from .objects import STORED, Stored

_REFERENCES = {"template_id": ApplicationTemplate, "host_id": Host, "backup_server_id": Application}


def changed_fields(before: ApplicationDraft, after: ApplicationDraft) -> list[str]:
    """Names of the fields in which two complete drafts differ, in their declared order."""
    return [f.name for f in fields(ApplicationDraft) if getattr(before, f.name) != getattr(after, f.name)]


def differences(theirs: ApplicationDraft, yours: ApplicationDraft, names: list[str],
                objects: Stored = STORED) -> tuple[Difference, ...]:
    """One Difference per field; one per option for the tables of options, one per port ID for ports. ``objects`` say
    what ids are called."""
    rows: list[Difference] = []
    for name in names:
        left, right = getattr(theirs, name), getattr(yours, name)
        if name in ("options", "annex"):
            rows += _tables(name, left or {}, right or {})
        elif name == "ports":
            rows += _rows(name, {p.port_id: port_text(p) for p in left or ()},
                          {p.port_id: port_text(p) for p in right or ()})
        elif name == "connections":
            rows += _rows(name, _connections(left, objects), _connections(right, objects))
        else:
            rows.append(Difference(name, labels(ApplicationDraft)[name], field_text(name, left, objects),
                                   field_text(name, right, objects)))
    return tuple(rows)


def field_text(name: str, value, objects: Stored = STORED) -> str:
    """A single value as people read it: names instead of ids, Yes and No, labels of choices."""
    if name in _REFERENCES:
        return objects.names(_REFERENCES[name], [value]).get(value, "") if value else ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if name == "redundancy_type" and value in RedundancyType.values:
        return RedundancyType(value).label
    return str(value)


def _connections(rows, objects: Stored) -> dict[str, str]:
    return dict(connection_texts(rows or (), objects.names(Application, (row.server_id for row in rows or ()))))


def _rows(name: str, left: dict[str, str], right: dict[str, str]) -> list[Difference]:
    label = labels(ApplicationDraft)[name]
    return [Difference(f"{name}.{key}", f"{label} {key}", left.get(key, "(none)"), right.get(key, "(none)"))
            for key in sorted(left.keys() | right.keys()) if left.get(key) != right.get(key)]


def _tables(name: str, left: dict, right: dict) -> list[Difference]:
    rows, label = [], labels(ApplicationDraft)[name]
    for section in sorted(left.keys() | right.keys()):
        before, after = left.get(section, {}), right.get(section, {})
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                rows.append(Difference(f"{name}.{section}.{key}", f"{label} [{section}] {key}",
                                       before.get(key, "(none)"), _hidden(section, key, after.get(key, "(none)"))))
    return rows


def _hidden(section: str, key: str, value: str) -> str:
    return f"{MASK} (new value)" if is_secret_option(section, key) and value not in (MASK, "(none)") else value
