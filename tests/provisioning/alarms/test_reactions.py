"""Reactions: what a condition says is done about an application, how often, and what came of it. Who is told as one is
in tests/provisioning/notifications/test_reactions.py."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.alarms.rules.conditions import ConditionDraft, refusals
from provisioning.alarms.rules.reactions import MOST, PAUSES, next_pause, why_not
from provisioning.alarms.services import reactions
from provisioning.alarms.services.reactions import DOES, react_once
from provisioning.alarms.worker.judging import look
from provisioning.errors import PairwiseError, Refused, Unanswered
from provisioning.models import Alarm, AlarmCondition, Event, Job, Reaction
from provisioning.states import ReactionVerb
from tests import factories
from tests.provisioning.pairs.pages import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]


@pytest.fixture(autouse=True)
def begun(db):
    look()
    AlarmCondition.objects.filter(predefined="application-failure").update(reactions=["restart"])


@pytest.fixture
def done(monkeypatch):
    """What was asked for: (verb, application); ``answers`` are raised or said in turn, at last all is well."""
    found, answers = [], []

    def doing(verb):
        def do(actor, key, name):
            assert (actor.name, actor.origin, actor.may("operate"), actor.may("configure")) == (
                "Application Failure", "alarm", True, False)
            found.append((verb, name))
            if answers:
                raise answers.pop(0)
            return "It was asked for."
        return do

    monkeypatch.setattr(reactions, "DOES", {verb: doing(str(verb)) for verb in ReactionVerb})
    return found, answers


def tell(number, application=None, *, host=None, ago=timedelta()):
    Event.objects.create(at=timezone.now() - ago, number=number, application=application, text="So it is.", host=host)
    look()


def stored():
    return list(Reaction.objects.values_list("state", "tries", "said"))


def later(seconds):
    return timezone.now() + timedelta(seconds=seconds)


def test_it_is_done_once_when_the_alarm_is_raised_and_what_came_of_it_is_on_its_page(pair, done, support):
    tell(5024, pair[0])
    tell(5024, pair[0])
    assert (react_once(), react_once(), done[0]) == (True, False, [("restart", "MS_Primary")])
    assert stored() == [("done", 1, "It was asked for.")]
    page = text_of(support.get(reverse("alarm-detail", args=[Alarm.objects.get().pk])))
    assert "Restart of MS_Primary: Done. It was asked for." in page


def test_the_clearance_reaction_is_done_when_its_event_clears_it(pair, done):
    AlarmCondition.objects.filter(predefined="application-failure").update(
        reactions=[], clearance_reactions=["start"])
    tell(5024, pair[0])
    assert not react_once()
    tell(5093, pair[0])
    assert (react_once(), done[0]) == (True, [("start", "MS_Primary")])


def test_what_is_refused_is_tried_again_with_growing_pauses_and_then_no_more(pair, done):
    done[1].extend([Refused("A job works on it.")] * 9)
    tell(5024, pair[0])
    now, tries = timezone.now(), 0
    for pause in PAUSES:
        assert react_once(now)
        assert not react_once(now + pause - timedelta(seconds=1))
        now, tries = now + pause, tries + 1
        assert stored() == [("waiting", tries, "A job works on it.")]
    assert react_once(now)
    assert stored() == [("failed", 5, "A job works on it.")]
    assert not react_once(now + timedelta(days=1))


@pytest.mark.parametrize("error", [Unanswered("It is not known."), PairwiseError("It is gone."), ValueError("bug")])
def test_what_is_not_known_is_not_done_again(pair, done, error):
    done[1].append(error)
    tell(5024, pair[0])
    react_once()
    assert [state for state, _, _ in stored()] == ["failed"]
    assert not react_once(later(9999))


def test_several_are_done_one_after_the_other_in_their_order_and_one_that_fails_keeps_none_from_being_tried(
        pair, done):
    AlarmCondition.objects.filter(predefined="application-failure").update(reactions=["start", "switchover", "odd"])
    done[1].append(Refused("A job works on it."))
    tell(5024, pair[0])
    assert (react_once(), react_once()) == (True, False)
    done[1].append(PairwiseError("It is gone."))
    assert react_once(later(6))
    assert react_once(later(6))
    assert [verb for verb, _ in done[0]] == ["switchover", "switchover", "start"]
    assert [state for state, _, _ in stored()] == ["failed", "done"]


def test_what_is_done_about_one_alarm_counts_once(pair, done):
    AlarmCondition.objects.filter(predefined="application-failure").update(reactions=["switchover", "start"])
    for _ in range(4):
        tell(5024, pair[0])
        while react_once():
            pass
        tell(5093, pair[0])
    assert [state for state, _, _ in stored()] == ["done"] * 6 + ["left_out"] * 2


def test_an_alarm_that_was_cleared_meanwhile_needs_none(pair, done):
    done[1].append(Refused("A job works on it."))
    tell(5024, pair[0])
    react_once()
    tell(5093, pair[0])
    react_once(later(60))
    assert stored() == [("left_out", 1, "The alarm was cleared meanwhile.")]


@pytest.mark.parametrize(("fields", "words"), [
    ({}, ""), ({"is_active": False}, "cleared meanwhile"), ({"is_active": False, "is_clearance": True}, ""),
    ({"masked": True}, "maintenance"), ({"lately": MOST - 1}, ""), ({"lately": MOST}, "3 times")])
def test_why_one_is_left_out(fields, words):
    found = why_not(**{"is_active": True, "is_clearance": False, "masked": False, "lately": 0, **fields})
    assert words in found
    assert bool(words) == bool(found)


def test_the_pauses_grow_and_end():
    assert [next_pause(tries) for tries in range(1, 6)] == [*PAUSES, None]
    assert list(PAUSES) == sorted(PAUSES)


def test_an_hour_has_three_for_an_application(pair, done):
    for _ in range(4):
        tell(5024, pair[0])
        react_once()
        tell(5093, pair[0])
    assert [state for state, _, _ in stored()] == ["done", "done", "done", "left_out"]
    Reaction.objects.update(ended_at=timezone.now() - timedelta(hours=2))
    tell(5024, pair[0])
    react_once()
    assert len(done[0]) == 4


def test_what_happened_long_ago_and_what_is_about_a_host_has_nothing_done_and_says_why(pair, done):
    AlarmCondition.objects.update(reactions=["restart"])
    tell(5024, pair[0], ago=timedelta(minutes=6))
    tell(8000, host=pair[0].host)
    assert stored() == [("left_out", 0, "It happened more than 5 minutes ago."),
                        ("left_out", 0, "The alarm is about no application.")]
    assert not react_once()


def test_whoever_may_publish_log_records_has_nothing_done_by_them_and_the_page_says_so(pair, done, support):
    factories.make_record(event=5024, application="MS_Primary")
    look()
    assert Alarm.objects.filter(application="MS_Primary", cleared_at=None).exists()
    AlarmCondition.objects.filter(predefined="application-failure").update(clearance_reactions=["start"])
    factories.make_record(event=5093, application="MS_Primary")
    look()
    assert not Alarm.objects.filter(cleared_at=None).exists()
    why = "It was a log record, and whoever may publish records has nothing done by them."
    assert stored() == [("left_out", 0, why)] * 2
    assert (react_once(), done[0]) == (False, [])
    page = text_of(support.get(reverse("alarm-detail", args=[Alarm.objects.get().pk])))
    assert f"Restart of MS_Primary: Left out. {why}" in page
    assert f"Start of MS_Primary, as it was cleared: Left out. {why}" in page


def test_the_verbs_are_those_of_people(pair):
    """Who is not the active server hands nothing over; what is refused to people is refused to a condition."""
    actor = reactions.Actor(name="A condition", roles=frozenset({"Operator"}), origin="alarm")
    said = DOES[ReactionVerb.SWITCHOVER](actor, pair[1].pk, "MS_Backup")
    assert said == "MS_Backup is not the active server of a pair, so nothing was done."
    with pytest.raises(Refused):
        DOES[ReactionVerb.START](actor, pair[0].pk, "MS_Primary")
    assert not Job.objects.exists()


def test_a_condition_is_given_some_in_its_dialog(administrator):
    factories.make_channel()
    row = AlarmCondition.objects.get(predefined="disk-silent")
    answer = administrator.post(reverse("condition-edit", args=[row.pk]), {
        "name": row.name, "category": row.category, "detect_event": "42-20116", "cancel_event": "42-20117",
        "cancel_timeout": "24", "selection_mode": "any", "enabled": "on", "reactions": ["restart", "switchover"],
        "clearance_channels": ["hook"], "revision": "1"}, follow=True)
    assert "Reactions: Switch Over, Restart Clearance Reactions: tell hook" in text_of(answer)
    row.refresh_from_db()
    assert (row.reactions, row.clearance_reactions) == (["switchover", "restart"], [])
    assert not row.channels.exists()
    page = administrator.get(reverse("condition-edit", args=[row.pk])).text
    chosen = re.findall(r'<input type="checkbox" name="(\w+)" value="(\w+)"[^>]* checked', page)
    assert chosen == [("reactions", "switchover"), ("reactions", "restart"), ("clearance_channels", "hook")]


@pytest.mark.parametrize(("fields", "field", "why"), [
    ({"reactions": ("reboot",)}, "reactions", "Reactions has reboot: write switchover, restart, start."),
    ({"clearance_channels": ("nobody",)}, "clearance_channels",
     "There is no channel nobody. Create it first, or choose another one.")])
def test_one_that_there_is_not_is_refused(fields, field, why):
    [refusal] = refusals(ConditionDraft(name="A", detect_event="1", **fields), (), {"hook"})
    assert (refusal.field, refusal.message) == (field, why)
