"""The formats in which audits leave the console: structure, schemas, and text that stays text."""

import csv
import io
import json
import re
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.audit.exports import FORMATS, TEXT, html_page
from provisioning.audit.exports.csv_rows import COLUMNS
from provisioning.audit.exports.report import ABSENT, LAST, NEW, UNCHANGED, UPDATED
from provisioning.audit.registry import RULES, ordered
from provisioning.core.csv_cells import FORMULA, cell

from .reports import AT, found, head, pair, unjudged, waived

SCHEMAS = Path(__file__).parent / "schemas"
ROOT = Path(__file__).parents[3]
EVERYTHING = pair(
    found(), found("A09", severity="warning", servers=("MS_Primary", "MS_Backup"), baseline=NEW),
    found("A13", subject="ports.default", waived=waived(), baseline=UPDATED),
    found("A35", severity="note", remedy="Do"),
    unjudged=(unjudged("A28", "A33"), unjudged("A26", severity="note")),
    gone=(found("A12", baseline=ABSENT),))
anything = st.text(st.characters(codec="utf-8"), max_size=60)


def written(name: str, *pairs, **values) -> str:
    return "".join(FORMATS[name].write(head(**values), pairs))


@cache
def sarif_schema():
    return jsonschema.Draft4Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text()),
                                      format_checker=jsonschema.FormatChecker())


@cache
def json_schema():
    return jsonschema.Draft202012Validator(json.loads((ROOT / "docs/pairwise-audit-1.schema.json").read_text()))


@cache
def junit_schema():
    return xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))


# --- JSON

def test_json_keeps_its_documented_schema():
    body = json.loads(written("json", EVERYTHING, pair(members=EVERYTHING.members[:1], verdict="ready")))
    json_schema().validate(body)
    assert body["schema"] == "pairwise-audit/1"
    first, single = body["pairs"]
    assert (first["primary"], first["backup"], single["backup"]) == ("MS_Primary", "MS_Backup", None)
    assert [each["rule"] for each in first["findings"]] == ["A30", "A09", "A13", "A35"]
    assert first["findings"][0]["values"] == [{"label": "Wanted", "value": "-app MS_Primary"},
                                              {"label": "Found", "value": "-app Other"}]
    assert first["findings"][2]["waiver"]["expires_on"] == "2026-12-01"
    assert first["not_known"][0]["rules"] == ["A28", "A33"]
    assert [each["baseline"] for each in first["gone"]] == ["absent"]


def test_json_of_no_pair_is_a_document_too():
    body = json.loads(written("json", counts=dict.fromkeys(("broken", "at risk", "ready"), 0)))
    json_schema().validate(body)
    assert body["pairs"] == []


# --- CSV

def rows(text: str) -> list[dict]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def test_csv_has_a_row_for_each_finding_and_each_thing_that_is_not_known():
    lines = rows(written("csv", EVERYTHING))
    assert [(each["Rule"], each["State"]) for each in lines] == [
        ("A30", "open"), ("A09", "open"), ("A13", "waived"), ("A35", "open"), ("A12", "gone"), ("A28 A33", "not known"),
        ("A26", "not known")]
    assert list(lines[0]) == list(COLUMNS)
    assert lines[0]["First value"] == "'-app MS_Primary"
    assert (lines[2]["Reason"], lines[2]["Waived until"]) == ("Tested by hand.", "2026-12-01")
    assert all(None not in each and None not in each.values() for each in lines)


def test_a_cell_never_begins_as_a_formula():
    for begin in FORMULA:
        assert cell(f"{begin}cmd|' /C calc'!A0") == f"'{begin}cmd|' /C calc'!A0"
    assert cell("2+2") == "2+2"


@given(anything)
def test_csv_gives_back_any_text_and_no_cell_is_a_formula(text):
    (row,) = rows(written("csv", pair(found(sentence=text))))
    assert row["Finding"].removeprefix("'") == text.replace("\0", "\N{REPLACEMENT CHARACTER}").removeprefix("'")
    assert not row["Finding"].startswith(FORMULA)


# --- SARIF

