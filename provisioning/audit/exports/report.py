"""What every export says, as plain values: pairs with their findings, in the words of the rules. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from provisioning.states import Severity, Verdict

NEW, UPDATED, UNCHANGED, ABSENT = "new", "updated", "unchanged", "absent"
"""How a finding stands to an earlier result; the words are SARIF's."""
LAST = "last"
"""Compared with what each pair's result was before the one that holds now."""
SEVERITIES = tuple(str(each) for each in Severity)
LOUDNESS = {severity: place for place, severity in enumerate(SEVERITIES)}


@dataclass(frozen=True, kw_only=True)
class Waived:
    reason: str
    by: str
    at: datetime
    expires_on: date


@dataclass(frozen=True, kw_only=True)
class Server:
    """A member as it is configured now; ``runs`` is the version that it reports, ``agent`` that of its host's agent,
    "" where nobody said."""

    id: int
    name: str
    host: str = ""
    version: str = ""
    runs: str = ""
    agent: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A finding with its rule's words. ``values``: (label, text) twice, side by side; ``servers``: names of those that
    it concerns; ``baseline`` is one of NEW, UPDATED, UNCHANGED, ABSENT, or "" when nothing was compared."""

    code: str
    title: str
    severity: str
    subject: str
    sentence: str
    values: tuple[tuple[str, str], ...]
    why: str
    fix: str
    guide: str
    fact: str
    servers: tuple[str, ...]
    since: datetime
    remedy: str = ""
    waived: Waived | None = None
    baseline: str = ""

    @property
    def is_open(self) -> bool:
        return self.waived is None and self.baseline != ABSENT


@dataclass(frozen=True, kw_only=True)
class Unjudged:
    """Why the rules ``codes`` could not be judged; ``severity`` is the worst of theirs."""

    sentence: str
    severity: str
    codes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PairReport:
    """One pair, or a single Message Server (one member). ``judged``: since when it is so; ``confirmed``: when a run
    last found the same; ``gone``: findings of the earlier result that are not there any more."""

    id: int
    members: tuple[Server, ...]
    verdict: str
    judged: datetime
    confirmed: datetime
    passed: int
    found: tuple[Found, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    gone: tuple[Found, ...] = ()

    @property
    def name(self) -> str:
        return " ⇄ ".join(each.name for each in self.members)

    @property
    def slug(self) -> str:
        """The primary's name: what identifies the pair for machines."""
        return self.members[0].name

    @property
    def verdict_label(self) -> str:
        return str(Verdict(self.verdict).label)

    def open(self, severity: str) -> int:
        """How many findings of this severity nobody waived."""
        return sum(each.severity == severity and each.is_open for each in self.found)

    @property
    def waived(self) -> int:
        return sum(each.waived is not None for each in self.found)

    def fails(self, least: str) -> bool:
        """Whether something of the severity ``least`` or worse is open; what is not known is a warning."""
        worst = LOUDNESS[least]
        return any(each.is_open and LOUDNESS[each.severity] <= worst for each in self.found) or (
            worst >= LOUDNESS[Severity.WARNING] and any(
                LOUDNESS[each.severity] <= LOUDNESS[Severity.WARNING] for each in self.unjudged))


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a report is about. ``counts``: {verdict: pairs}, ``found``: {severity: open findings}; ``least``: severity
    from which a finding fails a pipeline; ``compared_with``: the moment whose results are the baseline, LAST for what
    each pair's result was before, None when nothing is compared."""

    made_at: datetime
    made_by: str
    scope: str
    version: str
    counts: Mapping[str, int] = field(default_factory=dict)
    found: Mapping[str, int] = field(default_factory=dict)
    waived: int = 0
    least: str = str(Severity.ERROR)
    compared_with: datetime | str | None = None

    @property
    def pairs(self) -> int:
        return sum(self.counts.values())

    @property
    def baseline(self) -> str | None:
        """``compared_with`` for machines."""
        return self.compared_with.isoformat() if isinstance(self.compared_with, datetime) else self.compared_with
