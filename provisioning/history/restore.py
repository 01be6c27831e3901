"""Restore a version of an object, or bring back what was deleted: a plan first, then the verbs of everybody.

The plan asks the rules that a save would meet; what they refuse stays as it is and says why. Restoring calls the same
services as the pages, so nothing gets around a rule.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from django.db.models import Model

from provisioning.core.permissions import Actor
from provisioning.core.reasons import one_line
from provisioning.declared import facts
from provisioning.errors import Difference, Refusal, Refused
from provisioning.history.kinds import MODELS
from provisioning.models import HistoryEntry

from .entries import field_changes, get_entry


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
class Version:
    """``draft`` is the version as far as it can be had; ``notes`` say what of it cannot, each with the field of the
    draft that it is about."""

    draft: Any
    notes: tuple[Refusal, ...] = ()


def plain_differences(now: Any, then: Any, name: str) -> tuple[Difference, ...]:
    rows = field_changes({name: getattr(now, name)}, {name: getattr(then, name)})
    return tuple(Difference(name, row.label, row.before, row.after) for row in rows)


@dataclass(frozen=True, kw_only=True)
class Restorable:
    """How versions of one kind of object are had again. ``blank``: of what is brought back, what cannot be left out;
    ``lost``: what else an entry's object took with it when it was deleted; ``waits``: the sentence about what of a
    restored object does not count at once."""

    permission: str
    labels: Mapping[str, str]
    version: Callable[[dict, Any], Version]
    present: Callable[[Any], Any]
    refusals: Callable[[Any, Any], list[Refusal]]
    update: Callable[..., Model]
    create: Callable[..., Model]
    blank: Callable[[Any], Any] = lambda draft: draft
    differences: Callable[[Any, Any, str], tuple[Difference, ...]] = plain_differences
    lost: Callable[[HistoryEntry], list[Refusal]] = lambda entry: []
    waits: Callable[[Any], str] = lambda row: ""


KINDS: dict[str, Restorable] = {}
"""{kind of object: how its versions are had again}, filled by the modules that own these objects."""


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
    return entry, row, kind.version(entry.version or {}, row)


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


def waits(entry: HistoryEntry, row: Model) -> str:
    """What of ``row``, which was restored, does not count at once, as a sentence; "" when all of it does."""
    return KINDS[entry.object_type].waits(row)


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
    return MODELS[entry.object_type]._default_manager.filter(pk=entry.object_id).first()


def _revision(row: Model | None) -> int:
    return getattr(row, "revision", 1) if row is not None else 0


def _drafts(kind: Restorable, entry: HistoryEntry, row: Model | None) -> tuple[Any, Any, tuple[Refusal, ...]]:
    """(what is there now, the version, what cannot be had of it)."""
    version = kind.version(entry.version or {}, row)
    return kind.present(row) if row is not None else kind.blank(version.draft), version.draft, version.notes


def _plan(entry: HistoryEntry, kind: Restorable) -> RestorePlan:
    row = _present(entry)
    now, then, notes = _drafts(kind, entry, row)
    names = [f.name for f in fields(then) if getattr(now, f.name) != getattr(then, f.name)]
    why, refusals = _feasible(kind, row, now, then, names)
    items = tuple(Item(name, kind.labels[name], kind.differences(now, then, name), tuple(why.get(name, ())))
                  for name in names)
    lost = kind.lost(entry) if row is None else []
    return RestorePlan(entry, row, items, (*notes, *lost), tuple(refusals))


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


def known(draft: type, body: dict) -> dict[str, Any]:
    """What a snapshot has of the fields of ``draft``: one of before a field was added has fewer."""
    return {name: body[name] for name in facts(draft) if name in body}
