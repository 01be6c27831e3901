"""History as people read it: who, when, from where, and before and after of each field."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import BigIntegerField, Case, Exists, OuterRef, Q, QuerySet, When
from django.db.models.functions import Cast

from provisioning.declared import Kind, facts
from provisioning.drafts import ApplicationDraft, ConnectionDraft, HostDraft, PackageDraft, PortDraft, TemplateDraft
from provisioning.errors import NotFound
from provisioning.history.kinds import MODELS
from provisioning.models import HistoryEntry
from provisioning.models.applications import MASK, is_secret_option
from provisioning.spelling import by_name
from provisioning.states import HistoryAction

QUIET_FIELDS = frozenset({"revision", "template_id", "host_id", "backup_server_id", "server_id"})
"""Fields of a snapshot that say nothing about the object itself."""
_LABELS = {
    name.removesuffix("_id") if each.kind == Kind.LINK else name: each.label
    for draft in (ConnectionDraft, PortDraft, TemplateDraft, PackageDraft, HostDraft, ApplicationDraft)
    for name, each in facts(draft).items()
}
_ROW_KEYS = {"ports": ("Listening Port", ("port_id", "id")), "connections": ("Connection", ("server", "port_id"))}
_SECTIONS = {"options": "Option", "annex": "Annex"}


@dataclass(frozen=True)
class FieldChange:
    """One field that differs; an empty side is shown as empty."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Request:
    """Entries that one click, save or command made; ``entries`` holds (entry, its field changes)."""

    request_id: str
    entries: tuple[tuple[HistoryEntry, tuple[FieldChange, ...]], ...]

    @property
    def first(self) -> HistoryEntry:
        return self.entries[0][0]


def history_list(*, object_type: str = "", object_id: str = "", text: str = "", user: str = "", action: str = "",
                 request_id: str = "") -> QuerySet[HistoryEntry]:
    """Entries, newest first. ``text`` is part of the object's name or of the reason."""
    found = HistoryEntry.objects.all()
    exact = {"object_type": object_type, "object_id": object_id, "user_name": user, "action": action,
             "request_id": request_id}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if text:
        found = found.filter(Q(object_name__holds=text) | Q(reason__holds=text))
    return found.order_by("-number")


def last_change(object_type: str, key: int, field: str = "") -> HistoryEntry | None:
    """Who saved an object last, and when; with ``field`` (as snapshots name it) who last saved another value of it.
    What was only done with the object (a sign-in, a token revoked) is no change of it."""
    versions = _versions(object_type, str(key)).order_by("-number")
    if not field:
        return versions.first()
    return next((entry for entry in versions.iterator(chunk_size=50)
                 if (entry.before or {}).get(field) != (entry.after or {}).get(field)), None)


def _versions(object_type: str, object_id: str) -> QuerySet[HistoryEntry]:
    """The entries that say what an object was or became."""
    of_object = HistoryEntry.objects.filter(object_type=object_type, object_id=object_id)
    return of_object.exclude(before__isnull=True, after__isnull=True)


def get_entry(number: int) -> HistoryEntry:
    """One entry by its number. Raises NotFound."""
    entry = HistoryEntry.objects.filter(number=number).first()
    if entry is None:
        raise NotFound(f"History has no entry {number}.")
    return entry


def neighbours(entry: HistoryEntry) -> tuple[HistoryEntry | None, HistoryEntry | None]:
    """(the version before, the version after) of the same object."""
    versions = _versions(entry.object_type, entry.object_id)
    return (versions.filter(number__lt=entry.number).order_by("-number").first(),
            versions.filter(number__gt=entry.number).order_by("number").first())


def deleted_objects(*, text: str = "", object_type: str = "") -> QuerySet[HistoryEntry]:
    """The last entry of every object that was deleted and does not exist now, newest first. ``text`` is part of its
    name."""
    later = HistoryEntry.objects.filter(object_type=OuterRef("object_type"), object_id=OuterRef("object_id"),
                                        action=HistoryAction.DELETED, number__gt=OuterRef("number"))
    found = HistoryEntry.objects.filter(action=HistoryAction.DELETED, object_type__in=MODELS).exclude(Exists(later))
    for kind, model in MODELS.items():
        # A key of another kind need not be a number, and whoever plans the query may look at it first.
        key = Case(When(object_type=kind, then=Cast("object_id", BigIntegerField())), default=None)
        found = found.alias(key=key).exclude(Exists(model._default_manager.filter(pk=OuterRef("key"))))
    if object_type:
        found = found.filter(object_type=object_type)
    return (found.filter(object_name__holds=text) if text else found).order_by("-number")


def mark_present(entries: Iterable[HistoryEntry]) -> list[HistoryEntry]:
    """The entries, each with ``is_present``: whether its object exists now; one query per kind of object."""
    found = list(entries)
    for kind in {entry.object_type for entry in found}:
        keys = {entry.object_id for entry in found if entry.object_type == kind}
        there = MODELS[kind]._default_manager.filter(pk__in=keys) if kind in MODELS else None
        present = set() if there is None else {str(key) for key in there.values_list("pk", flat=True)}
        for entry in found:
            if entry.object_type == kind:
                entry.is_present = entry.object_id in present
    return found


def history_users() -> list[str]:
    """Names of everybody who changed something."""
    return list(HistoryEntry.objects.order_by(*by_name("user_name")).values_list("user_name", flat=True).distinct())


def group_by_request(entries: Iterable[HistoryEntry]) -> list[Request]:
    """Neighbouring entries of one request together, in the given order."""
    groups: list[list[HistoryEntry]] = []
    for entry in entries:
        if groups and entry.request_id and groups[-1][0].request_id == entry.request_id:
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return [
        Request(group[0].request_id, tuple((e, tuple(field_changes(e.before, e.after))) for e in group))
        for group in groups
    ]


def field_changes(before: dict | None, after: dict | None) -> list[FieldChange]:
    """What differs between two snapshots, field by field; None stands for an object that does not exist."""
    old, new = flatten(before or {}), flatten(after or {})
    return [
        FieldChange(label, old.get(label, ""), new.get(label, ""))
        for label in dict.fromkeys((*old, *new)) if old.get(label, "") != new.get(label, "")
    ]


def flatten(snapshot: dict) -> dict[str, str]:
    """{label: text} of a snapshot; rows of ports and connections and options each under a label of their own."""
    flat: dict[str, str] = {}
    for name, value in snapshot.items():
        if name in QUIET_FIELDS:
            continue
        if name in _ROW_KEYS and isinstance(value, list):
            flat |= _rows(name, value)
        elif name in _SECTIONS and isinstance(value, dict):
            flat |= {f"{_SECTIONS[name]} [{section}] {key}": _option_text(section, key, option)
                     for section, options in value.items() for key, option in options.items()}
        else:
            flat[_label(name)] = _text(value)
    return flat


def _rows(name: str, rows: list[dict]) -> dict[str, str]:
    word, keys = _ROW_KEYS[name]
    flat: dict[str, str] = {}
    for row in rows:
        shown = [key for key in keys if row.get(key) not in (None, "")]
        title = " ".join([word, *(str(row[key]) for key in shown)])
        flat |= {f"{title}: {_label(key)}": _text(value) for key, value in row.items()
                 if key not in shown and key not in QUIET_FIELDS}
    return flat


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _option_text(section: str, key: str, value: object) -> str:
    """What counts as a secret by now was perhaps none when the entry was written."""
    text = _text(value)
    return MASK if text and is_secret_option(section, key) else text


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict) and "value" in value:
        return str(value["value"])
    return "" if value is None else str(value)
