"""While a failover drill runs nobody else changes the roles of its pair, or starts, stops or installs its members."""

from provisioning.errors import Link, Refusal, Refused
from provisioning.models import Application, Drill
from provisioning.selectors.drills import drill_on


def refuse_during_drill(*members: Application, but: int = 0) -> None:
    """Raises Refused while a drill other than ``but`` runs on the pair of one of ``members``."""
    drill = drill_on(row.pk for row in members)
    if drill is not None and drill.pk != but:
        raise Refused(Refusal(f"{under_way(drill)} Wait until it has ended, or cancel it.", "", (drill_link(drill),)))


def under_way(drill: Drill) -> str:
    return f"{drill} of {drill.primary_name} and {drill.backup_name} is under way."


def drill_link(drill: Drill) -> Link:
    return Link("drill", str(drill.pk), str(drill))
