"""The report as JSON (docs/pairwise-audit-1.schema.json)."""

import json
from collections.abc import Iterable, Iterator

from .report import Found, Head, PairReport, Server

SCHEMA = "pairwise-audit/1"


def write(head: Head, pairs: Iterable[PairReport]) -> Iterator[str]:
    body = json.dumps({"schema": SCHEMA, **_head(head)}, ensure_ascii=False, indent=2)
    yield body.removesuffix("\n}") + ',\n  "pairs": ['
    comma = ""
    for pair in pairs:
        yield f"{comma}\n{json.dumps(described(pair), ensure_ascii=False, indent=2)}"
        comma = ","
    yield "\n  ]\n}\n"


def _head(head: Head) -> dict:
    return {
        "made_at": head.made_at.isoformat(), "made_by": head.made_by, "scope": head.scope,
        "console_version": head.version, "fail_on": head.least,
        "compared_with": head.baseline,
        "summary": {"pairs": head.pairs, "verdicts": dict(head.counts), "findings": dict(head.found),
                    "waived": head.waived}}


def described(pair: PairReport) -> dict:
    """One pair of the document."""
    return {
        "primary": pair.members[0].name, "backup": pair.members[1].name if len(pair.members) > 1 else None,
        "verdict": pair.verdict, "judged_at": pair.judged.isoformat(), "confirmed_at": pair.confirmed.isoformat(),
        "rules_passed": pair.passed, "members": [_member(each) for each in pair.members],
        "findings": [_finding(each) for each in pair.found],
        "not_known": [{"sentence": each.sentence, "severity": each.severity, "rules": list(each.codes)}
                      for each in pair.unjudged],
        "gone": [_finding(each) for each in pair.gone]}


def _member(each: Server) -> dict:
    return {"name": each.name, "host": each.host, "version": each.version, "running_version": each.runs,
            "agent_version": each.agent}


def _finding(each: Found) -> dict:
    waived = each.waived
    return {
        "rule": each.code, "title": each.title, "severity": each.severity, "subject": each.subject,
        "sentence": each.sentence, "values": [{"label": label, "value": text} for label, text in each.values],
        "why": each.why, "fix": each.fix, "guide": each.guide, "remedy": each.remedy, "servers": list(each.servers),
        "since": each.since.isoformat(), "fact": each.fact, "baseline": each.baseline or None,
        "waiver": {"reason": waived.reason, "by": waived.by, "at": waived.at.isoformat(),
                   "expires_on": waived.expires_on.isoformat()} if waived else None}
