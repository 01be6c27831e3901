"""What the commands on a pair share: NAME is either member, and what control answered is printed."""

import abc
import time
from collections.abc import Callable
from typing import Any

from protocol.pair_messages import PairAnswer
from provisioning.pairs.selectors.pairs import Pair, find_pair, get_pair
from provisioning.pairs.services import settlement

from .console import OK, ServiceCommand

POLL_S = 0.2


class PairCommand(ServiceCommand):
    """Asks control for one verb on the pair of NAME."""

    def add_arguments(self, parser):
        parser.add_argument("name", metavar="NAME", help="Name of either member of the pair.")
        self.add_json(parser)

    @abc.abstractmethod
    def ask(self, pair: Pair, *args: Any, **options: Any) -> PairAnswer:
        """Call the service."""

    @abc.abstractmethod
    def sentence(self, pair: Pair, answer: PairAnswer) -> str:
        """What was done, for people."""

    def run(self, *, name, as_json, **options) -> int:
        pair, answer = self.carry_out(name, **options)
        if as_json:
            self.print_json({**self.describe(pair), **answer.facts, "reason": answer.reason})
        else:
            self.stdout.write(self.sentence(pair, answer))
        return OK

    def carry_out(self, name: str, **options) -> tuple[Pair, PairAnswer]:
        """Ask, and the pair as it is afterwards."""
        pair = find_pair(name)
        answer = self.ask(pair, **options)
        if answer.facts.get("unrecorded"):
            self.stderr.write(answer.facts["unrecorded"])
        return get_pair(pair.id), answer

    def describe(self, pair: Pair) -> dict:
        """The record of the pair as it is now."""
        state = pair.state
        return {"primary": pair.primary.name, "backup": pair.backup.name,
                "active": pair.active.name if pair.active else "", "epoch": state.epoch if state else 0,
                "in_sync": state.standby_in_sync if state else False,
                "automatic_failover": state.automatic_failover if state else True}


class Settling(settlement.Settling):
    """Waits until a pair is whole again after a switchover."""

    def wait(self, deadline: float, *, tell: Callable[[str], object]) -> bool:
        """True when it is whole before ``deadline`` (monotonic); else ``reason`` says what is missing. ``tell`` is
        given each of them."""
        told = ""
        while not self.is_whole():
            if self.reason != told:
                told = self.reason
                tell(told)
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True
