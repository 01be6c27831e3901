"""What a probe proved of both members (protocol.messages.PAIR_VERBS, "probe")."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One member's answer to a probe. ``accepts``: a durable write went all the way that an acknowledgement goes;
    else ``reason`` says why not. ``role`` is "primary", "backup" or ""."""

    name: str
    connected: bool = False
    role: str = ""
    epoch: int = 0
    accepts: bool = False
    reason: str = ""
    took_ms: float = 0.0

    @property
    def is_primary(self) -> bool:
        return self.connected and self.role == "primary" and self.accepts

    @property
    def is_backup(self) -> bool:
        """A backup proves itself by refusing the write."""
        return self.connected and self.role == "backup" and not self.accepts


def proofs_of(facts: dict[str, Any]) -> dict[str, Proof]:
    """{name of the member: its proof} of a probe's facts; what is no proof is left out."""
    found = {}
    for row in facts.get("members") or ():
        if isinstance(row, dict) and isinstance(row.get("name"), str):
            fields = {key: row[key] for key in Proof.__dataclass_fields__ if row.get(key) is not None}
            found[row["name"]] = Proof(**fields)
    return found


def roles_are_proven(proofs: dict[str, Proof], *, active: str, standby: str) -> bool:
    """True when ``active`` accepted a write as primary and ``standby`` refused it as backup."""
    return (active in proofs and proofs[active].is_primary) and (standby in proofs and proofs[standby].is_backup)
