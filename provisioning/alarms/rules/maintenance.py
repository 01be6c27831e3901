"""What a maintenance may say: the refusals of a save, and what its state is. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioning.core.moments import require_usable
from provisioning.core.text import text_refusals
from provisioning.errors import Refusal
from provisioning.states import MaintenanceKind

LONGEST = timedelta(days=30)
COMING, GOING_ON, OVER = "Coming", "Going on", "Over"
LABELS = {"kind": "About", "host": "Host", "application": "Application", "begins_at": "From",
          "ends_at": "To", "reason": "Reason"}


@dataclass(frozen=True, kw_only=True)
class MaintenanceDraft:
    """``name``: of the host or application, or of a member of the pair; ``begins_at`` None for now."""

    kind: str
    name: str
    begins_at: datetime | None
    ends_at: datetime | None
    reason: str


def refusals(draft: MaintenanceDraft, *, there: bool, now: datetime) -> list[Refusal]:
    """``there``: something of this kind and name exists. Raises Refused for a year that is not taken."""
    if draft.kind not in MaintenanceKind.values:
        return [Refusal("Choose what it is about: Host, Pair or Application.", "kind")]
    found = _of_name(draft, there) + _of_times(draft, now)
    if not draft.reason:
        found.append(Refusal("Say what is being done: it is shown with what is masked.", "reason"))
    return found + text_refusals(draft.reason, field="reason", label=LABELS["reason"], longest=1000)


def _of_name(draft: MaintenanceDraft, there: bool) -> list[Refusal]:
    what, field = MaintenanceKind(draft.kind).label, field_of(draft.kind)
    if not draft.name:
        return [Refusal(f"Name the {what}.", field)]
    if there:
        return []
    known = "There is no application of this name that belongs to a pair." if draft.kind == MaintenanceKind.PAIR else \
        f"There is no {what} of this name."
    return [Refusal(known, field)]


def field_of(kind: str) -> str:
    """The field in which it is named."""
    return "host" if kind == MaintenanceKind.HOST else "application"


def _of_times(draft: MaintenanceDraft, now: datetime) -> list[Refusal]:
    for field, when in (("begins_at", draft.begins_at), ("ends_at", draft.ends_at)):
        if when is not None:
            require_usable(when, field)
    if draft.ends_at is None:
        return [Refusal("Say when it ends.", "ends_at")]
    begins_at = draft.begins_at or now
    if draft.ends_at <= begins_at:
        return [Refusal("It ends before it begins. Choose a later end.", "ends_at")]
    if draft.ends_at <= now:
        return [Refusal("Its end has passed already. Choose a later end.", "ends_at")]
    if draft.ends_at - begins_at > LONGEST:
        return [Refusal(f"It lasts at most {LONGEST.days} days. Choose an earlier end.", "ends_at")]
    return []


def state_of(begins_at: datetime, ends_at: datetime, now: datetime) -> str:
    if ends_at <= now or ends_at <= begins_at:
        return OVER
    return COMING if begins_at > now else GOING_ON
