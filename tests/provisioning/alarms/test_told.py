"""Alarms are told of in the timeline, and so in the log; what follows from the loss of a host is grouped."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from protocol.events import ALARM, OF_ALARMS, Own
from provisioning.alarms.rules.conditions import ConditionDraft, refusals
from provisioning.alarms.selectors.alarms import alarm_list, story
from provisioning.alarms.services.alarms import clear
from provisioning.alarms.services.conditions import delete_condition
from provisioning.alarms.worker.judging import end_old, look
from provisioning.logs.rules.published import of_event
from provisioning.models import Alarm, AlarmCondition, Event
from tests import factories
from tests.html import flat
from tests.provisioning.pairs.pages import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]


@pytest.fixture(autouse=True)
def begun(db):
    look()


def tell(number, application=None, host=None):
    Event.objects.create(at=timezone.now(), number=number, application=application, text="So it is.",
                         host=host or application.host)
    look()
    look()


def told():
    return list(Event.objects.filter(number__in=OF_ALARMS).order_by("id").values_list("number", "level", "text"))


def test_an_alarm_is_told_of_when_it_is_raised_and_when_its_event_clears_it(pair):
    tell(5024, pair[0])
    tell(5024, pair[0])
    tell(5093, pair[0])
    assert told() == [
        (Own.ALARM_RAISED, ALARM, "Major alarm raised, Application Failure: MS_Primary. So it is."),
        (Own.ALARM_CLEARED, ALARM, "Major alarm cleared, Application Failure: MS_Primary, by its Cancel Event.")]
    record = of_event(Event.objects.get(number=Own.ALARM_RAISED))
    assert (record.level, record.number, record.application) == ("alarm", "42-20135", "MS_Primary")


def test_so_is_one_that_ends_by_its_timeout_by_hand_and_with_its_condition(pair):
    AlarmCondition.objects.filter(detect_event=5024).update(cancel_timeout=24)
    tell(5024, pair[0])
    end_old(timezone.now() + timedelta(days=2))
    tell(5024, pair[0])
    clear(actor=factories.OPERATOR, alarm_id=Alarm.objects.first().pk, reason="It is well.")
    AlarmCondition.objects.update(predefined="")
    tell(5024, pair[0])
    delete_condition(actor=factories.ADMINISTRATOR, condition_id=AlarmCondition.objects.get(detect_event=5024).pk)
    assert [text.partition("MS_Primary, ")[2] for _, _, text in told() if "cleared" in text] == [
        "by its Cancel Timeout.", "by otto: It is well.", "by ada: Its Alarm Condition was deleted."]


def test_what_is_told_of_alarms_raises_none_and_is_no_part_of_a_story(pair):
    AlarmCondition.objects.create(name="Loop", detect_event=Own.ALARM_RAISED)
    tell(5024, pair[0])
    [alarm] = Alarm.objects.all()
    assert {event.number for event in story(alarm).events} == {5024}
    [refusal] = refusals(ConditionDraft(name="Loop", detect_event="42-20136"), ())
    assert refusal.field == "detect_event"


def test_what_follows_from_the_loss_of_a_host_stands_below_it(pair, support):
    host = pair[0].host
    tell(5024, pair[0])
    tell(8000, host=host)
    tell(Own.NOBODY_SERVES, pair[0])
    lost = Alarm.objects.get(number=8000)
    assert set(lost.consequences.values_list("number", flat=True)) == {5024, Own.NOBODY_SERVES}
    assert {alarm.number for alarm in alarm_list(grouped=True)} == {8000, Own.NOBODY_SERVES}
    page = support.get(reverse("alarm-list"))
    assert "and 2 about its applications" in text_of(page)
    assert f"?cause={lost.pk}" in flat(page)
    assert "Application Failure" in text_of(support.get(reverse("alarm-list"), {"cause": lost.pk}))
    assert "Follows from" in text_of(support.get(reverse("alarm-detail", args=[Alarm.objects.get(number=5024).pk])))
    assert "2 alarms about its applications" in text_of(support.get(reverse("alarm-detail", args=[lost.pk])))
    tell(8001, host=host)
    assert {alarm.number for alarm in alarm_list(grouped=True)} == {5024, Own.NOBODY_SERVES}


def test_the_page_of_an_alarm_says_what_happened_and_what_to_do(pair, support):
    tell(5024, pair[0])
    text = text_of(support.get(reverse("alarm-detail", args=[Alarm.objects.get().pk])))
    assert "MS_Primary ended." in text
    assert "What to do" in text
    assert "Auto-Restart starts it again where it is on" in text
