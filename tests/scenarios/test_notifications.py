"""Somebody is told: alarms of a pair with real processes arrive at a web server, each at least once, and nothing that
was asked for."""

import base64
import hashlib
import hmac
import json
import os
import signal
from collections import defaultdict

import pytest

from tests.provisioning.notifications.receivers import WebReceiver, answering, hanging

from .harness import wait_for

SECRET = base64.b64encode(b"0123456789abcdef01234567").decode()
WITHIN_S = 2.0
"""From the event to the web server."""


class Told:
    """What ``receiver`` was told about ``pair``, and which alarms were raised about it since this was made."""

    def __init__(self, pair, receiver):
        self.pair, self.receiver = pair, receiver
        self._known = {each["id"] for each in self._alarms()}
        path = pair.site.directory / "notifications.yaml"
        path.write_text(json.dumps({
            "channels": [{"name": "Test", "kind": "webhook", "url": receiver.url, "secret": f"whsec_{SECRET}"}],
            "notification_rules": [{"name": "Of the pair", "channels": ["Test"], "pairs": [pair.members[0].name],
                                    "group_s": 0, "limit_per_hour": 1000}]}))
        pair.site.pairwise.command_line("apply", str(path), "--yes")

    def _alarms(self):
        names = {member.name for member in self.pair.members}
        done = self.pair.site.pairwise.manage("alarms", "--all", "--json")
        return [each for each in json.loads(done.stdout) if each["application"] in names]

    def raised(self) -> dict[int, dict]:
        return {each["id"]: each for each in self._alarms() if each["id"] not in self._known}

    def messages(self) -> dict[str, list[dict]]:
        """{message id: what was said by it, once for each attempt}; every one is signed."""
        found = defaultdict(list)
        for _, headers, body in list(self.receiver.got):
            number = headers["webhook-id"]
            signed = b".".join((number.encode(), headers["webhook-timestamp"].encode(), body))
            due = base64.b64encode(hmac.digest(base64.b64decode(SECRET), signed, hashlib.sha256)).decode()
            assert headers["webhook-signature"] == f"v1,{due}"
            found[number].append(json.loads(body))
        return found

    def told(self, kind="alarm.raised") -> dict[int, dict]:
        """{number of an alarm: what was said of it}."""
        return {alarm["id"]: alarm for said in self.messages().values() for each in said if each["type"] == kind
                for alarm in each["data"]["alarms"]}

    def wait(self, condition: str, kind="alarm.raised") -> dict:
        return wait_for(lambda: next((each for each in self.told(kind).values() if each["condition"] == condition),
                                     None), 20, f"{kind} of {condition}", every=0.05)

    def wait_all(self) -> None:
        wait_for(lambda: self.raised().keys() <= self.told().keys(), 20, "all alarms told", every=0.3)


def test_of_a_crash_somebody_hears_at_once_and_of_a_switchover_that_was_asked_for_nothing(pair):
    first, second = pair.members
    with WebReceiver(host=pair.site.lan.address) as receiver:
        told = Told(pair, receiver)
        pair.switch_over()
        pair.wait_whole(by=second)
        second.kill()
        crashed = told.wait("Application Failure")
        assert (crashed["application"], crashed["pair"]) == (second.name, first.name)
        assert f"{first.name} is the active server" in told.wait("Failover Happened")["text"]
        pair.wait_whole(by=first)
        assert told.wait("Application Failure", "alarm.cleared")["id"] == crashed["id"]
        told.wait_all()
        assert told.told().keys() == told.raised().keys()
        assert all(len(attempts) == 1 for attempts in told.messages().values())


@pytest.mark.long
def test_what_a_receiver_fails_hangs_and_a_killed_process_leave_behind_arrives_by_the_same_number(pair):
    """Tries are 0, 10 and 60 s after each other."""
    with WebReceiver(answering(500, b"No."), hanging, answering(200), host=pair.site.lan.address) as receiver:
        told = Told(pair, receiver)
        pair.active.kill()
        wait_for(lambda: len(receiver.got) >= 2, 20, "a second attempt")
        os.kill(pair.site.pairwise.child("log-reader"), signal.SIGKILL)
        pair.wait_whole()
        wait_for(lambda: told.raised() and told.raised().keys() <= told.told().keys() and any(
            len(attempts) > 1 for attempts in told.messages().values()), 150, "all alarms told", every=1)
    for attempts in told.messages().values():
        assert all(each == attempts[0] for each in attempts)
