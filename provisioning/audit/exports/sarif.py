"""The report as SARIF 2.1.0 (OASIS): one run, the registry's rules, a result for each finding."""

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

from provisioning.audit.registry import Rule, ordered
from provisioning.states import Severity

from .report import LOUDNESS, Found, Head, PairReport, Server, Unjudged

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
VERSION = "2.1.0"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
SPOOLED_BYTES = 1 << 20
"""Notifications come after the results and are kept apart meanwhile: in memory up to so many bytes, then in a file."""
_PORT = re.compile(r"^ports\.([^.]+)")


def write(head: Head, pairs: Iterable[PairReport]) -> Iterator[str]:
    index = {rule.code: place for place, rule in enumerate(ordered())}
    yield (f'{{"$schema": {_json(SCHEMA)}, "version": "{VERSION}", "runs": [{{"tool": {_json(_tool(head))}, '
           f'"automationDetails": {_json({"id": f"pairwise/audit/{head.made_at:%Y-%m-%dT%H:%M:%SZ}"})}, '
           '"columnKind": "unicodeCodePoints", "results": [')
    with tempfile.SpooledTemporaryFile(SPOOLED_BYTES, "w+", encoding="utf-8") as notes:
        comma = ""
        for pair in pairs:
            for each in (*pair.found, *pair.gone):
                yield f"{comma}\n{_json(_result(pair, each, index))}"
                comma = ","
            for unknown in pair.unjudged:
                notes.write(f"{',' if notes.tell() else ''}{_json(_notification(pair, unknown, index))}\n")
        yield "\n], "
        yield f'"invocations": [{{"executionSuccessful": true, "endTimeUtc": {_json(_utc(head.made_at))}, '
        yield f'"account": {_json(head.made_by)}, "toolExecutionNotifications": ['
        notes.seek(0)
        yield from notes
    yield f']}}], "properties": {_json(_properties(head))}}}]}}\n'


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _utc(at) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _properties(head: Head) -> dict:
    return {"scope": head.scope, "pairs": head.pairs, "verdicts": dict(head.counts),
            **({"comparedWith": head.baseline} if head.compared_with else {})}


def _tool(head: Head) -> dict:
    return {"driver": {"name": "Pairwise", "version": head.version, "semanticVersion": head.version,
                       "organization": "Pairwise", "rules": [_rule(rule) for rule in ordered()]}}


def _rule(rule: Rule) -> dict:
    guide = f"\n\n**Guide**: {rule.guide}" if rule.guide else ""
    return {
        "id": rule.code, "name": "".join(word[0].upper() + word[1:] for word in re.findall(r"\w+", rule.title)),
        "shortDescription": {"text": rule.title}, "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why} {rule.fix}", "markdown": f"{rule.why}\n\n{rule.fix}{guide}"},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": ["on hosts" if rule.on_hosts else "configuration"],
                       **({"guide": rule.guide} if rule.guide else {})}}


def _result(pair: PairReport, each: Found, index: dict[str, int]) -> dict:
    values = "; ".join(f"{label}: {text}" for label, text in each.values)
    result: dict[str, Any] = {
        "ruleId": each.code, "level": LEVELS[Severity(each.severity)], "kind": "fail",
        "message": {"text": f"{each.sentence} ({values})" if values else each.sentence},
        "locations": _locations(pair, each),
        "partialFingerprints": {"pairwiseFinding/v1": fingerprint(pair, each)},
        "properties": {"pair": pair.name, "subject": each.subject, "fact": each.fact, "since": _utc(each.since),
                       "values": [{"label": label, "value": text} for label, text in each.values],
                       **({"remedy": each.remedy} if each.remedy else {})}}
    if each.code in index:
        result["ruleIndex"] = index[each.code]
    if each.baseline:
        result["baselineState"] = each.baseline
    if waived := each.waived:
        result["suppressions"] = [{
            "kind": "external", "status": "accepted", "justification": waived.reason,
            "properties": {"waivedBy": waived.by, "waivedAt": _utc(waived.at),
                           "expiresOn": waived.expires_on.isoformat()}}]
    return result


def fingerprint(pair: PairReport, each: Found) -> str:
    """Equal for the same thing in the same pair, whatever is found there and whenever."""
    return hashlib.sha256("\0".join((pair.slug, each.code, each.subject)).encode()).hexdigest()[:32]


def _locations(pair: PairReport, each: Found) -> list[dict]:
    """The applications that it concerns, each with its host and, for what is about a port, the port."""
    about = [member for member in pair.members if member.name in each.servers] or [*pair.members]
    found = [{"logicalLocations": _logical(member, each)} for member in about]
    others = [name for name in each.servers if name not in {member.name for member in pair.members}]
    return found + [{"logicalLocations": [{"name": name, "fullyQualifiedName": name, "kind": "application"}]}
                    for name in others]


def _logical(member: Server, each: Found) -> list[dict]:
    at_host = f"{member.host}/" if member.host else ""
    places = [{"name": member.name, "fullyQualifiedName": f"{at_host}{member.name}", "kind": "application"}]
    if member.host:
        places.append({"name": member.host, "fullyQualifiedName": member.host, "kind": "host"})
    if port := _PORT.match(each.subject):
        places.append({"name": port[1], "fullyQualifiedName": f"{at_host}{member.name}/{port[1]}", "kind": "port"})
    return places


def _notification(pair: PairReport, each: Unjudged, index: dict[str, int]) -> dict:
    """Rules that are not known: the first of them as the associated rule, all as properties."""
    loud = LOUDNESS.get(each.severity, 0) <= LOUDNESS[str(Severity.WARNING)]
    note: dict[str, Any] = {
        "level": "warning" if loud else "note", "message": {"text": f"Not known: {each.sentence}"},
        "locations": [{"logicalLocations": [{"name": pair.slug, "fullyQualifiedName": pair.slug,
                                             "kind": "application"}]}],
        "properties": {"pair": pair.name, "rules": list(each.codes)}}
    if each.codes and each.codes[0] in index:
        note["associatedRule"] = {"id": each.codes[0], "index": index[each.codes[0]]}
    return note
