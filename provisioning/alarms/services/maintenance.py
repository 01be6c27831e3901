"""What people say about maintenance: from when to when something is worked on, and that it ends earlier."""

from dataclasses import replace

from django.utils import timezone

from provisioning.alarms.rules.maintenance import OVER, MaintenanceDraft, refusals, state_of
from provisioning.alarms.selectors.alarms import TOPIC as ALARMS
from provisioning.alarms.selectors.maintenance import TOPIC, get_maintenance, is_there, primary_of
from provisioning.alarms.worker.marks import mask
from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.core.reasons import one_line
from provisioning.errors import Refused
from provisioning.history import history
from provisioning.models import Maintenance
from provisioning.states import MaintenanceKind


def begin_maintenance(*, actor: Actor, draft: MaintenanceDraft) -> Maintenance:
    """Alarms about it are masked in that time. Raises Refused."""
    actor.require(permissions.ALARMS)
    now, draft = timezone.now(), replace(draft, name=draft.name.strip(), reason=one_line(draft.reason))
    found = refusals(draft, there=is_there(draft.kind, draft.name), now=now)
    if found or draft.ends_at is None:
        raise Refused(*found)
    name = primary_of(draft.name) if draft.kind == MaintenanceKind.PAIR else draft.name
    with history.atomic():
        row = Maintenance.objects.create(
            kind=draft.kind, name=name, begins_at=draft.begins_at or now, ends_at=draft.ends_at, reason=draft.reason,
            created_by=actor.name[:150])
        history.record(actor=actor, row=row, before=None, after=history.snapshot(row), reason=draft.reason)
        mask(now)
        changes.tell(TOPIC, ALARMS)
    return row


def end_maintenance(*, actor: Actor, maintenance_id: int) -> Maintenance:
    """It ends now, or does not begin: what was masked and is active is told of from now on. Raises Refused,
    NotFound."""
    actor.require(permissions.ALARMS)
    now = timezone.now()
    with history.atomic():
        get_maintenance(maintenance_id)
        row = Maintenance.objects.select_for_update().get(pk=maintenance_id)
        if state_of(row.begins_at, row.ends_at, now) == OVER:
            raise Refused(f"The maintenance of {row} is over already.")
        before = history.snapshot(row)
        row.ends_at, row.ended_by = max(row.begins_at, now), actor.name[:150]
        row.save(update_fields=["ends_at", "ended_by"])
        history.record(actor=actor, row=row, before=before, after=history.snapshot(row))
        mask(now)
        changes.tell(TOPIC, ALARMS)
    return row
