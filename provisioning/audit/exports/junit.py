"""The report as JUnit XML for pipelines: a test suite for each pair, a test case for each rule."""

import re
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from provisioning.audit.registry import Rule, ordered

from .report import LOUDNESS, Found, Head, PairReport, Unjudged, Waived

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(head: Head, pairs: Iterable[PairReport]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="Pairwise audit">\n'
    for number, pair in enumerate(pairs):
        yield ElementTree.tostring(_suite(head, pair, number), encoding="unicode") + "\n"
    yield "</testsuites>\n"


def text(value: object) -> str:
    """``value`` without what no XML document may hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(value))


def _suite(head: Head, pair: PairReport, number: int) -> Element:
    cases = [_case(head, pair, rule) for rule in ordered() if len(pair.members) > 1 or rule.singles]
    suite = Element("testsuite", {
        "name": text(pair.name), "tests": str(len(cases)), "errors": "0", "id": str(number),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
        "timestamp": pair.confirmed.strftime("%Y-%m-%dT%H:%M:%S"), "hostname": text(pair.members[0].host)})
    properties = SubElement(suite, "properties")
    for name, value in (("verdict", pair.verdict), ("passed", pair.passed),
                        *((f"version of {each.name}", each.version) for each in pair.members)):
        SubElement(properties, "property", {"name": text(name), "value": text(value)})
    suite.extend(cases)
    return suite


def _case(head: Head, pair: PairReport, rule: Rule) -> Element:
    """A failure for what is open and loud enough, else skipped for what is waived or not known; anything else that was
    found is told in a case that passed."""
    case = Element("testcase", {"name": text(f"{rule.code} {rule.title}"), "classname": text(pair.slug), "time": "0"})
    found = [each for each in pair.found if each.code == rule.code]
    opened = [each for each in found if each.is_open]
    waived = [each.waived for each in found if each.waived]
    unknown = [each for each in pair.unjudged if rule.code in each.codes]
    if opened and LOUDNESS[str(rule.severity)] <= LOUDNESS[head.least]:
        failure = SubElement(case, "failure", {"type": str(rule.severity),
                                               "message": text(" ".join(each.sentence for each in opened))})
        failure.text = text("\n\n".join(map(_details, opened)))
    elif unknown:
        SubElement(case, "skipped", {"message": text(f"Not known: {_sentences(unknown)}")})
    elif waived and not opened:
        SubElement(case, "skipped", {"message": text("; ".join(map(_waiver, waived)))})
    if found or unknown:
        SubElement(case, "system-out").text = text("\n".join(
            [*(each.sentence for each in found), *(each.sentence for each in unknown)]))
    return case


def _sentences(rows: Iterable[Unjudged]) -> str:
    return " ".join(each.sentence for each in rows)


def _waiver(waived: Waived) -> str:
    return f"Waived by {waived.by} until {waived.expires_on}: {waived.reason}"


def _details(each: Found) -> str:
    lines = [each.sentence, *(f"{label}: {value}" for label, value in each.values), f"Why it matters: {each.why}",
             f"How to fix it: {each.fix}"]
    return "\n".join([*lines, *([f"Guide: {each.guide}"] if each.guide else [])])