def sarif(*pairs, **values) -> dict:
    body = json.loads(written("sarif", *pairs, **values))
    sarif_schema().validate(body)
    (run,) = body["runs"]
    return run


def test_sarif_is_valid_and_has_every_rule_with_its_help():
    rules = sarif(EVERYTHING)["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted(RULES)
    assert {rule["defaultConfiguration"]["level"] for rule in rules} == {"error", "warning", "note"}
    assert all(rule["help"]["text"] and re.fullmatch(r"\w+", rule["name"]) for rule in rules)


def test_sarif_points_each_result_at_its_rule_server_host_and_port():
    run = sarif(EVERYTHING)
    result = run["results"][2]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "A13"
    places = {each["kind"]: each["fullyQualifiedName"] for each in result["locations"][0]["logicalLocations"]}
    assert places == {"application": "h1/MS_Primary", "host": "h1", "port": "h1/MS_Primary/default"}
    assert len(run["results"][1]["locations"]) == 2


def test_sarif_suppresses_what_is_waived_and_notifies_what_is_not_known():
    run = sarif(EVERYTHING)
    (suppression,) = run["results"][2]["suppressions"]
    assert (suppression["kind"], suppression["status"], suppression["justification"]) == (
        "external", "accepted", "Tested by hand.")
    assert "suppressions" not in run["results"][0]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    notes = invocation["toolExecutionNotifications"]
    assert [(each["level"], each["associatedRule"]["id"]) for each in notes] == [("warning", "A28"), ("note", "A26")]


def test_sarif_says_how_each_result_stands_to_the_baseline():
    run = sarif(pair(found("A01", baseline=NEW), found("A02", baseline=UPDATED), found("A03", baseline=UNCHANGED),
                     gone=(found("A04", baseline=ABSENT),)))
    assert [each["baselineState"] for each in run["results"]] == ["new", "updated", "unchanged", "absent"]
    assert "baselineState" not in sarif(pair(found()))["results"][0]


def test_a_fingerprint_stays_while_the_thing_does_and_no_two_things_share_one():
    run = sarif(pair(found(sentence="one", fact="1"), found("A31"), found(subject="MS_Backup")))
    again = sarif(pair(found(sentence="other", fact="2")))
    prints = [each["partialFingerprints"]["pairwiseFinding/v1"] for each in run["results"]]
    assert len(set(prints)) == 3
    assert again["results"][0]["partialFingerprints"]["pairwiseFinding/v1"] == prints[0]


def test_sarif_of_no_pair_is_valid_too():
    assert sarif(counts={})["results"] == []


@settings(max_examples=30)
@given(anything, anything)
def test_sarif_stays_valid_whatever_was_found(text, subject):
    run = sarif(pair(found(sentence=text, subject=subject, values=()), unjudged=(unjudged(sentence=text),)))
    assert run["results"][0]["message"]["text"] == text


# --- JUnit XML

def junit(*pairs, **values):
    text = written("junit", *pairs, **values)
    junit_schema().validate(text)
    return ElementTree.fromstring(text.encode())


def case(root, code: str):
    return next(each for each in root.iter("testcase") if each.get("name").startswith(f"{code} "))


def test_junit_has_a_suite_for_each_pair_and_a_case_for_each_rule():
    root = junit(EVERYTHING, pair(members=EVERYTHING.members[:1]))
    both, single = root.findall("testsuite")
    assert len(both.findall("testcase")) == int(both.get("tests")) == len(ordered())
    assert len(single.findall("testcase")) == sum(rule.singles for rule in ordered())
    assert (both.get("failures"), both.get("skipped"), both.get("errors")) == ("1", "4", "0")


def test_junit_fails_for_errors_and_for_warnings_when_asked():
    root = junit(EVERYTHING)
    assert "Something is wrong." in case(root, "A30").find("failure").get("message")
    assert "-app Other" in case(root, "A30").find("failure").text
    assert case(root, "A09").find("failure") is None
    assert case(root, "A09").find("system-out").text == "Something is wrong."
    assert case(junit(EVERYTHING, least="warning"), "A09").find("failure").get("type") == "warning"


def test_junit_skips_what_is_waived_or_not_known_and_never_passes_it():
    root = junit(EVERYTHING)
    assert "Tested by hand." in case(root, "A13").find("skipped").get("message")
    assert "Not known" in case(root, "A28").find("skipped").get("message")
    assert [child.tag for child in case(root, "A02")] == []


@settings(max_examples=40)
@given(anything)
def test_junit_is_well_formed_and_valid_whatever_was_found(text):
    root = junit(pair(found(sentence=text, values=(("a", text), ("b", text))), unjudged=(unjudged(sentence=text),)))
    assert case(root, "A30").find("failure") is not None


def test_a_comparison_with_the_former_results_says_so():
    assert json.loads(written("json", EVERYTHING, compared_with=LAST))["compared_with"] == "last"
    assert sarif(EVERYTHING, compared_with=LAST)["properties"]["comparedWith"] == "last"
    assert "the former result of each pair" in written("html", EVERYTHING, compared_with=LAST)
    assert "2026-11-24 09:30 UTC</dd>" in written("html", EVERYTHING, compared_with=AT)


# --- text

def test_text_says_the_verdict_first_and_a_line_for_each_finding():
    lines = "".join(TEXT.write(head(), [EVERYTHING])).splitlines()
    assert lines[0] == ("BROKEN  MS_Primary ⇄ MS_Backup: 1 error, 1 warning, 1 note, 1 waived, 3 rules not known")
    assert Counter(re.findall(r"^ +[-+~]? *(\w+|\?) ", "\n".join(lines[1:-1]), re.M)) == {
        "error": 1, "warning": 1, "waived": 1, "note": 1, "gone": 1, "?": 2}
    assert "error    A30  Something is wrong. [Wanted: -app MS_Primary; Found: -app Other]" in lines[1]
    assert lines[-1] == "1 pair: 1 broken, 0 at risk, 0 ready."


def test_text_of_a_pair_on_which_nothing_was_found_says_so():
    first = "".join(TEXT.write(head(), [pair(verdict="ready")])).splitlines()[0]
    assert first == "READY  MS_Primary ⇄ MS_Backup: all 40 rules hold"


@given(anything)
def test_text_has_no_control_characters_and_one_line_a_finding(text):
    lines = "".join(TEXT.write(head(), [pair(found(sentence=text))])).split("\n")
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)


