"""What "would failover work now?" depends on beside the facts of the pair, and what hosts say of accounts."""

from protocol.pair_messages import PairAnswer
from provisioning.core.control import record_is_here
from provisioning.pairs.rules.facts import Asked
from provisioning.pairs.rules.proofs import proofs_of


def asked(probe: PairAnswer | None, control: str | None, database: str) -> Asked:
    """What came of asking control just now.

    ``probe`` is control's answer to a probe of this moment; ``control`` the sentence that says why there is none;
    ``database`` why the Configuration Database takes no write ("": it does).
    """
    return Asked(
        control="" if probe is not None else control, database=database, record_trouble=record_trouble(probe, database),
        proofs=proofs_of(probe.facts) if probe is not None and probe.ok else {},
        no_probe="" if probe is None or probe.ok else f"{probe.reason} {probe.advice}".strip())


def record_trouble(probe: PairAnswer | None, database: str) -> str:
    """Why control cannot write its record: as it says itself (``facts["database"]`` of its answers), or because the
    record is where the console cannot write either."""
    said = probe.facts.get("database") if probe is not None else ""
    return said if isinstance(said, str) and said else database if record_is_here() else ""
