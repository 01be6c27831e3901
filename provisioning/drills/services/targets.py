"""Where a drill's probe load finds the members of a pair, and how it is let in (docs/adr/0014)."""

import time

from protocol import auth, drills
from protocol.stomp_client import Target
from provisioning.core.clients import target
from provisioning.models import Drill
from provisioning.pairs.selectors.pairs import Pair


def targets(drill: Drill, pair: Pair) -> list[Target]:
    """Both members, the active one first. Raises Refused when one cannot be reached as a client would."""
    first = pair.active or pair.primary
    login = drills.login_of(drill.key, int(time.time()) + drills.LIFE_S)
    return [target(row, login, auth.drill_passcode) for row in (first, pair.other(first))]
