"""The scripts of the page of ServiceNow, run by node beside stand-ins of the objects that they use there."""

import base64
import json
import subprocess
import time

import pytest
from playwright._impl._driver import compute_driver_executable

from provisioning.notifications.rules.signature import key_of, signature

from .guides import GUIDES, examples
from .test_examples import TOKEN, operation

NODE = compute_driver_executable()[0]
STAND_INS = GUIDES.parents[1] / "tests/integrations/servicenow.js"
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
RECORD = {"sys_id": "c0ffee", "sys_mod_count": "4", "u_pairwise_pair": "MS Primary", "u_pairwise_to": "MS_Backup",
          "number": "CHG0030001", "short_description": "Kernel of alpha"}


def run(place: int, **given) -> dict:
    """What the script at ``place`` of the page did."""
    script = examples("integrations/servicenow.md", "javascript")[place]
    done = subprocess.run([NODE, STAND_INS], input=json.dumps({"script": script, **given}), capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def message(*, cleared_at=None) -> str:
    """As a channel sends it."""
    alarm = {"id": 7, "condition": "Application Failure", "category": "major", "application": "MS_Primary",
             "number": "00-05024", "text": "Schlüssel “killed”.", "url": "https://pairwise.example.com/monitoring/alarms/7/",
             "cleared_at": cleared_at, "clear_reason": ""}
    return json.dumps({"type": "alarm.raised", "data": {"alarms": [alarm]}}, ensure_ascii=False)


def received(body: str, *, sent_s_ago: float = 0, secret: str = SECRET, incidents=(), **headers: str) -> dict:
    at = int(time.time() - sent_s_ago)
    signed = {"webhook-id": "msg_1", "webhook-timestamp": str(at),
              "webhook-signature": signature(key_of(secret), "msg_1", at, body.encode())}
    return run(0, secret=SECRET, incidents=list(incidents), request={"headers": signed | headers, "body": body})


def test_an_alarm_becomes_one_incident_and_its_end_is_noted_there():
    first = received(message())
    assert first["status"] == 204
    [incident] = first["incidents"]
    assert (incident["correlation_id"], incident["impact"]) == ("pairwise-alarm-7", 2)
    assert "Schlüssel" in incident["description"]
    assert len(received(message(), incidents=[incident])["incidents"]) == 1
    [ended] = received(message(cleared_at="2026-03-02T12:00:00.000Z"), incidents=[incident])["incidents"]
    assert "2026-03-02" in ended["work_notes"]
    assert received(json.dumps({"type": "test", "data": {}}))["status"] == 204


@pytest.mark.parametrize("how", [
    {"secret": "whsec_" + base64.b64encode(b"of somebody else").decode()}, {"sent_s_ago": 330}, {"sent_s_ago": -330},
    {"webhook-signature": ""}, {"webhook-signature": "v1,"}, {"webhook-id": "msg_2"}, {"webhook-timestamp": "soon"}])
def test_what_is_not_signed_by_the_channel_makes_no_incident(how):
    done = received(message(), **how)
    assert (done["status"], done["incidents"]) == (401, [])


@pytest.mark.parametrize(("status", "body", "note"), [
    (200, {"active": "MS_Backup"}, "MS_Backup serves, and the pair is whole."),
    (202, {"active": "MS_Backup", "reason": "The standby is behind."}, "MS_Backup serves. The standby is behind."),
    (409, {"detail": "It lacks messages."}, "Pairwise did not switch over (409): It lacks messages.")])
def test_a_change_that_begins_switches_over_and_says_how_that_went(status, body, note):
    done = run(1, secret=TOKEN, record=dict(RECORD), answer={"status": status, "body": body})
    assert (done["note"], done["updated"]) == (note, True)
    sent = done["sent"]
    address = sent["url"].removeprefix("https://pairwise.example.com")
    found = operation(address)[sent["method"].lower()]
    assert str(status) in found["responses"]
    assert "/pairs/MS%20Primary/" in address
    assert sent["timeout"] > 60_000
    assert sent["headers"] == {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json",
                               "Idempotency-Key": "c0ffee-4"}
    assert json.loads(sent["body"]) == {"to": "MS_Backup", "reason": "CHG0030001 Kernel of alpha"}


def test_where_nobody_answers_it_is_said_that_nothing_is_known():
    assert "not known" in run(1, secret=TOKEN, record=dict(RECORD))["note"]
