"""Somebody is told: alarms of a pair with real processes arrive at a web server, each at least once, and nothing that
was asked for."""

import os
import signal

import pytest

from tests.provisioning.notifications.receivers import WebReceiver, answering, hanging

from .harness import wait_for
from .told import Told


def test_of_a_crash_somebody_hears_at_once_and_of_a_switchover_that_was_asked_for_nothing(pair):
    first, second = pair.members
    with WebReceiver(host=pair.site.lan.address) as receiver, Told(pair.site.pairwise, receiver, pair) as told:
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
    with (WebReceiver(answering(500, b"No."), hanging, answering(200), host=pair.site.lan.address) as receiver,
          Told(pair.site.pairwise, receiver, pair) as told):
        pair.active.kill()
        wait_for(lambda: len(receiver.got) >= 2, 20, "a second attempt")
        os.kill(pair.site.pairwise.child("log-reader"), signal.SIGKILL)
        pair.wait_whole()
        wait_for(lambda: told.raised() and told.raised().keys() <= told.told().keys() and any(
            len(attempts) > 1 for attempts in told.messages().values()), 150, "all alarms told", every=1)
    for attempts in told.messages().values():
        assert all(each == attempts[0] for each in attempts)
