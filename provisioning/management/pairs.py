"""What the commands on a pair share: NAME is either member, and what control answered is printed."""

import abc
import time

from protocol.messages import PairAnswer
from provisioning.errors import PairwiseError
from provisioning.management.console import OK, ServiceCommand
from provisioning.rules.proofs import Proof, proofs_of, roles_are_proven
from provisioning.selectors.pairs import Pair, find_pair, get_pair
from provisioning.services import pairs
from provisioning.states import ApplicationStatus

POLL_S = 0.2


class PairCommand(ServiceCommand):
    """Asks control for one verb on the pair of NAME."""

    def add_arguments(self, parser):
        parser.add_argument("name", metavar="NAME", help="Name of either member of the pair.")
        self.add_json(parser)

    @abc.abstractmethod
    def ask(self, pair: Pair, **options) -> PairAnswer:
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
        return get_pair(pair.id), answer

    def describe(self, pair: Pair) -> dict:
        """The record of the pair as it is now."""
        state = pair.state
        return {"primary": pair.primary.name, "backup": pair.backup.name,
                "active": pair.active.name if pair.active else "", "epoch": state.epoch if state else 0,
                "in_sync": state.standby_in_sync if state else False,
                "automatic_failover": state.automatic_failover if state else True}


class Settling:
    """Waits until a pair is whole again after a switchover: the new primary proven, its standby in sync."""

    def __init__(self, actor, pair: Pair, active: str):
        self.actor, self.pair, self.active = actor, pair, active
        self.proofs: dict[str, Proof] = {}
        self.reason = ""

    def wait(self, deadline: float) -> bool:
        """True when it is whole before ``deadline`` (monotonic); else ``reason`` says what is missing."""
        while True:
            self.reason = self._missing()
            if not self.reason:
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)

    def _missing(self) -> str:
        self.pair = pair = get_pair(self.pair.id)
        if pair.active is None or pair.active.name != self.active:
            return f"{self.active} is not recorded as the active server."
        late = [row for row in pair.members if row.status != ApplicationStatus.STARTED]
        if late:
            return " ".join(f"{row.name} is {row.status}." for row in late)
        if not pair.state.standby_in_sync:
            return f"{pair.standby.name} is not in sync yet."
        try:
            self.proofs = proofs_of(pairs.probe(actor=self.actor, application_id=pair.id).facts)
        except PairwiseError as error:
            return str(error)
        if not roles_are_proven(self.proofs, active=self.active, standby=pair.standby.name):
            said = "; ".join(f"{name}: {proof.reason or 'no reason given'}" for name, proof in self.proofs.items())
            return f"The probe did not prove both roles. {said}".rstrip()
        return ""
