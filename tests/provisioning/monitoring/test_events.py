"""Monitoring > Events: what outlives its object, the time range, the files."""

import json
import re
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.urls import reverse
from django.utils import timezone

from protocol.events import Own
from provisioning.alarms.selectors.alarms import story
from provisioning.alarms.selectors.happened import new_events
from provisioning.applications.services.applications import delete_applications
from provisioning.core.events import last_failover
from provisioning.logs.rules.published import of_event
from provisioning.models import Event, Host
from provisioning.pairs.selectors.page import pair_events
from provisioning.web.tags import event_tone
from tests import factories
from tests.html import flat

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 30, 1, 2, 3, 456_000, tzinfo=UTC)


def tell(text="It ended.", at=None, **fields):
    return Event.objects.create(at=at or timezone.now(), text=text, **fields)


def test_events_of_former_versions_are_given_the_names_of_what_they_are_about():
    row = factories.make_application("MS_1", host=factories.make_host("alpha"))
    for fields in ({"application": row}, {"host": row.host}, {}):
        tell(**fields)
    Event.objects.update(application_name="", host_name="")
    import_module("provisioning.migrations.0034_event_names").name_what_events_are_about(apps, None)
    assert [*Event.objects.order_by("id").values_list("application_name", "host_name")] == [
        ("MS_1", ""), ("", "alpha"), ("", "")]


def shown(client, **query):
    return [row.text for row in client.get(reverse("event-list", query=query)).context["page"]]


@pytest.fixture
def gone():
    """An application that was deleted, and its event."""
    row = factories.make_application("MS_Gone", host=factories.make_host("alpha"))
    event = tell("It ended.", number=5064, level="alarm", application=row, host=row.host, at=AT)
    delete_applications(actor=factories.ADMINISTRATOR, application_ids=[row.pk])
    Host.objects.filter(pk=row.host_id).delete()
    event.refresh_from_db()
    return event


def test_an_event_outlives_its_application_and_its_host(gone, support):
    assert (gone.application, gone.host, gone.application_name, gone.host_name) == (None, None, "MS_Gone", "alpha")
    page = flat(support.get(reverse("event-list")))
    assert "MS_Gone" in page
    assert "alpha" in page
    assert "/applications/" not in page[page.index("event-grid"):page.index("</table>")]
    assert "2026-11-30 01:02:03.456" in page


def test_a_list_that_shows_one_name_shows_that_of_what_was_deleted(gone, support):
    assert "MS_Gone" in flat(support.get(reverse("monitoring")))


@pytest.mark.parametrize(("query", "found"), [
    ({"application": "MS_Gone"}, ["It ended."]), ({"application": "gone"}, ["It ended.", "Another."]),
    ({"host": "alpha"}, ["It ended."]), ({"application": "MS_Gone_2"}, ["Another."]), ({"application": "no"}, [])])
def test_what_was_deleted_is_found_by_its_name(gone, support, query, found):
    tell("Another.", application=factories.make_application("MS_Gone_2"))
    assert sorted(shown(support, **query), reverse=True) == sorted(found, reverse=True)


def test_readers_say_the_name_of_what_was_deleted(gone):
    record = of_event(gone)
    assert (record.application, record.type, record.host) == ("MS_Gone", "", "alpha")
    [happened] = new_events(0, [], [5064]).happened
    assert (happened.application, happened.host) == ("MS_Gone", "alpha")
    alarm = factories.make_alarm(application="MS_Gone", raised_at=AT)
    assert [event.text for event in story(alarm).events] == ["It ended."]


def test_what_happened_to_a_deleted_application_is_none_of_another_on_its_host():
    host = factories.make_host("alpha")
    tell("Of another one.", application_name="MS_Gone", host=host, at=AT)
    tell("Of the host.", host=host, at=AT)
    row = factories.make_application("MS_1", host=host)
    alarm = factories.make_alarm(application=row.name, host="alpha", raised_at=AT)
    assert [event.text for event in story(alarm).events] == ["Of the host."]


def test_the_time_range_filters_events(support):
    tell("Old.", at=timezone.now() - timedelta(days=3))
    tell("New.")
    assert shown(support, time="day") == ["New."]
    assert shown(support, time="week") == ["New.", "Old."]
    assert shown(support, until=(timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")) == ["Old."]


def test_since_the_last_failover_of_an_application_or_of_any(pair, support):
    now, other = timezone.now(), factories.make_application("Other")
    tell("Before.", at=now - timedelta(hours=3))
    tell("MS_Backup is the active server.", number=Own.ROLE_CHANGED, application=pair[0], at=now - timedelta(hours=2))
    tell("Between.", at=now - timedelta(minutes=90), application=pair[0])
    tell("Other is the active server.", number=Own.ROLE_CHANGED, application=other, at=now - timedelta(hours=1))
    assert last_failover(pair[0].name) == now - timedelta(hours=2)
    assert shown(support, time="failover") == ["Other is the active server."]
    assert shown(support, time="failover", application="MS_Primary") == ["Between.", "MS_Backup is the active server."]


def test_files_hold_what_the_filter_finds(support):
    tell("=two()")
    tell("password=hunter22 was tried", level="alarm", at=AT, number=5064, application_name="MS_Gone")
    address = reverse("event-export", args=["json"], query={"level": "alarm"})
    found = json.loads(support.get(address).getvalue())
    assert found == {"complete": True, "events": [{
        "at": "2026-11-30T01:02:03.456Z", "level": "alarm", "number": "00-05064", "application": "MS_Gone", "host": "",
        "source": "control", "text": found["events"][0]["text"]}]}
    assert "hunter22" not in found["events"][0]["text"]
    lines = support.get(reverse("event-export", args=["csv"])).getvalue().decode().splitlines()
    assert any(line.endswith("'=two()") for line in lines)


def test_newest_first_goes_by_the_time_of_an_event_wherever_it_came_from(support, pair):
    tell("Second.", at=AT + timedelta(milliseconds=98), application=pair[0])
    tell("First.", at=AT, application=pair[0])
    assert shown(support) == ["Second.", "First."]
    recent = flat(support.get(reverse("monitoring")))
    assert recent.index("Second.") < recent.index("First.")
    assert [event.text for event in pair_events(*pair, everything=True)] == ["Second.", "First."]


def test_that_an_alarm_was_cleared_is_not_shown_as_trouble(support):
    for number in (Own.ALARM_RAISED, Own.ALARM_CLEARED):
        tell(f"{number}", number=number, level="alarm")
    page = flat(support.get(reverse("event-list")))
    assert re.findall(r'<tr class="event event-(\w+)">', page) == ["standard", "alarm"]
    assert [event_tone(factories.make_record(number=number, level="alarm")) for number in ("42-20135", "42-20136")] == [
        "alarm", "standard"]
