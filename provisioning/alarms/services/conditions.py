"""Alarm Conditions: create, change, delete."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from protocol.events import written
from provisioning.alarms.rules.conditions import LABELS, ConditionDraft, as_stored, event_of, refusals
from provisioning.alarms.selectors.alarms import TOPIC
from provisioning.alarms.selectors.conditions import get_condition
from provisioning.alarms.worker.told import tell_cleared
from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.errors import Conflict, Difference, Refusal, Refused
from provisioning.history import history
from provisioning.models import Alarm, AlarmCondition
from provisioning.states import AlarmEnd

CONDITIONS = "alarm-conditions"
"""What pages that show conditions are told by."""


def create_condition(*, actor: Actor, draft: ConditionDraft) -> AlarmCondition:
    """Raises Refused."""
    actor.require(permissions.CONDITIONS)
    with history.atomic():
        row = _saved(AlarmCondition(changed_by=actor.name[:150]), draft)
        history.record(actor=actor, row=row, before=None, after=history.snapshot(row))
        changes.tell(CONDITIONS)
    return row


def update_condition(*, actor: Actor, condition_id: int, draft: ConditionDraft, revision: int | None = None,
                     reason: str = "") -> AlarmCondition:
    """``revision``: that of the row that the sender has seen, None where nobody looked. Raises Refused, Conflict,
    NotFound."""
    actor.require(permissions.CONDITIONS)
    with history.atomic():
        row = _locked(condition_id)
        if revision is not None and revision != row.revision:
            raise _conflict(row, draft)
        before = history.snapshot(row)
        row.changed_by, row.revision = actor.name[:150], row.revision + 1
        row = _saved(row, draft)
        history.record(actor=actor, row=row, before=before, after=history.snapshot(row), reason=reason)
        changes.tell(CONDITIONS)
    return row


def delete_condition(*, actor: Actor, condition_id: int, reason: str = "") -> None:
    """What it raised stays, and is cleared where it is active. Raises Refused, NotFound."""
    actor.require(permissions.CONDITIONS)
    with history.atomic():
        row = _locked(condition_id)
        if why := why_not_delete(row):
            raise Refused(why)
        active = list(row.alarms.filter(cleared_at=None))
        for alarm in active:
            alarm.cleared_at, alarm.cleared_how, alarm.cleared_by = timezone.now(), AlarmEnd.HAND, actor.name[:150]
            alarm.clear_reason = "Its Alarm Condition was deleted."
        Alarm.objects.bulk_update(active, ["cleared_at", "cleared_how", "cleared_by", "clear_reason"], batch_size=200)
        tell_cleared(active)
        history.record(actor=actor, row=row, before=history.snapshot(row), after=None, reason=reason)
        row.delete()
        changes.tell(CONDITIONS, TOPIC)


def why_not_delete(row: AlarmCondition) -> str:
    """A sentence, "" when it can be deleted."""
    return f"{row.name} is predefined and cannot be deleted. Disable it." if row.predefined else ""


def draft_of(row: AlarmCondition) -> ConditionDraft:
    """What is stored, as somebody would type it."""
    return ConditionDraft(
        name=row.name, description=row.description, category=row.category, detect_event=written(row.detect_event),
        selection_mode=row.selection_mode, application_type=row.application_type, application=row.application,
        cancel_event=written(row.cancel_event), cancel_timeout=row.cancel_timeout, enabled=row.enabled,
        reaction=row.reaction, clearance_reaction=row.clearance_reaction)


def _locked(condition_id: int) -> AlarmCondition:
    get_condition(condition_id)
    return AlarmCondition.objects.select_for_update().get(pk=condition_id)


def _saved(row: AlarmCondition, draft: ConditionDraft) -> AlarmCondition:
    others = set(AlarmCondition.objects.exclude(pk=row.pk).values_list("name", flat=True))
    if found := refusals(draft, others):
        raise Refused(*found)
    draft = as_stored(draft)
    row.name, row.description, row.category = draft.name, draft.description, draft.category
    row.detect_event, row.cancel_event = event_of(draft.detect_event) or 0, event_of(draft.cancel_event) or 0
    row.selection_mode, row.cancel_timeout, row.enabled = draft.selection_mode, draft.cancel_timeout, draft.enabled
    row.application_type, row.application = draft.application_type, draft.application
    row.reaction, row.clearance_reaction = draft.reaction, draft.clearance_reaction
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Refused(Refusal(f"An Alarm Condition named {draft.name} exists already.", "name")) from None
    return row


def _conflict(row: AlarmCondition, draft: ConditionDraft) -> Conflict:
    stored = draft_of(row)
    differences = tuple(
        Difference(name, label, _shown(getattr(stored, name)), _shown(getattr(draft, name)))
        for name, label in LABELS.items() if getattr(stored, name) != getattr(draft, name))
    return Conflict(f"{row.changed_by or 'Somebody else'} saved this Alarm Condition while you were changing it. "
                    "Compare, then keep yours or take theirs.", revision=row.revision, saved_by=row.changed_by,
                    saved_at=row.changed_at, differences=differences)


def _shown(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
