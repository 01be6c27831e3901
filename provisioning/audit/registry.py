"""The registry of the audit's rules: each a small pure function with its code, severity, texts and remedy."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from provisioning.states import Severity

from .facts import AuditFacts


@dataclass(frozen=True)
class Value:
    """One of the two values that a finding shows side by side: whose or what it is, and the value."""

    label: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What a rule found. ``subject`` names the thing within the pair and stays the same while the thing does (a member,
    ``ports.<ID>``, ``options.<section>.<key>``); ``values``: the two values side by side; ``about``: keys of the
    applications that it concerns; ``remedy``: another one than the rule's, or "" for none here."""

    subject: str
    sentence: str
    values: tuple[Value, Value]
    about: tuple[int, ...] = ()
    remedy: str | None = None


@dataclass(frozen=True, kw_only=True)
class NotKnown:
    """A rule that cannot be judged now. ``sentence`` says why and what to do."""

    sentence: str
    about: tuple[int, ...] = ()


Results = Iterable[Trouble | NotKnown]
Judge = Callable[[AuditFacts], Results]


@dataclass(frozen=True)
class Rule:
    """``why``: why it matters; ``fix``: how people put it right; ``guide``: where in the guide, "" when it is silent;
    ``remedy``: key of audit.remedies of a fix that Pairwise carries out, "" for none; ``on_hosts``: judged by what is
    true on the hosts, not by what is configured; ``singles``: judged for a server without a backup too."""

    code: str
    title: str
    severity: Severity
    why: str
    fix: str
    guide: str
    remedy: str
    on_hosts: bool
    singles: bool
    judge: Judge


RULES: dict[str, Rule] = {}


def rule(code: str, severity: Severity, title: str, *, why: str, fix: str, guide: str = "", remedy: str = "",
         on_hosts: bool = False, singles: bool = False) -> Callable[[Judge], Judge]:
    """Register the decorated function as the rule ``code``."""
    def register(judge: Judge) -> Judge:
        if code in RULES:
            raise ValueError(f"Rule {code} is registered twice.")
        RULES[code] = Rule(code, title, severity, why, fix, guide, remedy, on_hosts, singles, judge)
        return judge

    return register


def rule_words(code: str) -> str:
    """What the rule ``code`` wants, also of one that an earlier version judged."""
    return RULES[code].title if code in RULES else "a rule that is not judged any more"


def applicable(facts: AuditFacts) -> Iterator[Rule]:
    """The rules that are judged for this pair or single server, in order of their codes."""
    return (each for each in ordered() if facts.backup is not None or each.singles)


def ordered() -> list[Rule]:
    """Every rule, by its code."""
    return [RULES[code] for code in sorted(RULES)]
