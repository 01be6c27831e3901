"""What "would failover work now?" is asked about, and its answer."""

from dataclasses import dataclass

from provisioning.rules import ages
from provisioning.rules.certificates import Certificate
from provisioning.rules.proofs import Proof
from provisioning.states import ApplicationStatus

OK, NO, UNKNOWN = "ok", "no", "unknown"


@dataclass(frozen=True, kw_only=True)
class MemberFacts:
    """One member. ``heard_s``: seconds since control last heard of it, None for not known; ``ports``: {ID: number} as
    configured; ``held``: {ID: number} that the running server holds; ``proof``: its answer to the probe, if any;
    ``certificates``: of its secured ports; ``wrong_account``: a sentence when it runs as another account than it
    should."""

    name: str
    host: str = ""
    directory: str = ""
    enabled: bool = True
    installed: bool = True
    auto_restart: bool = False
    version: str = ""
    status: str = ApplicationStatus.UNKNOWN
    status_reason: str = ""
    mode: str = ""
    heard_s: float | None = None
    link: str = ""
    link_reason: str = ""
    common_seq: int = 0
    common_digest: str = ""
    first_seq: int = 0
    ports: dict[str, int] | None = None
    held: dict[str, int] | None = None
    agent_connected: bool | None = None
    proof: Proof | None = None
    certificates: tuple[Certificate, ...] = ()
    wrong_account: str = ""

    @property
    def is_fresh(self) -> bool:
        return self.heard_s is not None and self.heard_s <= ages.MEMBER.total_seconds()


@dataclass(frozen=True, kw_only=True)
class FailoverFacts:
    """``active``: name of the server that the durable record names, "" for none; ``disputed``: an older record was put
    back, as ``record_reason`` says. ``control``: "" when it answered just
    now, else the sentence that says why not, None when it was not asked; ``probe_reason``: why it did not probe.
    ``database``: why the Configuration Database takes no write, ``record_trouble``: why control cannot write its
    record, "" when they do."""

    primary: MemberFacts
    backup: MemberFacts
    redundancy_type: str
    active: str = ""
    in_sync: bool = False
    record_reason: str = ""
    disputed: bool = False
    automatic_failover: bool = True
    paused_by: str = ""
    paused_reason: str = ""
    control: str | None = None
    probe_reason: str = ""
    database: str = ""
    record_trouble: str = ""

    @property
    def members(self) -> tuple[MemberFacts, MemberFacts]:
        return self.primary, self.backup

    @property
    def standby(self) -> MemberFacts | None:
        """The member that would take over; None before there is a record."""
        return {self.primary.name: self.backup, self.backup.name: self.primary}.get(self.active)


@dataclass(frozen=True)
class Condition:
    """``state`` is OK, NO or UNKNOWN. Without ``necessary`` it is a warning: failover works, but less well."""

    code: str
    label: str
    state: str
    sentence: str
    advice: str = ""
    necessary: bool = True


@dataclass(frozen=True)
class Verdict:
    conditions: tuple[Condition, ...]

    @property
    def works(self) -> bool:
        """True only when every necessary condition is known to hold."""
        return not self.missing

    @property
    def missing(self) -> tuple[Condition, ...]:
        return tuple(each for each in self.conditions if each.necessary and each.state != OK)

    @property
    def warnings(self) -> tuple[Condition, ...]:
        return tuple(each for each in self.conditions if not each.necessary and each.state != OK)

    @property
    def sentence(self) -> str:
        if self.works:
            return "Yes: failover would work now."
        denied = sum(each.state == NO for each in self.missing)
        unknown = len(self.missing) - denied
        parts = [_counted(denied, "condition does not hold", "conditions do not hold"),
                 _counted(unknown, "is not known", "are not known")]
        return f"No: {' and '.join(filter(None, parts))}."


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""
