"""Objects with a name and a revision, which people save one at a time and whole: Alarm Conditions, channels,
notification rules. Each save is an entry of History, and is refused where somebody else saved meanwhile."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Model

from provisioning.core import changes
from provisioning.core.permissions import Actor
from provisioning.errors import Conflict, Difference, Refusal, Refused
from provisioning.history import history

Row = TypeVar("Row", bound=Model)
Draft = TypeVar("Draft")


def _nothing(row: Any, draft: Any = None) -> None:
    """What most kinds have to do besides."""


def _no_secrets(row: Any) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Revised(Generic[Row, Draft]):
    """One kind of them. ``noun`` is what a sentence calls one, ``article`` stands before it. ``topics``: what pages
    that show them are told by. ``get`` raises NotFound.

    ``fill`` takes a draft over into a row, given the names of the others, and raises Refused; ``stored`` does what has
    to be done once it is there, ``leave`` before it is deleted. ``differences`` of what is stored and what somebody
    typed. ``secrets`` {label: value} are those whose new value History notes, without showing it.
    """

    model: type[Row]
    noun: str
    article: str = "A"
    permission: str
    topics: tuple[str, ...]
    get: Callable[[int], Row]
    fill: Callable[[Any, Draft, set[str]], None]
    stored: Callable[[Any, Draft], None] = _nothing
    leave: Callable[[Any, Actor], None] = _nothing
    differences: Callable[[Any, Draft], Iterable[Difference]]
    secrets: Callable[[Any], Mapping[str, str]] = _no_secrets

    def create(self, *, actor: Actor, draft: Draft) -> Row:
        """Raises Refused."""
        actor.require(self.permission)
        with history.atomic():
            row = self.model(changed_by=actor.name[:150])
            self._save(row, draft)
            history.record(actor=actor, row=row, before=None, after=history.snapshot(row))
            changes.tell(*self.topics)
        return row

    def update(self, key: int, *, actor: Actor, draft: Draft, revision: int | None, reason: str) -> Row:
        """``revision``: that of the row that the sender has seen, None where nobody looked. Raises Refused, Conflict,
        NotFound."""
        actor.require(self.permission)
        with history.atomic():
            row: Any = self._locked(key)
            if revision is not None and revision != row.revision:
                raise self._conflict(row, draft)
            before, secrets = history.snapshot(row), self.secrets(row)
            row.changed_by, row.revision = actor.name[:150], row.revision + 1
            self._save(row, draft)
            new = [label for label, value in self.secrets(row).items() if value != secrets.get(label)]
            history.record(actor=actor, row=row, before=before, after=history.snapshot(row), reason=reason,
                           new_secrets=new)
            changes.tell(*self.topics)
        return row

    def delete(self, key: int, *, actor: Actor, reason: str) -> None:
        """Raises Refused, NotFound."""
        actor.require(self.permission)
        with history.atomic():
            row = self._locked(key)
            self.leave(row, actor)
            history.record(actor=actor, row=row, before=history.snapshot(row), after=None, reason=reason)
            row.delete()
            changes.tell(*self.topics)

    def _locked(self, key: int) -> Row:
        self.get(key)
        return self.model._default_manager.select_for_update().get(pk=key)

    def _save(self, row: Any, draft: Draft) -> None:
        self.fill(row, draft, set(self.model._default_manager.exclude(pk=row.pk).values_list("name", flat=True)))
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError:
            # Somebody else took the name a moment ago.
            raise Refused(Refusal(f"{self.article} {self.noun} named {row.name} exists already.", "name")) from None
        self.stored(row, draft)

    def _conflict(self, row: Any, draft: Draft) -> Conflict:
        return Conflict(f"{row.changed_by or 'Somebody else'} saved this {self.noun} while you were changing it. "
                        "Compare, then keep yours or take theirs.", revision=row.revision, saved_by=row.changed_by,
                        saved_at=row.changed_at, differences=tuple(self.differences(row, draft)))


def differing(labels: Mapping[str, str], theirs: object, yours: object) -> list[Difference]:
    """Of two drafts, in the fields that ``labels`` names."""
    pairs = [(name, label, shown(getattr(theirs, name)), shown(getattr(yours, name))) for name, label in labels.items()]
    return [Difference(*each) for each in pairs if each[2] != each[3]]


def shown(value: bool | int | str | Sequence[str]) -> str:
    """A value of a draft as a page shows it; the order of names does not count."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, (int, str)) else ", ".join(sorted(value))
