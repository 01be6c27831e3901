"""Alarms of a pair with real processes: what nobody asked for raises them, what somebody asked for does not."""

import json
import re

import pytest

from tests.html import flat

from .harness import wait_for


class Raised:
    """The alarms about the members of a pair that were raised since this was made."""

    def __init__(self, pair):
        self._pair, self._known = pair, set()
        self._known = {each["id"] for each in self.now()}

    def now(self) -> list[dict]:
        done = self._pair.site.pairwise.manage("alarms", "--all", "--json")
        names = {member.name for member in self._pair.members}
        return [each for each in json.loads(done.stdout) if each["application"] in names
                and each["id"] not in self._known]

    def wait(self, condition: str, **fields) -> dict:
        """Until there is one of ``condition`` with these fields."""
        def found():
            return next((each for each in self.now() if each["condition"] == condition
                         and all(each[name] == value for name, value in fields.items())), None)

        return wait_for(found, 20, f"the alarm {condition} with {fields}", every=0.3)


def test_a_crash_raises_alarms_with_their_story_and_a_switchover_that_was_asked_for_none(pair):
    first, second = pair.members
    raised = Raised(pair)
    pair.switch_over()
    pair.wait_whole(by=second)
    second.kill()
    crashed, failover = raised.wait("Application Failure"), raised.wait("Failover Happened")
    assert (crashed["category"], crashed["application"], failover["times"]) == ("major", second.name, 1)
    assert f"{first.name} is the active server in epoch" in failover["text"]
    pair.wait_whole(by=first)
    assert raised.wait("Application Failure")["id"] == crashed["id"]
    wait_for(lambda: raised.wait("Application Failure")["cleared_at"], 20, "the end of the alarm")
    browser = pair.site.pairwise.browser()
    page = browser.get(f"/monitoring/alarms/{failover['id']}/").text
    [story] = re.findall(r'<p class="sentence">(.*?)</p>', page, re.DOTALL)
    # The agent's word and the takeover can fall into one millisecond.
    assert re.fullmatch(
        rf"{second.name} ended: killed by signal 9 \(SIGKILL\)\. {first.name} took over (at once|after [\d.]+ m?s)\. "
        rf"{second.name} came back and was in sync after [\d.]+ s\.", flat(story).strip())
    assert {each["category"] for each in raised.now()} <= {"major", "minor"}


@pytest.mark.long
def test_a_pair_that_nobody_serves_any_more_is_critical_until_one_does_and_one_that_was_stopped_is_not(pair):
    raised = Raised(pair)
    pair.stop()
    pair.start()
    for member in pair.members:
        member.spoil()
    for member in (pair.standby, pair.active):
        member.kill()
    nobody = raised.wait("Nobody Serves", cleared_at=None)
    assert nobody["category"] == "critical"
    for member in pair.members:
        member.repair()
        member.start_again()
    pair.wait_whole()
    wait_for(lambda: raised.wait("Nobody Serves")["cleared_at"], 20, "the end of the alarm")
    assert raised.wait("Nobody Serves")["times"] == 1


@pytest.mark.long
def test_a_reaction_switches_over_away_from_the_application_of_the_alarm_in_the_name_of_its_condition(pair):
    """Any event will do: here it is that failover was paused."""
    first, second = pair.members
    browser, raised = pair.site.pairwise.browser(), Raised(pair)
    browser.post("/provisioning/environment/alarm-conditions/new/", {
        "name": "Leave it", "category": "minor", "detect_event": "42-20105", "cancel_event": "42-20106",
        "cancel_timeout": "1", "selection_mode": "application", "application": first.name, "enabled": "on",
        "reactions": "switchover"})
    assert pair.ask("pause", reason="work on the rack")["ok"]
    alarm = raised.wait("Leave it")
    pair.wait("the reaction", active=second.name)
    assert pair.ask("resume")["ok"]
    pair.wait_whole(by=second)
    pair.wait_told(second.name, "Leave it asked for a switchover")
    wait_for(lambda: f"Switch Over of {first.name}: Done. {second.name} took over." in flat(
        browser.get(f"/monitoring/alarms/{alarm['id']}/").text), 10, "what came of it")
    assert "Failover Happened" not in {each["condition"] for each in raised.now()}
