"""What people do about an alarm, and what the command prints."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from provisioning.alarms.selectors.alarms import alarm_list, story
from provisioning.alarms.services.alarms import acknowledge, clear
from provisioning.errors import NotAllowed, NotFound, Refused
from provisioning.models import Event, HistoryEntry
from tests import commands, factories
from tests.factories import ADMINISTRATOR, OPERATOR, SUPPORT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]


def test_it_is_acknowledged_with_a_note_and_stays_active():
    alarm = acknowledge(actor=OPERATOR, alarm_id=factories.make_alarm().pk, note="I look  after it.")
    assert (alarm.acknowledged_by, alarm.note, alarm.is_active) == ("otto", "I look after it.", True)
    entry = HistoryEntry.objects.get()
    assert (entry.object_name, entry.reason) == ("Failover Happened: MS_Primary", "Acknowledged. I look after it.")


def test_it_is_cleared_with_a_reason_once():
    row = factories.make_alarm()
    with pytest.raises(Refused, match="Say why"):
        clear(actor=OPERATOR, alarm_id=row.pk, reason=" ")
    alarm = clear(actor=OPERATOR, alarm_id=row.pk, reason="It was a test.")
    assert (alarm.is_active, alarm.cleared_by, alarm.cleared_how, alarm.clear_reason) == (
        False, "otto", "hand", "It was a test.")
    for again in (lambda: clear(actor=ADMINISTRATOR, alarm_id=row.pk, reason="Twice."),
                  lambda: acknowledge(actor=ADMINISTRATOR, alarm_id=row.pk)):
        with pytest.raises(Refused, match="Failover Happened: MS_Primary was cleared already by otto"):
            again()


def test_support_looks_and_does_nothing_about_it():
    row = factories.make_alarm()
    with pytest.raises(NotAllowed, match="acknowledge, clear and mask alarms"):
        clear(actor=SUPPORT, alarm_id=row.pk, reason="No.")
    with pytest.raises(NotAllowed):
        acknowledge(actor=SUPPORT, alarm_id=row.pk)
    with pytest.raises(NotFound):
        acknowledge(actor=OPERATOR, alarm_id=row.pk + 1)


@pytest.mark.parametrize("about", [{"application": "MS_A"}, {"application": "", "host": "alpha"}])
def test_one_is_active_of_a_condition_and_what_it_is_about(about):
    first = factories.make_alarm(**about)
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.make_alarm(**about)
    clear(actor=OPERATOR, alarm_id=first.pk, reason="Over.")
    factories.make_alarm(**about)


def test_active_ones_come_first_and_the_gravest_of_them():
    now = timezone.now()
    for name, category, ago, cleared in (("a", "minor", 1, None), ("b", "critical", 9, None), ("c", "major", 3, None),
                                         ("d", "major", 2, None), ("e", "critical", 1, now), ("f", "minor", 0, now)):
        factories.make_alarm(application=name, category=category, raised_at=now - timedelta(hours=ago),
                             cleared_at=cleared)
    assert [row.application for row in alarm_list(state="all")] == ["b", "d", "c", "a", "f", "e"]
    assert [row.application for row in alarm_list()] == ["b", "d", "c", "a"]
    assert [row.application for row in alarm_list(state="ended", category="critical")] == ["e"]


def test_its_story_is_of_both_members_and_their_hosts_in_order(pair):
    primary, backup = pair
    at = timezone.now()
    alarm = factories.make_alarm(application=primary.name, host=primary.host.name, raised_at=at)
    stranger = factories.make_application("MS_Other")
    for text, ms, about in (("MS_Backup took over.", 300, {"application": backup}),
                            ("MS_Primary was killed.", 0, {"application": primary}),
                            ("The host is gone.", 100, {"host": primary.host}),
                            ("Something else.", 50, {"application": stranger}),
                            ("Long ago.", -600_000, {"application": primary})):
        Event.objects.create(at=at + timedelta(milliseconds=ms), text=text, **about)
    assert [event.text for event in story(alarm).events] == [
        "MS_Primary was killed.", "The host is gone.", "MS_Backup took over."]


def test_the_story_of_a_host_has_what_happened_to_its_servers(pair):
    host = pair[0].host
    alarm = factories.make_alarm(application="", host=host.name)
    Event.objects.create(at=alarm.raised_at, host=host, text="The agent is gone.")
    Event.objects.create(at=alarm.raised_at, host=host, application=pair[0], text="The server is lost.")
    assert len(story(alarm).events) == 2


def test_the_command_prints_an_array_and_nothing_else():
    at = timezone.now().replace(microsecond=7000)
    factories.make_alarm(raised_at=at, host="alpha", acknowledged_by="otto")
    factories.make_alarm(application="MS_B", cleared_at=at)
    code, out, err = commands.run("alarms", "--json")
    [found] = json.loads(out)
    assert (code, err) == (0, "")
    assert found.pop("id") > 0
    assert found.pop("raised_at").endswith(".007Z")
    assert found == {"condition": "Failover Happened", "category": "major", "application": "MS_Primary",
                     "host": "alpha", "cleared_at": None, "times": 1, "text": "It took over.",
                     "acknowledged_by": "otto", "masked": False, "cause": None}
    both = json.loads(commands.run("alarms", "--all", "--json")[1])
    assert [each["application"] for each in both] == ["MS_Primary", "MS_B"]
    assert both[1]["cleared_at"].endswith(".007Z")


def test_for_people_it_prints_a_line_each():
    assert commands.run("alarms") == (0, "", "No alarm is active.\n")
    factories.make_alarm()
    assert " active major Failover Happened: MS_Primary: It took over.\n" in commands.run("alarms")[1]
    assert json.loads(commands.run("alarms", "--json")[1])
