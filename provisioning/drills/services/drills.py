"""Failover drills on the side of those who ask: start one, cancel one, let them start by a schedule."""

from dataclasses import dataclass
from datetime import datetime, time

from django.db import IntegrityError, transaction
from django.utils import timezone

from provisioning.core import changes, permissions
from provisioning.core.held import drill_link, running_drill, under_way
from provisioning.core.permissions import Actor
from provisioning.drills.rules.schedule import EVERY_MOST
from provisioning.drills.selectors import due_schedules, get_drill, schedule_of
from provisioning.drills.worker import row as rows
from provisioning.errors import Conflict, Difference, PairwiseError, Refusal, Refused
from provisioning.history import history
from provisioning.models import Application, Drill, DrillSchedule, DrillStep
from provisioning.pairs.selectors.pairs import get_pair
from provisioning.states import DrillPhase, DrillState, Role

LIMIT_S, LIMIT_LEAST_S, LIMIT_MOST_S = 60, 3, 600
"""How long a drill waits for each thing that has to happen: default and bounds in seconds."""
NOTHING_SET = "none"
LABELS = {"enabled": "Drills start by themselves", "every_days": "Every", "at": "From", "until": "Until"}
"""What the fields of a schedule are called on its page."""


def start_drill(*, actor: Actor, application_id: int, limit_s: int = LIMIT_S, scheduled: bool = False,
                reason: str = "") -> Drill:
    """Start a failover drill of the pair of this application, whichever member it is; it goes on in the console's
    worker. The console runs one at a time. Raises Refused, NotFound."""
    actor.require(permissions.DRILL)
    pair = get_pair(application_id)
    if not LIMIT_LEAST_S <= limit_s <= LIMIT_MOST_S:
        raise Refused(Refusal(f"The limit is {limit_s} s; it must lie between {LIMIT_LEAST_S} and {LIMIT_MOST_S} s.",
                              "limit_s"))
    if other := running_drill():
        raise _another(other)
    if busy := list(rows.jobs_on(pair)):
        raise Refused(Refusal(f"{' '.join(busy)} Wait until it has ended, or cancel it."))
    try:
        with transaction.atomic():
            drill = Drill.objects.create(primary=pair.primary, primary_name=pair.primary.name,
                                         backup_name=pair.backup.name, asked_by=actor.name[:150], limit_s=limit_s,
                                         scheduled=scheduled)
            DrillStep.objects.bulk_create(DrillStep(drill=drill, number=number, phase=phase)
                                          for number, phase in enumerate(DrillPhase))
            history.record_verb(actor=actor, row=pair.primary, reason=f"{drill} was started. {reason}".rstrip())
            changes.tell(*rows.topics(drill))
            transaction.on_commit(lambda: rows.hand_over(drill.pk))
    except IntegrityError:
        other = running_drill()
        raise _another(other) if other else Refused("Somebody started a drill at the same moment. Try again.") from None
    drill.refresh_from_db()
    return drill


def cancel_drill(*, actor: Actor, drill_id: int) -> Drill:
    """Have a running drill end; it leaves the pair as it found it, if it can. Raises Refused, NotFound."""
    actor.require(permissions.DRILL)
    drill = get_drill(drill_id)
    asked = Drill.objects.filter(pk=drill.pk, state=DrillState.RUNNING, cancel_requested_by="")
    with transaction.atomic():
        if not asked.update(cancel_requested_by=actor.name[:150]):
            drill.refresh_from_db()
            why = "is being cancelled already" if drill.is_running else "has ended already"
            raise Refused(Refusal(f"{drill} {why}.", "", (drill_link(drill),)))
        if drill.primary is not None:
            history.record_verb(actor=actor, row=drill.primary, reason=f"{drill} was cancelled.")
        changes.tell(*rows.topics(drill))
    return get_drill(drill_id)


@dataclass(frozen=True, kw_only=True)
class ScheduleDraft:
    """As ``DrillSchedule``."""

    enabled: bool
    every_days: int
    at: time
    until: time


