"""Alarm Conditions: create, change, delete."""

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from protocol.events import written
from provisioning.alarms.rules.conditions import LABELS, ConditionDraft, as_stored, event_of, hints, refusals
from provisioning.alarms.selectors.alarms import TOPIC
from provisioning.alarms.selectors.conditions import get_condition
from provisioning.alarms.worker.told import tell_cleared
from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.errors import Refused
from provisioning.history.revised import Revised, differing
from provisioning.models import Alarm, AlarmCondition, Application, Channel
from provisioning.states import AlarmEnd

CONDITIONS = "alarm-conditions"
"""What pages that show conditions are told by."""


def create_condition(*, actor: Actor, draft: ConditionDraft) -> AlarmCondition:
    """Raises Refused."""
    return KIND.create(actor=actor, draft=draft)


def update_condition(*, actor: Actor, condition_id: int, draft: ConditionDraft, revision: int | None = None,
                     reason: str = "") -> AlarmCondition:
    """As ``Revised.update``."""
    return KIND.update(condition_id, actor=actor, draft=draft, revision=revision, reason=reason)


def delete_condition(*, actor: Actor, condition_id: int, reason: str = "") -> None:
    """What it raised stays, and is cleared where it is active. Raises Refused, NotFound."""
    KIND.delete(condition_id, actor=actor, reason=reason)


def why_not_delete(row: AlarmCondition) -> str:
    """A sentence, "" when it can be deleted."""
    return f"{row.name} is predefined and cannot be deleted. Disable it." if row.predefined else ""


def draft_of(row: AlarmCondition) -> ConditionDraft:
    """What is stored, as somebody would type it; of a ``row`` with its channels (selectors.conditions)."""
    return ConditionDraft(
        name=row.name, description=row.description, category=row.category, detect_event=written(row.detect_event),
        selection_mode=row.selection_mode, application_type=row.application_type, application=row.application,
        cancel_event=written(row.cancel_event), cancel_timeout=row.cancel_timeout, enabled=row.enabled,
        reactions=tuple(map(str, row.verbs)), clearance_reactions=tuple(map(str, row.clearance_verbs)),
        channels=tuple(channel.name for channel in row.channels.all()),
        clearance_channels=tuple(channel.name for channel in row.clearance_channels.all()))


def hints_of(row: AlarmCondition) -> list[str]:
    """What is allowed and still strange about what is stored, as sentences."""
    return hints(draft_of(row), Application.objects.filter(name=row.application).values_list("name", flat=True))


def _fill(row: AlarmCondition, draft: ConditionDraft, others: set[str]) -> None:
    if found := refusals(draft, others, _channels(draft)):
        raise Refused(*found)
    draft = as_stored(draft)
    row.name, row.description, row.category = draft.name, draft.description, draft.category
    row.detect_event, row.cancel_event = event_of(draft.detect_event) or 0, event_of(draft.cancel_event) or 0
    row.selection_mode, row.cancel_timeout, row.enabled = draft.selection_mode, draft.cancel_timeout, draft.enabled
    row.application_type, row.application = draft.application_type, draft.application
    row.reactions, row.clearance_reactions = list(draft.reactions), list(draft.clearance_reactions)


def _channels(draft: ConditionDraft) -> dict[str, Channel]:
    """{name: channel} of those that it names and that there are."""
    names = {name.strip() for name in (*draft.channels, *draft.clearance_channels)}
    return {row.name: row for row in Channel.objects.defer("secrets").filter(name__in=names)} if names else {}


def _stored(row: AlarmCondition, draft: ConditionDraft) -> None:
    draft = as_stored(draft)
    channels = _channels(draft)
    row.channels.set([channels[name] for name in draft.channels])
    row.clearance_channels.set([channels[name] for name in draft.clearance_channels])
    # What is active goes by the Cancel Timeout of now.
    row.alarms.filter(cleared_at=None).update(
        ends_at=F("last_at") + timedelta(hours=row.cancel_timeout) if row.cancel_timeout else None)


def _leave(row: AlarmCondition, actor: Actor) -> None:
    if why := why_not_delete(row):
        raise Refused(why)
    active = list(row.alarms.filter(cleared_at=None))
    for alarm in active:
        alarm.cleared_at, alarm.cleared_how, alarm.cleared_by = timezone.now(), AlarmEnd.HAND, actor.name[:150]
        alarm.clear_reason = "Its Alarm Condition was deleted."
    Alarm.objects.bulk_update(active, ["cleared_at", "cleared_how", "cleared_by", "clear_reason"], batch_size=200)
    tell_cleared(active)
    changes.tell(TOPIC)


KIND = Revised(
    model=AlarmCondition, noun="Alarm Condition", article="An", permission=permissions.CONDITIONS, topics=(CONDITIONS,),
    get=get_condition, fill=_fill, stored=_stored, leave=_leave,
    differences=lambda row, draft: differing(LABELS, draft_of(get_condition(row.pk)), as_stored(draft)))
