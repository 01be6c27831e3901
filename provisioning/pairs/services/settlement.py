"""Whether a pair is whole again after a switchover: the new primary proven, its standby in sync."""

from provisioning.core.permissions import Actor
from provisioning.errors import PairwiseError
from provisioning.pairs.rules.proofs import Proof, proofs_of, roles_are_proven
from provisioning.pairs.selectors.pairs import Pair, get_pair
from provisioning.states import ApplicationStatus

from .pairs import probe


class Settling:
    """Asks again and again; ``pair`` and ``proofs`` are as they were last seen, ``active`` is who is to serve."""

    def __init__(self, actor: Actor, pair: Pair, active: str):
        self.actor, self.pair, self.active = actor, pair, active
        self.proofs: dict[str, Proof] = {}
        self.reason = ""

    def is_whole(self) -> bool:
        """Look now; when it is not, ``reason`` says what is missing."""
        self.reason = self._missing()
        return not self.reason

    def _missing(self) -> str:
        self.pair = pair = get_pair(self.pair.id)
        if pair.active is None or pair.active.name != self.active:
            return f"{self.active} is not recorded as the active server."
        late = [row for row in pair.members if row.status != ApplicationStatus.STARTED]
        if late:
            return " ".join(f"{row.name} is {row.status}." for row in late)
        standby = pair.other(pair.active)
        if not (pair.state and pair.state.standby_in_sync):
            return f"{standby.name} is not in sync yet."
        try:
            self.proofs = proofs_of(probe(actor=self.actor, application_id=pair.id).facts)
        except PairwiseError as error:
            return str(error)
        if not roles_are_proven(self.proofs, active=self.active, standby=standby.name):
            said = "; ".join(f"{name}: {proof.reason or 'no reason given'}" for name, proof in self.proofs.items())
            return f"The probe did not prove both roles. {said}".rstrip()
        return ""
