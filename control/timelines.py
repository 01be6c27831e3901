"""What decisions about a pair add to the timelines and the status sentences of its members."""

import asyncio
import time
from collections.abc import Callable

from protocol.events import Own

from .live import LiveApplication, World
from .narration import FLAP_S, PairEvent, decision_events, pair_event
from .pairs import Outcome
from .snapshot import State
from .stability import Flaps
from .writer import Writer


class Timelines:
    """``refresh`` looks at the status of one application again."""

    def __init__(self, world: World, writer: Writer, refresh: Callable[[LiveApplication], None]):
        self._world, self._writer, self._refresh = world, writer, refresh
        self._flaps = Flaps(FLAP_S)

    def tell(self, members: list[LiveApplication], event: PairEvent | Own, text: str) -> None:
        """Add an event to the timelines of all members."""
        for live in members:
            self._writer.put_event(pair_event(live, event, text))

    def decided(self, outcome: Outcome) -> None:
        members, decision = outcome.members, outcome.decision
        for live in members:
            if live.role_reason != decision.reason:
                live.role_reason = decision.reason
                if decision.state == State.DISPUTED:
                    self.tell([live], Own.DISPUTED, decision.reason)
                self._refresh(live)
        for grant in decision.grants:
            granted = self._world.application(grant.name)
            if granted is not None:
                self.tell([granted], Own.GRANTED, f"Granted {grant.role} in epoch {grant.epoch}: {grant.reason}")
        for event, text in decision_events(outcome.before, decision):
            self.tell(members, event, text)
            if event == Own.ROLE_CHANGED and not outcome.asked:
                self._role_changed(members)

    def _role_changed(self, members: list[LiveApplication]) -> None:
        count = self._flaps.changed(members[0].pair_id, time.monotonic())
        if count:
            names = " and ".join(live.facts.name for live in members)
            self.tell(members, PairEvent.FLAPPING, f"The active server of {names} changes too often: {count} times "
                      f"within {FLAP_S:g} s. Look for what ends or cuts off its members.")
            self._look_later(members)

    def _look_later(self, members: list[LiveApplication]) -> None:
        asyncio.get_running_loop().call_later(FLAP_S, self._look_if_stable, members)

    def _look_if_stable(self, members: list[LiveApplication]) -> None:
        stable = self._flaps.is_stable_again(members[0].pair_id, time.monotonic())
        if stable:
            self.tell(members, PairEvent.STABLE, f"The active server has not changed for {FLAP_S:g} s: the pair is "
                      "stable again.")
        elif stable is None:
            self._look_later(members)
