"""What peers say at control, whatever it is: taken in a form that can be kept and counted with, or refused."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from control import checks
from protocol.messages import Event, ProcessChanged, Progress, Report
from protocol.wire import WireError

NOW = datetime(2026, 11, 29, tzinfo=UTC)
NO_NUMBERS = ("x", "", None, True, [], {"a": 1}, 10**400, -10**400, float("nan"), float("inf"), 1e308)
FACTS = {"cpu_percent": 3.5, "memory_percent": 40, "disk_free_bytes": 10**12, "time": NOW.timestamp(), "looks": True}


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda each: f"{each!r:.20}")
@pytest.mark.parametrize("name", checks.FACT_RANGES)
def test_a_fact_of_a_host_that_is_counted_with_is_a_number_in_its_range(name, value):
    with pytest.raises(WireError, match=f"the host fact {name} as .*, which is no number from"):
        checks.facts_of({**FACTS, name: value})


def test_the_facts_of_an_honest_agent_are_kept_as_they_are():
    assert checks.facts_of(FACTS) == FACTS
    assert checks.facts_of({**FACTS, "disk_free_bytes": -1})["disk_free_bytes"] == -1
    assert checks.facts_of({}) == {}


@pytest.mark.parametrize(("facts", "sentence"), [
    ({"agent_version": "a\0b"}, "host facts with a NUL in a text"),
    ({"a\0b": 1}, "host facts with a NUL in a text"),
    ({"account": "x" * checks.FACTS_MAX}, "host facts of 655.. characters, the limit is 65536")])
def test_the_sentence_says_what_is_wrong_with_facts(facts, sentence):
    with pytest.raises(WireError, match=sentence):
        checks.facts_of(facts)


def test_a_backslash_is_no_nul():
    assert checks.facts_of({"account": "C:\\u0000"}) == {"account": "C:\\u0000"}


def test_how_far_the_clock_of_a_host_is_off_is_not_for_its_agent_to_say():
    assert "clock_offset_s" not in checks.facts_of({"clock_offset_s": "x"})
    ahead = (NOW + timedelta(seconds=5)).timestamp()
    assert checks.with_clock_offset(checks.facts_of({"time": ahead}), NOW)["clock_offset_s"] == 5


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda each: f"{each!r:.20}")
def test_other_facts_can_be_kept_whatever_they_are(value):
    kept = checks.facts_of({"account": value, "resolved": {"console": value}, "new": [value]})
    json.dumps(kept, allow_nan=False)


MESSAGES = (
    ProcessChanged(application="MS", state="running"),
    Report(state="active", role="primary", link="", standby=""), Progress())


@pytest.mark.parametrize("value", [10**400, -10**400, float("nan"), float("-inf"), 1e308])
@pytest.mark.parametrize(("message", "name"), [
    (message, each.name) for message in MESSAGES for each in fields(message)
    if type(getattr(message, each.name)) in (int, float)], ids=str)
def test_no_number_of_a_message_is_absurd(message, name, value):
    with pytest.raises(WireError, match=f"the peer sent {name} .*, which is out of range"):
        checks.check_numbers(replace(message, **{name: value}))


@pytest.mark.parametrize("at", [10**400, -10**400, float("nan"), float("inf"), 1e308, 0, -5.0])
def test_an_event_at_an_impossible_time_happened_now(at):
    assert abs(checks.event_time(at) - datetime.now(UTC)) < timedelta(minutes=1)
    assert checks.event_level(Event(number=1, level="loud", text="", at=at)) == "standard"
