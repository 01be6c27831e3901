"""Restore a version of an object, or bring back what was deleted: a plan first, then the verbs of everybody.

The plan asks the rules that a save would meet; what they refuse stays as it is and says why. Restoring calls the same
services as the pages, so nothing gets around a rule.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from django.db.models import Model

from provisioning import history, permissions
from provisioning.declared import facts, labels, values
from provisioning.drafts import ApplicationDraft, HostDraft, PackageDraft, TemplateDraft
from provisioning.errors import Difference, Refusal, Refused
from provisioning.models import Application, ApplicationTemplate, HistoryEntry, Host, InstallationPackage
from provisioning.permissions import Actor
from provisioning.rules.fields import NOT_YET_INSTALLED
from provisioning.selectors.applications import application_draft
from provisioning.selectors.history import field_changes, get_entry
from provisioning.states import HistoryAction

from . import applications, comparison, hosts, packages, templates
from .reasons import one_line
from .versions import Version, application_version, host_version, package_version, template_version


@dataclass(frozen=True)
class Item:
    """A field of the draft that differs from what is there now. ``differences``: theirs is now, yours is then.
    ``why_not``: what stands against it; it is left as it is."""

    name: str
    label: str
    differences: tuple[Difference, ...]
    why_not: tuple[Refusal, ...] = ()

    @property
    def is_one(self) -> bool:
        """True for a field with one value, not one with rows or options."""
        return len(self.differences) == 1 and self.differences[0].label == self.label


@dataclass(frozen=True)
class RestorePlan:
    """What Restore would do. ``row`` None: the object was deleted and is brought back. ``refusals``: what stands
    against all of it."""

    entry: HistoryEntry
    row: Model | None
    items: tuple[Item, ...]
    notes: tuple[Refusal, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def restored(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if not item.why_not)

    @property
    def left(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.why_not)

    @property
    def is_possible(self) -> bool:
        return not self.refusals and (self.row is None or bool(self.restored))

    @property
    def revision(self) -> int:
        """Names the state that the plan was made from; ``restore`` wants it back."""
        return _revision(self.row)


@dataclass(frozen=True)
class Restorable:
    """How versions of one kind of object are had again. ``blank``: of what is brought back, what cannot be left out."""

    permission: str
    version: Callable[[dict, Any], Version]
    present: Callable[[Any], Any]
    blank: Callable[[Any], Any]
    refusals: Callable[[Any, Any], list[Refusal]]
    differences: Callable[[Any, Any, str], tuple[Difference, ...]]
    labels: Mapping[str, str]
    update: Callable[..., Model]
    create: Callable[..., Model]


def plan(*, actor: Actor, number: int) -> RestorePlan:
    """What restoring the version of history entry ``number`` would change; changes nothing. Raises NotFound, and
    Refused when the entry holds no version or nothing of its kind can be restored."""
    entry, kind = _of(number)
    actor.require(kind.permission)
    return _plan(entry, kind)


def restore(*, actor: Actor, number: int, revision: int, names: Collection[str] | None = None,
            reason: str = "") -> Model:
    """Restore the version of history entry ``number``, or bring its object back; returns the object.

    ``revision`` is that of the plan that was shown: when somebody saved the object since, nothing is restored and
    Refused says so. ``names``: the fields to restore (Item.name); None: all that the plan finds possible. Raises
    Refused, NotFound.
    """
    entry, kind = _of(number)
    actor.require(kind.permission)
    found = _plan(entry, kind)
    if found.revision != revision:
        raise Refused(f"{entry.object_name} was saved or deleted by somebody after this plan was made. Nothing was "
                      "restored. Look at the new plan.")
    if found.refusals:
        raise Refused(*found.refusals)
    wanted = [item.name for item in found.items
              if (item.name in names if names is not None else not item.why_not)]
    if found.row is not None and not wanted:
        raise Refused("Choose at least one field to restore.")
    draft = _mixed(kind, entry, found.row, wanted)
    said = _said(found, wanted, one_line(reason))
    if found.row is None:
        return kind.create(actor=actor, draft=draft, key=int(entry.object_id), reason=said)
    return kind.update(actor=actor, row=found.row, draft=draft, reason=said)


def version_of(number: int) -> tuple[HistoryEntry, Model | None, Version]:
    """(entry, the object now or None, its version) for an editor. Raises NotFound, and Refused as ``plan``."""
    entry, kind = _of(number)
    row = _present(entry)
    return entry, row, kind.version(entry.version, row)


def differences(entry: HistoryEntry, row: Model | None) -> tuple[Difference, ...]:
    """What is different in the version of ``entry`` (yours) from ``row`` as it is stored (theirs); () when it is
    deleted."""
    kind = KINDS[entry.object_type]
    if row is None:
        return ()
    now, then, _ = _drafts(kind, entry, row)
    return tuple(row for f in fields(then) if getattr(now, f.name) != getattr(then, f.name)
                 for row in kind.differences(now, then, f.name))


def title_of(entry: HistoryEntry) -> str:
    """The version of 2026-11-24 16:08 UTC by ada."""
    return f"the version of {entry.at:%Y-%m-%d %H:%M} UTC by {entry.user_name}"


def permission_for(object_type: str) -> str | None:
    """The verb that restoring such an object needs; None when it cannot be restored."""
    return KINDS[object_type].permission if object_type in KINDS else None


def _of(number: int) -> tuple[HistoryEntry, Restorable]:
    entry = get_entry(number)
    kind = KINDS.get(entry.object_type)
    if kind is None or entry.version is None:
        raise Refused("This entry holds no version that could be restored.")
    return entry, kind


def _present(entry: HistoryEntry) -> Model | None:
    return history.MODELS[entry.object_type].objects.filter(pk=entry.object_id).first()


def _revision(row: Model | None) -> int:
    return getattr(row, "revision", 1) if row is not None else 0


def _drafts(kind: Restorable, entry: HistoryEntry, row: Model | None) -> tuple[Any, Any, tuple[Refusal, ...]]:
    """(what is there now, the version, what cannot be had of it)."""
    version = kind.version(entry.version, row)
    return kind.present(row) if row is not None else kind.blank(version.draft), version.draft, version.notes


def _plan(entry: HistoryEntry, kind: Restorable) -> RestorePlan:
    row = _present(entry)
    now, then, notes = _drafts(kind, entry, row)
    names = [f.name for f in fields(then) if getattr(now, f.name) != getattr(then, f.name)]
    why, refusals = _feasible(kind, row, now, then, names)
    items = tuple(Item(name, kind.labels[name], kind.differences(now, then, name), tuple(why.get(name, ())))
                  for name in names)
    lost = _lost_primary(entry) if row is None else []
    return RestorePlan(entry, row, items, (*notes, *lost), tuple(refusals))


def _lost_primary(entry: HistoryEntry) -> list[Refusal]:
    """The application that lost the one that is brought back as its Backup Server, when it was deleted."""
    gone = HistoryEntry.objects.filter(object_type=entry.object_type, object_id=entry.object_id,
                                       action=HistoryAction.DELETED).first()
    if gone is None or entry.object_type != "application" or not gone.request_id:
        return []
    others = HistoryEntry.objects.filter(request_id=gone.request_id, object_type="application",
                                         action=HistoryAction.CHANGED)
    lost = [other for other in others if str(other.before.get("backup_server_id")) == entry.object_id
            and other.after.get("backup_server_id") is None]
    present = Application.objects.filter(pk__in=[other.object_id for other in lost])
    return [Refusal(f"{row.name} lost it as its Backup Server. Set it there again, or restore the version of "
                    f"{row.name} before that.", "", (row.link,)) for row in present]


def _feasible(kind: Restorable, row: Model | None, now: Any, then: Any,
              names: list[str]) -> tuple[dict[str, list[Refusal]], list[Refusal]]:
    """({field: what stands against it}, what stands against the rest). What is refused is left as it is, until the
    rules accept what remains."""
    why: dict[str, list[Refusal]] = {}
    while True:
        left = [name for name in names if name not in why]
        found = kind.refusals(replace(now, **{name: getattr(then, name) for name in left}), row)
        hit = [(refusal.field.partition(".")[0], refusal) for refusal in found]
        hit = [(name, refusal) for name, refusal in hit if name in left]
        if not hit:
            return why, found if left or row is None else []
        for name, refusal in hit:
            why.setdefault(name, []).append(refusal)


def _mixed(kind: Restorable, entry: HistoryEntry, row: Model | None, names: Collection[str]) -> Any:
    now, then, _ = _drafts(kind, entry, row)
    return replace(now, **{name: getattr(then, name) for name in names})


def _said(found: RestorePlan, names: Collection[str], reason: str) -> str:
    """The reason of the entry that the restore adds."""
    entry = found.entry
    verb = "Restored" if found.row is not None else "Brought back from"
    left = [item.label for item in found.items if item.name not in names]
    but = f" Not restored: {', '.join(left)}." if left else ""
    return f"{verb} {title_of(entry)} (entry {entry.number}).{but} {reason}".strip()


def _update_application(*, actor: Actor, row: Application, draft: ApplicationDraft, reason: str) -> Application:
    return applications.update_application(actor=actor, application_id=row.pk, revision=row.revision, draft=draft,
                                           reason=reason)


def _update_host(*, actor: Actor, row: Host, draft: HostDraft, reason: str) -> Host:
    return hosts.update_host(actor=actor, host_id=row.pk, revision=row.revision, draft=draft, reason=reason)


def _update_template(*, actor: Actor, row: ApplicationTemplate, draft: TemplateDraft,
                     reason: str) -> ApplicationTemplate:
    return templates.update_template(actor=actor, template_id=row.pk, draft=draft, reason=reason)


def _blank_application(draft: ApplicationDraft) -> ApplicationDraft:
    return ApplicationDraft(name=draft.name, template_id=draft.template_id, host_id=draft.host_id,
                            working_directory=NOT_YET_INSTALLED, command_line=NOT_YET_INSTALLED, ports=(),
                            connections=(), options={}, annex={})


def _plain_differences(now: Any, then: Any, name: str) -> tuple[Difference, ...]:
    rows = field_changes({name: getattr(now, name)}, {name: getattr(then, name)})
    return tuple(Difference(name, row.label, row.before, row.after) for row in rows)


def _package_draft(row: InstallationPackage) -> PackageDraft:
    return PackageDraft(**values(PackageDraft, row))


def _update_package(*, actor: Actor, row: InstallationPackage, draft: PackageDraft, reason: str) -> InstallationPackage:
    return row


def _template_draft(row: ApplicationTemplate) -> TemplateDraft:
    return TemplateDraft(**{name: getattr(row, name) for name in facts(TemplateDraft)})


KINDS: dict[str, Restorable] = {
    "application": Restorable(
        permissions.CONFIGURE, application_version, application_draft, _blank_application,
        lambda draft, row: applications.check_application(draft=draft, application_id=row.pk if row else None),
        lambda now, then, name: comparison.differences(now, then, [name]), labels(ApplicationDraft),
        _update_application, applications.create_application),
    "host": Restorable(
        permissions.MANAGE_HOSTS, host_version,
        lambda row: HostDraft(**values(HostDraft, row)),
        lambda draft: draft, lambda draft, row: hosts.check_host(draft=draft, host_id=row.pk if row else None),
        _plain_differences, labels(HostDraft), _update_host, hosts.create_host),
    "template": Restorable(
        permissions.IMPORT, template_version, _template_draft,
        lambda draft: draft, templates.template_refusals, _plain_differences, labels(TemplateDraft),
        _update_template, templates.create_template),
    "package": Restorable(
        permissions.IMPORT, package_version, _package_draft, lambda draft: draft,
        packages.package_refusals, _plain_differences, labels(PackageDraft), _update_package,
        packages.create_package),
}
