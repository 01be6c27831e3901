"""What one audit of one pair came to."""

import hashlib
import json
from dataclasses import dataclass

from provisioning.audit.facts import AuditFacts
from provisioning.audit.judgement import Judged, fact_of
from provisioning.audit.registry import Rule, Trouble
from provisioning.models import Waiver
from provisioning.states import Severity, Verdict


@dataclass(frozen=True)
class Result:
    """What one run says of one pair, with the waivers that hold."""

    facts: AuditFacts
    judged: Judged
    waivers: tuple[Waiver | None, ...]
    """Of each trouble, in the same order."""
    verdict: Verdict

    @property
    def primary_id(self) -> int:
        return self.facts.primary.id

    @property
    def pairs(self) -> list[tuple[Rule, Trouble, Waiver | None]]:
        return [(rule, trouble, waiver) for (rule, trouble), waiver in zip(self.judged.troubles, self.waivers,
                                                                            strict=True)]

    def open(self, severity: str) -> int:
        """How many findings of this severity nobody waived."""
        return sum(rule.severity == severity and waiver is None for rule, _, waiver in self.pairs)

    @property
    def unknown(self) -> list[dict]:
        """One entry a sentence, with the codes of all rules that it stands for and the worst of their severities."""
        found: dict[str, list[Rule]] = {}
        for rule, each in self.judged.unknown:
            found.setdefault(each.sentence, []).append(rule)
        order = list(Severity)
        return [{"sentence": sentence, "severity": str(min((rule.severity for rule in rules), key=order.index)),
                 "codes": [rule.code for rule in rules]} for sentence, rules in found.items()]

    @property
    def digest(self) -> str:
        """Equal for results that say the same."""
        body = [str(self.verdict), self.unknown, [
            [rule.code, trouble.subject, fact_of(trouble), trouble.sentence, waiver.pk if waiver else None]
            for rule, trouble, waiver in self.pairs]]
        return hashlib.sha256(json.dumps(body, ensure_ascii=False).encode()).hexdigest()
