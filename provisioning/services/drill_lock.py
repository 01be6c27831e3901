"""While a failover drill runs nobody else changes the roles of its pair, or starts, stops or installs its members."""

from provisioning.errors import Refused
from provisioning.models import Application
from provisioning.selectors.drills import drill_on, in_the_way


def refuse_during_drill(*members: Application, but: int = 0) -> None:
    """Raises Refused while a drill other than ``but`` runs on the pair of one of ``members``."""
    drill = drill_on(row.pk for row in members)
    if drill is not None and drill.pk != but:
        raise Refused(in_the_way(drill))
