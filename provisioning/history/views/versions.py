"""Edit this version: an editor that begins with what an object was, and the entry of history that says it."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404

from provisioning.core.text import key_of
from provisioning.errors import Difference, Refusal
from provisioning.history import restore as restoring
from provisioning.models import HistoryEntry
from provisioning.web.answers import sentence


@dataclass(frozen=True)
class Opened:
    """A version that an editor was opened with. ``key``: of the deleted object that a save brings back, None when the
    object exists. ``differences``: theirs is what is stored, yours the version."""

    entry: HistoryEntry
    draft: Any
    key: int | None
    notes: tuple[Refusal, ...]
    differences: tuple[Difference, ...]

    @property
    def title(self) -> str:
        return restoring.title_of(self.entry)

    @property
    def sentences(self) -> list[str]:
        return [sentence(note) for note in self.notes]

    @property
    def reason(self) -> str:
        """What the editor proposes as the reason of the save."""
        return f"From {self.title} (entry {self.entry.number})."


def opened_version(request, object_type: str, row=None) -> Opened | None:
    """The version that ``version`` in the address (or sent form) names; None when it names none.

    ``row`` is the object that is edited; None opens what was deleted. Raises Http404 when the entry is of another
    object, Refused when it holds no version.
    """
    number = key_of(request.POST.get("version") or request.GET.get("version"))
    if number is None:
        return None
    entry, present, version = restoring.version_of(number)
    if entry.object_type != object_type or (present.pk if present else None) != (row.pk if row else None):
        raise Http404("This version is one of another object.")
    return Opened(entry, version.draft, None if present else int(entry.object_id), version.notes,
                  restoring.differences(entry, present))
