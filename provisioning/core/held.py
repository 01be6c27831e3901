"""While a failover drill runs nobody else changes the roles of its pair, or starts, stops or installs its members."""

from collections.abc import Iterable

from django.db.models import Q

from provisioning.errors import Link, Refusal, Refused
from provisioning.models import Application, Drill
from provisioning.states import DrillState


def refuse_during_drill(*members: Application, but: int = 0) -> None:
    """Raises Refused while a drill other than ``but`` runs on the pair of one of ``members``."""
    drill = drill_on(row.pk for row in members)
    if drill is not None and drill.pk != but:
        raise Refused(in_the_way(drill))


def running_drill() -> Drill | None:
    """The drill that runs now; the console runs one at a time."""
    return Drill.objects.filter(state=DrillState.RUNNING).first()


def drill_on(application_ids: Iterable[int]) -> Drill | None:
    """The running drill that one of these applications takes part in."""
    keys = list(application_ids)
    return Drill.objects.filter(Q(primary__in=keys) | Q(primary__backup_server__in=keys),
                                state=DrillState.RUNNING).first()


def under_way(drill: Drill) -> str:
    return f"{drill} of {drill.primary_name} and {drill.backup_name} is running."


def in_the_way(drill: Drill) -> Refusal:
    """What a verb is refused with while ``drill`` runs on the pair."""
    return Refusal(f"{under_way(drill)} Wait until it has ended, or cancel it.", "", (drill_link(drill),))


def drill_link(drill: Drill) -> Link:
    return Link("drill", str(drill.pk), str(drill))