# --- HTML

class Tags(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.opened, self.closed, self.attributes = Counter(), Counter(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.opened[tag] += 1
        self.attributes += attrs

    def handle_startendtag(self, tag, attrs):
        self.attributes += attrs

    def handle_endtag(self, tag):
        self.closed[tag] += 1


def test_html_is_one_file_that_loads_and_runs_nothing():
    text = written("html", EVERYTHING)
    tags = Tags(text)
    assert not {"script", "link", "img", "iframe", "form", "object"} & tags.opened.keys()
    assert all(not name.startswith("on") and name not in ("src", "style") for name, _ in tags.attributes)
    assert all(value.startswith("#") for name, value in tags.attributes if name == "href")
    assert "url(" not in html_page.style()
    assert "@import" not in html_page.style()
    assert "default-src 'none'" in html_page.policy()
    assert "unsafe" not in html_page.policy()
    (content,) = [value for name, value in tags.attributes if name == "content" and "default-src" in value]
    assert content == html_page.policy()
    assert {tag for tag, number in tags.opened.items() if number != tags.closed[tag]} <= {"meta"}


def test_html_says_everything_that_a_manager_asks():
    text = written("html", EVERYTHING)
    for word in ("2026-11-24 09:30", "All pairs", "Broken", "Something is wrong.", "-app MS_Primary", "-app Other",
                 "Because.", "Do it.", "step 3", "Tested by hand.", "2026-12-01", "Host h1 does not answer.",
                 "A28, A33", "Gone since", "8.5", "Pairwise 0.1.0"):
        assert word in text, word


@settings(max_examples=25)
@given(anything)
def test_html_shows_any_text_as_text(text):
    marked = f"<b>{text}</b>"
    tags = Tags(written("html", pair(found(sentence=marked, values=(("x", marked), ("y", marked))))))
    assert tags.opened["b"] == 0
    assert tags.opened["td"] == tags.closed["td"]
