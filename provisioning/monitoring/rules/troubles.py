"""What is told of parts of the console that do not answer. Pure."""

from collections.abc import Mapping

from protocol.events import Own
from provisioning.core.health import DOWN, UNKNOWN, Component

WATCHED = ("database", "redis", "control", "console_worker", "broker_accounts")
"""Of provisioning.monitoring.services.health: the console's own, which do not watch themselves."""
DOWN_S = 15.0
"""A restart of any of them takes less."""


class Troubles:
    """``told`` of which parts, None while it is not known; ``look`` says what is to be told, and whoever has told it
    says so with ``note``."""

    def __init__(self, told: frozenset[str] | None):
        self.told = told
        self._since: dict[str, float] = {}

    def look(self, found: Mapping[str, Component], now: float) -> tuple[frozenset[str], Own, str] | None:
        """The parts that have been down for long at ``now`` (monotonic seconds), with what is to be told of them; None
        where that was told. What is not known is as it was."""
        for name in WATCHED:
            component = found.get(name)
            if component is not None and component.status == DOWN:
                self._since.setdefault(name, now)
            elif component is None or component.status != UNKNOWN:
                self._since.pop(name, None)
        lasting = frozenset(name for name, since in self._since.items() if now - since >= DOWN_S)
        if lasting == self.told or (self.told is None and not lasting and self._since):
            return None
        if not lasting:
            return lasting, Own.COMPONENTS_BACK, "All parts of the console answer again."
        return lasting, Own.COMPONENT_DOWN, " ".join(found[name].reason for name in WATCHED if name in lasting
                                                     and name in found)
