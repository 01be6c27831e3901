"""An entry as syslog, CEF and JSON: what RFC 5424 allows, within its length, and in one line."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from provisioning.shipping.facts import Entry
from provisioning.shipping.rules import lines
from provisioning.states import AuditFormat, SignInResult

ENTRY = Entry(
    number=812, at=datetime(2026, 11, 30, 13, 2, 11, 482913, tzinfo=UTC), user="ada", user_id=7, origin="192.0.2.7",
    request="6c0f", action="changed", object_type="application", object_id="3", object_name="MS_P", reason="As agreed.",
    changes=({"field": "Auto-Restart", "before": "no", "after": "yes"}, {"field": "Host", "before": "", "after": "h1"}),
    previous="0" * 64, digest="9b" * 32)
RFC5424 = re.compile(
    r'<(?P<pri>\d{1,3})>1 (?P<at>\S+) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<proc>[!-~]{1,128}) '
    r'(?P<id>[!-~]{1,32}) \[pairwise@32473(?P<data>(?: [a-z]+="(?:[^"\\\]]|\\["\\\]])*")*)\] (?P<text>.*)\Z', re.DOTALL)
PARAM = re.compile(r' ([a-z]+)="((?:[^"\\\]]|\\["\\\]])*)"')
NASTY = 'a"b\\c]d\ne\u2028f\x1b[31m Ünïcødé'


def line(entry, **fields):
    return lines.line(entry, **{"format": AuditFormat.RFC5424, "host": "console", "version": "0.1", **fields})


def parsed(text):
    found = RFC5424.fullmatch(text.decode())
    values = {name: re.sub(r'\\(["\\\]])', r"\1", value) for name, value in PARAM.findall(found["data"])}
    return found, values


def test_an_entry_is_a_message_with_its_data_and_its_sentence():
    found, values = parsed(line(ENTRY))
    assert (found["pri"], found["at"], found["host"], found["app"], found["proc"], found["id"]) == (
        "109", "2026-11-30T13:02:11.482913Z", "console", "pairwise", "-", "changed")
    assert values == {"number": "812", "user": "ada", "origin": "192.0.2.7", "action": "changed",
                      "object": "application MS_P", "request": "6c0f", "digest": "9b" * 32}
    assert found["text"] == ("\ufeffada changed application MS_P from 192.0.2.7: Auto-Restart: no → yes; "
                             "Host: – → h1. As agreed.")


def test_a_text_of_ascii_has_no_mark_of_another_encoding():
    assert "\ufeff" not in line(replace(ENTRY, changes=())).decode()


@pytest.mark.parametrize("field", ["user", "origin", "object_name", "reason", "request"])
def test_whatever_somebody_typed_stays_one_message(field):
    text = line(replace(ENTRY, **{field: NASTY}))
    found, values = parsed(text)
    assert not re.search(r"[\x00-\x1f\x7f\u2028]", text.decode())
    named = values["object"] if field == "object_name" else values.get(field, found["text"])
    assert 'a"b' in named
    assert "\\n" in named
    assert "Ünïcødé" in named


def test_what_is_too_long_is_cut_between_characters_and_says_so():
    for longer in range(4):
        text = line(replace(ENTRY, reason="x" * longer + "漢" * 9000))
        assert lines.MOST_BYTES - 3 <= len(text) <= lines.MOST_BYTES
        assert text.decode().endswith("漢…")
        parsed(text)


def test_names_of_any_length_leave_room_for_the_digest():
    longest = replace(ENTRY, user="漢" * 150, origin="]" * 64, object_name="\\" * 255, reason="x" * 9000)
    _, values = parsed(line(longest))
    assert values["digest"] == ENTRY.digest


@pytest.mark.parametrize(("result", "severity"), [
    (SignInResult.SIGNED_IN, 6), (SignInResult.SIGNED_OUT, 6), (SignInResult.REFUSED, 4), (SignInResult.LOCKED, 4),
    (SignInResult.ENDED, 5)])
def test_a_sign_in_says_what_came_of_it(result, severity):
    found, values = parsed(line(replace(ENTRY, action="sign_in", result=result)))
    assert (int(found["pri"]), values["result"]) == (13 * 8 + severity, result)


def test_cef_is_escaped_as_its_users_expect():
    entry = replace(ENTRY, user="a|b=c\\d", reason="x=1\ny|z")
    text = line(entry, format=AuditFormat.CEF, version="0|1").decode()
    assert text.count("CEF:0|Pairwise|Pairwise|0\\|1|changed|changed application|4|") == 1
    assert "suser=a|b\\=c\\\\d act=changed cs1Label=digest" in text
    assert "externalId=812" in text
    assert "x\\=1\\ny|z" in text


def test_octets_are_counted_not_characters():
    assert lines.framed("ä→".encode()) == "5 ä→".encode()


def test_json_has_all_of_it_in_one_line():
    text = lines.json_line(replace(ENTRY, reason=NASTY, result="refused"))
    assert text.count(b"\n") == 1
    body = json.loads(text)
    assert (body["number"], body["reason"], body["result"], body["digest"]) == (812, NASTY, "refused", ENTRY.digest)
    assert body["changes"][0] == {"field": "Auto-Restart", "before": "no", "after": "yes"}


def test_an_event_has_the_time_of_its_entry():
    body = json.loads(lines.event(ENTRY, "console"))
    assert (body["time"], body["host"], body["event"]["number"]) == (ENTRY.at.timestamp().__round__(3), "console", 812)
