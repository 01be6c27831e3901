"""Entries of History and where they go: plain values for rules and for the ways out. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from provisioning.states import AuditFormat


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of History as it leaves the console. ``changes`` {field, before, after} of each field that differs;
    ``result`` one of SignInResult of a sign-in, "" of anything else."""

    number: int
    at: datetime
    user: str
    user_id: int | None = None
    origin: str = ""
    request: str = ""
    action: str
    object_type: str
    object_id: str
    object_name: str
    reason: str = ""
    changes: tuple[dict[str, str], ...] = ()
    result: str = ""
    previous: str = ""
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target as the ways out see it, with its secrets in the plain. ``host`` and ``version`` are of the console."""

    name: str
    address: str
    format: str = AuditFormat.RFC5424
    ca: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    host: str = "-"
    version: str = ""

    @property
    def secrets(self) -> frozenset[str]:
        """What nobody may read in an answer."""
        return frozenset(filter(None, (self.key, self.token)))


@dataclass(frozen=True)
class Outcome:
    """Of one attempt. ``said``: what came back, or what went wrong, in words. ``reached``: the receiver was there, and
    what failed came after that."""

    taken: bool
    said: str = ""
    reached: bool = True
