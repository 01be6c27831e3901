"""The audit of one pair: every rule over its facts, and the verdict. Pure."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from provisioning.states import Severity, Verdict

from . import rules  # noqa: F401 the rules register themselves
from .facts import AuditFacts
from .registry import NotKnown, Rule, Trouble, applicable


@dataclass(frozen=True)
class Judged:
    """``troubles`` and ``unknown`` in the order of codes; ``passed``: codes of the rules that hold."""

    troubles: tuple[tuple[Rule, Trouble], ...]
    unknown: tuple[tuple[Rule, NotKnown], ...]
    passed: tuple[str, ...]


def judge(facts: AuditFacts) -> Judged:
    troubles: list[tuple[Rule, Trouble]] = []
    unknown: list[tuple[Rule, NotKnown]] = []
    passed = []
    for rule in applicable(facts):
        holds = True
        for result in rule.judge(facts):
            holds = False
            if isinstance(result, NotKnown):
                unknown.append((rule, result))
            else:
                troubles.append((rule, result))
        if holds:
            passed.append(rule.code)
    return Judged(tuple(troubles), tuple(unknown), tuple(passed))


def verdict(severities: Iterable[str], unknown: Iterable[str]) -> Verdict:
    """``severities`` of the findings that nobody waived; ``unknown``: severities of the rules that are not known.

    What is not known is never taken for good: a pair is ready only when every rule that matters is known to hold.
    """
    found = set(severities)
    if Severity.ERROR in found:
        return Verdict.BROKEN
    if Severity.WARNING in found or {Severity.ERROR, Severity.WARNING} & set(unknown):
        return Verdict.AT_RISK
    return Verdict.READY


def fact_of(trouble: Trouble) -> str:
    """A fingerprint of what was found: a waiver holds while it stays the same."""
    body = [trouble.subject, *((value.label, value.text) for value in trouble.values)]
    return hashlib.sha256(json.dumps(body, ensure_ascii=False).encode()).hexdigest()[:32]