def mark_of(schedule: DrillSchedule | ScheduleDraft | None) -> str:
    """What is set, for ``set_schedule`` to know it again; NOTHING_SET where nothing is."""
    if schedule is None:
        return NOTHING_SET
    state = "on" if schedule.enabled else "off"
    return f"{state} {schedule.every_days} {schedule.at.isoformat()} {schedule.until.isoformat()}"


def set_schedule(*, actor: Actor, application_id: int, draft: ScheduleDraft, seen: str | None = None) -> DrillSchedule:
    """Have drills of the pair start by themselves, or stop that. ``seen``: ``mark_of`` what was set when this was
    chosen, None where nobody looked. Raises Refused, Conflict, NotFound."""
    actor.require(permissions.DRILL)
    pair = get_pair(application_id)
    if not 1 <= draft.every_days <= EVERY_MOST:
        raise Refused(Refusal(f"Every {draft.every_days} days is not possible: from 1 to {EVERY_MOST}.", "every_days"))
    if draft.at == draft.until:
        raise Refused(Refusal("The end of the window is its beginning. Leave some minutes, in which a drill may start "
                              "that something stood in the way of.", "until"))
    with transaction.atomic():
        # Who sets one of this pair at the same moment waits, and then finds this one.
        Application.objects.select_for_update().filter(pk=pair.id).first()
        stored = schedule_of(pair.id)
        if stored is not None and seen is not None and seen != mark_of(stored) != mark_of(draft):
            raise _conflict(stored, draft)
        schedule, _ = DrillSchedule.objects.update_or_create(primary=pair.primary, defaults={
            **vars(draft), "set_by": actor.name[:150], "set_at": timezone.now(), "note": "", "note_at": None})
        history.record_verb(actor=actor, row=pair.primary, reason=_said(draft))
        changes.tell(f"pair:{pair.id}")
    return schedule


def start_due(*, now: datetime | None = None) -> Drill | None:
    """Start the scheduled drill that is due, the one that waited longest; one that cannot start says why, and is tried
    again as long as its window lasts."""
    now = now or timezone.now()
    if running_drill():
        return None
    for schedule in due_schedules(now):
        actor = Actor(name=f"schedule of {schedule.set_by}"[:150], roles=frozenset({str(Role.OPERATOR)}),
                      origin="schedule")
        row = DrillSchedule.objects.filter(pk=schedule.pk)
        try:
            drill = start_drill(actor=actor, application_id=schedule.pk, scheduled=True)
        except PairwiseError as error:
            # Another worker was faster: that is nothing to tell.
            if str(error) != schedule.note and not running_drill():
                row.update(note=str(error), note_at=now)
                changes.tell(f"pair:{schedule.pk}")
        else:
            row.update(last_started_at=now, note="", note_at=None)
            return drill
    return None


def _conflict(stored: DrillSchedule, draft: ScheduleDraft) -> Conflict:
    theirs, yours = _in_words(stored), _in_words(draft)
    return Conflict(
        f"{stored.set_by} saved the schedule of drills while you were choosing one. Compare, then keep yours or take "
        "theirs.", revision=0, saved_by=stored.set_by, saved_at=stored.set_at,
        differences=tuple(Difference(name, LABELS[name], theirs[name], yours[name]) for name in LABELS
                          if theirs[name] != yours[name]))


def _in_words(schedule: DrillSchedule | ScheduleDraft) -> dict[str, str]:
    return {"enabled": "yes" if schedule.enabled else "no", "every_days": f"{schedule.every_days} days",
            "at": f"{schedule.at:%H:%M} UTC", "until": f"{schedule.until:%H:%M} UTC"}


def _said(draft: ScheduleDraft) -> str:
    if not draft.enabled:
        return "Failover drills do not start by themselves any more."
    days = "every day" if draft.every_days == 1 else f"every {draft.every_days} days"
    return f"A failover drill starts {days} between {draft.at:%H:%M} and {draft.until:%H:%M} UTC."


def _another(other: Drill) -> Refused:
    return Refused(Refusal(f"{under_way(other)} The console runs one at a time: wait until it has ended, or cancel it.",
                           "", (drill_link(other),)))
