"""What somebody asked for raises no alarm; what happened besides does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from control.transitions import TABLE
from protocol.events import Own
from provisioning.alarms.rules.planned import (
    BY_SOMEBODY,
    FLAPPING,
    PLANNED_STOP,
    STARTED,
    Asked,
    is_planned,
    started_again,
)

AT = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
STOP_OF_A = Asked("MS_A", AT - timedelta(seconds=1), AT + timedelta(seconds=2))
BEGUN = STOP_OF_A.since
SWITCHOVER = Asked("", AT, AT)
HANDED_OVER = "MS_A is the active server in epoch 4: ada asked for a switchover: MS_B has handed over to MS_A."
TAKES_OVER = "{} is the active server in epoch 4: the other one has ended."


@pytest.mark.parametrize(("number", "text", "asked", "planned"), [
    (Own.ROLE_CHANGED, TAKES_OVER.format("MS_B"), [STOP_OF_A], True),
    (Own.ROLE_CHANGED, TAKES_OVER.format("MS_A"), [STOP_OF_A], False),
    (Own.ROLE_CHANGED, TAKES_OVER.format("MS_A"), [SWITCHOVER], False),
    (Own.ROLE_CHANGED, HANDED_OVER, [SWITCHOVER], True),
    (Own.ROLE_CHANGED, HANDED_OVER, [], False),
    (Own.ROLE_CHANGED, TAKES_OVER.format("MS_B"), [], False),
    (Own.OUT_OF_SYNC, "MS_B goes on alone.", [STOP_OF_A], True),
    (FLAPPING, "It changes too often.", [SWITCHOVER], True),
    (5024, "The process ended unexpectedly.", [STOP_OF_A, SWITCHOVER], False),
    (5094, "Service Unavailable", [STOP_OF_A], False),
    (Own.ROLE_CHANGED, TAKES_OVER.format("MS_B"), [replace(STOP_OF_A, again=AT - timedelta(seconds=0.1))], False),
    (Own.ROLE_CHANGED, TAKES_OVER.format("MS_B"), [replace(STOP_OF_A, again=AT + timedelta(seconds=0.1))], True),
    (Own.OUT_OF_SYNC, "MS_B goes on alone.", [replace(STOP_OF_A, again=AT - timedelta(seconds=0.1))], True)])
def test_what_follows_from_a_stop_or_a_switchover(number, text, asked, planned):
    assert is_planned(number, text, AT, asked) == planned


@pytest.mark.parametrize(("seconds", "until", "planned"), [
    (0, AT, True), (9, AT, True), (11, AT, False), (3600, None, True), (-9, AT, True), (-11, AT, False)])
def test_it_counts_while_it_goes_on_and_shortly_after(seconds, until, planned):
    asked = [Asked("MS_A", AT, until)]
    assert is_planned(Own.OUT_OF_SYNC, "", AT + timedelta(seconds=seconds), asked) == planned


@pytest.mark.parametrize(("ends", "again"), [
    ([(PLANNED_STOP, 1), (STARTED, 3), (STARTED, 4)], 3), ([(STARTED, 0), (PLANNED_STOP, 1)], None),
    ([(PLANNED_STOP, -2), (STARTED, -1)], None), ([(PLANNED_STOP, -2), (STARTED, -1), (PLANNED_STOP, 1)], None),
    ([], None)])
def test_a_server_is_back_once_it_was_started_after_it_had_ended_as_asked(ends, again):
    at = {each: BEGUN + timedelta(seconds=each) for _, each in ends}
    assert started_again([(number, at[each]) for number, each in ends], BEGUN) == at.get(again)


@pytest.mark.parametrize("words", BY_SOMEBODY)
def test_what_somebody_asked_for_is_known_by_words_of_control(words):
    assert any(words in row.reason for row in TABLE)


@pytest.mark.parametrize(("seconds", "planned"), [(50, True), (70, False)])
def test_an_audit_takes_note_later(seconds, planned):
    assert is_planned(Own.AUDIT_WORSE, "", AT + timedelta(seconds=seconds), [Asked("MS_A", AT, AT)]) == planned
