"""What people do about an alarm: acknowledge it, and clear it by hand."""

from collections.abc import Iterable

from django.utils import timezone

from provisioning.alarms.selectors.alarms import TOPIC, get_alarm
from provisioning.alarms.worker.plans import plan_telling
from provisioning.alarms.worker.told import tell_cleared
from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.core.reasons import one_line
from provisioning.errors import Refusal, Refused
from provisioning.history import history
from provisioning.models import Alarm
from provisioning.models.alarms import NOTE_CHARACTERS
from provisioning.states import AlarmEnd


def acknowledge(*, actor: Actor, alarm_id: int, note: str = "") -> Alarm:
    """Somebody looks after it, and says so with ``note``. It stays active. Raises Refused, NotFound."""
    actor.require(permissions.ALARMS)
    note = one_line(note)
    with history.atomic():
        row = _active(alarm_id)
        row.acknowledged_at, row.acknowledged_by, row.note = timezone.now(), actor.name[:150], note[:NOTE_CHARACTERS]
        _done(actor, row, ("acknowledged_at", "acknowledged_by", "note"), f"Acknowledged. {note}")
    return row


def clear(*, actor: Actor, alarm_id: int, reason: str) -> Alarm:
    """It is over, as somebody says with ``reason``. Its next event raises another one. Raises Refused, NotFound."""
    actor.require(permissions.ALARMS)
    reason = one_line(reason)
    if not reason:
        raise Refused(Refusal("Say why the alarm is cleared.", "reason"))
    with history.atomic():
        row = _active(alarm_id)
        row.cleared_at, row.cleared_how, row.cleared_by = timezone.now(), AlarmEnd.HAND, actor.name[:150]
        row.clear_reason = reason[:NOTE_CHARACTERS]
        _done(actor, row, ("cleared_at", "cleared_how", "cleared_by", "clear_reason"), f"Cleared. {reason}")
        tell_cleared([row])
        plan_telling([row], row.cleared_at, is_clearance=True)
    return row


def _active(alarm_id: int) -> Alarm:
    get_alarm(alarm_id)
    row = Alarm.objects.select_for_update().get(pk=alarm_id)
    if not row.is_active:
        by = f" by {row.cleared_by}" if row.cleared_by else f": {row.get_cleared_how_display()}"
        raise Refused(f"{row.name} was cleared already{by}.")
    return row


def _done(actor: Actor, row: Alarm, fields: Iterable[str], reason: str) -> None:
    row.save(update_fields=fields)
    history.record_verb(actor=actor, row=row, reason=reason.strip())
    changes.tell(TOPIC)
