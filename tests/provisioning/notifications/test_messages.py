"""The words of a message, and what a webhook gets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from provisioning.notifications.facts import AlarmFact
from provisioning.notifications.rules import messages
from provisioning.notifications.rules.messages import MOST_SENT, compose
from provisioning.states import Told

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ALARM = AlarmFact(
    id=7, condition="Application Failure", category="major", number=5024, application="MS_Primary", host="alpha",
    pair="MS_Primary", text="Killed by signal 9.", raised_at=NOON, url="https://console.example.com/monitoring/alarms/7/")


def many(count, **fields):
    return [replace(ALARM, id=number, application=f"MS_{number}", **fields) for number in range(count)]


@pytest.mark.parametrize(("told", "fields", "subject"), [
    (Told.RAISED, {}, "Major: MS_Primary: Application Failure"),
    (Told.REPEATED, {}, "Still active: Major: MS_Primary: Application Failure"),
    (Told.CLEARED, {"cleared_at": NOON}, "Cleared: Major: MS_Primary: Application Failure"),
    (Told.RAISED, {"cleared_at": NOON}, "Major: MS_Primary: Application Failure (cleared already)"),
    (Told.RAISED, {"application": ""}, "Major: host alpha: Application Failure"),
    (Told.RAISED, {"application": "", "host": "", "category": "minor"}, "Minor: Application Failure"),
    (Told.RAISED, {"condition": "Down\r\nBcc: x"}, "Major: MS_Primary: Down Bcc: x"),
    (Told.RAISED, {"condition": "x" * 255}, f"Major: MS_Primary: {'x' * 180}…"),
])
def test_a_subject_says_how_grave_it_is_and_what_it_is_about(told, fields, subject):
    assert compose(told, [replace(ALARM, **fields)], at=NOON).subject == subject


def test_the_text_of_one_alarm_says_all_that_is_known():
    ended = replace(ALARM, cleared_at=NOON + timedelta(hours=1), times=3, cleared_how="hand", cleared_by="ada",
                    clear_reason="The disk was full.")
    composed = compose(Told.CLEARED, [ended], at=NOON, zone=ZoneInfo("Europe/Berlin"))
    assert composed.text == """\
Major alarm cleared: Application Failure
Killed by signal 9.

Application: MS_Primary
Host: alpha
Pair: MS_Primary
Event: 00-05024
Raised: 2026-03-02 13:00:00 CET
Times: 3
Cleared: 2026-03-02 14:00:00 CET
Cleared by: ada
Reason: The disk was full.
https://console.example.com/monitoring/alarms/7/"""


def test_what_no_person_cleared_says_what_did():
    ended = replace(ALARM, cleared_at=NOON, cleared_how="timeout")
    assert "Cleared by: Cancel Timeout" in compose(Told.CLEARED, [ended], at=NOON).text.splitlines()
    [sent] = compose(Told.CLEARED, [ended], at=NOON).payload["data"]["alarms"]
    assert (sent["cleared_how"], sent["cleared_by"], sent["clear_reason"]) == ("timeout", "", "")


def test_a_webhook_gets_one_alarm_flat_and_in_the_list():
    composed = compose(Told.RAISED, [ALARM], at=NOON + timedelta(milliseconds=1))
    assert composed.alarms == (7,)
    assert composed.payload.keys() == {"type", "timestamp", "data"}
    assert (composed.payload["type"], composed.payload["timestamp"]) == ("alarm.raised", "2026-03-02T12:00:00.001Z")
    data = composed.payload["data"]
    flat = {"application": "MS_Primary", "host": "alpha", "pair": "MS_Primary", "condition": "Application Failure",
            "category": "major", "number": "00-05024", "text": "Killed by signal 9.",
            "url": "https://console.example.com/monitoring/alarms/7/"}
    assert data == {**flat, "subject": composed.subject, "count": 1, "alarms": [
        {**flat, "id": 7, "raised_at": "2026-03-02T12:00:00.000Z", "cleared_at": None, "times": 1,
         "cleared_how": "", "cleared_by": "", "clear_reason": ""}]}


def test_of_several_the_subject_names_the_gravest_and_the_text_lists():
    alarms = [*many(2), replace(ALARM, id=9, category="critical", application="", cleared_at=NOON)]
    composed = compose(Told.RAISED, alarms, at=NOON)
    assert composed.subject == "Critical: host alpha: Application Failure (cleared already), and 2 more"
    assert composed.text.splitlines() == [
        "3 alarms, 1 of them cleared.",
        "2026-03-02 12:00:00 UTC  Major  MS_0: Application Failure",
        "2026-03-02 12:00:00 UTC  Major  MS_1: Application Failure",
        "2026-03-02 12:00:00 UTC  Critical  host alpha: Application Failure  (cleared)"]
    assert "application" not in composed.payload["data"]
    digest = compose(Told.DIGEST, alarms[:2], at=NOON)
    assert digest.subject == "Digest: Major: MS_0: Application Failure, and 1 more"
    assert compose(Told.DIGEST, alarms[:1], at=NOON).subject == "Digest: Major: MS_0: Application Failure"
    over = [replace(alarms[0], cleared_at=NOON), alarms[1]]
    assert compose(Told.RAISED, over, at=NOON).subject == "Major: MS_1: Application Failure, and 1 more"
    assert compose(Told.CLEARED, over[:1] * 2, at=NOON).subject == (
        "Cleared: Major: MS_0: Application Failure, and 1 more")


def test_a_message_about_thousands_stays_small():
    composed = compose(Told.DIGEST, many(1000, text="x" * 10_000), at=NOON)
    assert (len(composed.alarms), composed.payload["data"]["count"]) == (1000, 1000)
    assert len(composed.payload["data"]["alarms"]) == MOST_SENT
    assert len(str(composed.payload)) < 300_000
    assert composed.text.endswith("970 more are not listed here.")


def test_a_test_says_that_it_is_one():
    composed = messages.test_message("hook", "ada")
    assert (composed.told, composed.payload["type"], composed.alarms) == (Told.TEST, "test", ())
    assert composed.text.startswith("This is a test of the channel hook of Pairwise, asked for by ada.")
