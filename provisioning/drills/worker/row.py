"""A drill's row while it runs: handed to a worker, moved on by what carries it out, ended by it or by the reaper."""

import logging
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from protocol.events import Own
from provisioning.core import ages, changes
from provisioning.core.events import of_console
from provisioning.core.rows import with_key
from provisioning.drills.rules.drills import left
from provisioning.jobs.selectors.jobs import working_on
from provisioning.jobs.worker import dispatch
from provisioning.models import Application, Drill
from provisioning.pairs.selectors.pairs import Pair
from provisioning.states import DrillState, StepState

log = logging.getLogger(__name__)

RUN_DRILL = "console.run_drill"
TOLD = {DrillState.PASSED: Own.DRILL_PASSED, DrillState.FAILED: Own.DRILL_FAILED}
"""Ends that stand in the timeline of the primary."""
TAKEN_WITHIN_S = int(ages.DRILL_NOT_TAKEN.total_seconds())


class Ended(Exception):
    """The drill is not running any more: somebody else ended it."""


def topics(drill: Drill) -> tuple[str, ...]:
    """What open pages show of a drill."""
    return (f"drill:{drill.pk}", *([f"pair:{drill.primary_id}"] if drill.primary_id else []))


def hand_over(drill_id: int) -> bool:
    """Give a drill to a worker of the console; one that the broker does not take is refused."""
    drill = Drill.objects.filter(pk=drill_id, state=DrillState.RUNNING).first()
    if drill is None:
        return False
    if not dispatch.give_to_console(RUN_DRILL, expires_s=TAKEN_WITHIN_S, drill_id=drill.pk):
        finish(drill, DrillState.REFUSED, "The drill could not be sent to the broker, so nothing was done.",
               "Start Redis (./run does), then start the drill again.")
        return False
    return True


def claim(drill_id: int) -> Drill | None:
    """The drill, for whoever is the first to carry it out; None when it was taken or has ended."""
    now = timezone.now()
    waiting = Drill.objects.filter(pk=drill_id, state=DrillState.RUNNING, started_at=None)
    if not waiting.update(started_at=now, heard_at=now):
        return None
    return Drill.objects.get(pk=drill_id)


def note(drill: Drill, *, tell: bool = True, **fields) -> None:
    """Write ``fields`` of a running drill; ``drill`` is updated, and hears of a cancel. Raises Ended."""
    fields["heard_at"] = timezone.now()
    if not Drill.objects.filter(pk=drill.pk, state=DrillState.RUNNING).update(**fields):
        raise Ended(f"{drill} has ended already.")
    drill.refresh_from_db()
    if tell:
        changes.tell(f"drill:{drill.pk}")


def step(drill: Drill, phase: str, state: str, sentence: str = "") -> None:
    """Move one phase on."""
    at = {"started_at": timezone.now()} if state == StepState.RUNNING else {"finished_at": timezone.now()}
    drill.steps.filter(phase=phase).update(state=state, sentence=sentence, **at)
    changes.tell(f"drill:{drill.pk}")


def finish(drill: Drill, state: DrillState, sentence: str, advice: str = "", **fields) -> bool:
    """End a running drill; False when it has ended already."""
    fields |= {"state": state, "sentence": sentence, "advice": advice, "finished_at": timezone.now()}
    with transaction.atomic():
        if not Drill.objects.filter(pk=drill.pk, state=DrillState.RUNNING).update(**fields):
            return False
        drill.steps.filter(state=StepState.RUNNING).update(state=StepState.FAILED, finished_at=fields["finished_at"])
        drill.steps.filter(state=StepState.WAITING).update(state=StepState.SKIPPED)
        drill.refresh_from_db()
        if state in TOLD and drill.primary_id is not None:
            of_console(TOLD[state], f"{drill}: {sentence}", application_id=drill.primary_id).save()
        changes.tell(*topics(drill))
    return True


# --- nobody carries it out any more


def reap(now: datetime | None = None) -> int:
    """End drills that nobody carries out any more, and say what they left; how many."""
    now = now or timezone.now()
    return sum(_look_at(drill, now) for drill in Drill.objects.filter(state=DrillState.RUNNING))


def _look_at(drill: Drill, now: datetime) -> bool:
    if drill.started_at is None:
        if now - drill.created_at <= ages.DRILL_NOT_TAKEN:
            return False
        return finish(drill, DrillState.REFUSED, f"No worker of the console took the drill within {TAKEN_WITHIN_S} s, "
                      "so nothing was done.", "Start the console worker (./run does), then start the drill again.")
    if now - (drill.heard_at or drill.started_at) <= ages.DRILL:
        return False
    active = _active_of(drill)
    last = drill.steps.filter(state=StepState.RUNNING).first()
    sentence, advice = left(drill.served_before, active, switched_back=False) if drill.served_before else \
        ("No switchover was made.", "")
    during = f" during \"{last}\"" if last else ""
    # Nobody read back what was acknowledged last.
    figures = {**drill.figures, "lost": None} if drill.figures else {}
    log.warning("%s is interrupted: nobody has carried it on since %s", drill, drill.heard_at)
    return finish(drill, DrillState.INTERRUPTED, f"The process that carried the drill out ended{during}. {sentence}",
                  advice, serves_now=active, figures=figures)


def _active_of(drill: Drill) -> str:
    primary = with_key(Application.objects.select_related("pair_state__active"), drill.primary_id)
    state = getattr(primary, "pair_state", None)
    return state.active.name if state and state.active else ""


def jobs_on(pair: Pair) -> Iterable[str]:
    """Sentences about the jobs that work on a member now."""
    for row in pair.members:
        if job := working_on(row):
            yield f"{job.get_kind_display()} of {row.name} is running ({job.get_state_display().lower()})."
