"""Events, History, alarms, maintenance and log records by the API."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.utils import timezone

from api.filters import Filter
from provisioning.alarms.forms import AlarmFilter, ConditionFilter, MaintenanceFilter
from provisioning.core import events
from provisioning.history import history
from provisioning.history.forms import HistoryFilter
from provisioning.logs.forms import LogFilter
from provisioning.models import Alarm, Event, HistoryEntry
from provisioning.monitoring.forms import EventFilter
from provisioning.notifications.forms import ChannelFilter, DeliveryFilter, RuleFilter
from tests.factories import (
    ADMINISTRATOR,
    make_alarm,
    make_application,
    make_host,
    make_maintenance,
    make_pair,
    make_record,
)

pytestmark = pytest.mark.django_db


def of_page(admin, path):
    """All that a list has, part by part."""
    found, cursor = [], ""
    while True:
        part = admin.get(f"{path}{'&' if '?' in path else '?'}limit=2&cursor={cursor}").json()
        found += part["items"]
        if not (cursor := part["next"]):
            return found


def add_events(count, **fields):
    at = timezone.now() - timedelta(minutes=1)
    return Event.objects.bulk_create([Event(at=at, number=5093, text=f"It was {n}.", **fields) for n in range(count)])


@pytest.mark.parametrize(("module", "form"), [
    ("alarms", AlarmFilter), ("conditions", ConditionFilter), ("maintenance", MaintenanceFilter),
    ("events", EventFilter), ("log", LogFilter), ("channels", ChannelFilter), ("rules", RuleFilter),
    ("deliveries", DeliveryFilter), ("history", HistoryFilter)])
def test_a_list_has_the_filters_of_its_page(module, form):
    own = import_module(f"api.{module}")
    found = next(each for each in vars(own).values()
                 if isinstance(each, type) and issubclass(each, Filter) and each.__module__ == own.__name__)
    assert found.model_fields.keys() - {"sort", "after"} == form.base_fields.keys()


def test_events_come_newest_first_in_parts(admin):
    add_events(5)
    assert [row["text"] for row in of_page(admin, "/events")] == [f"It was {n}." for n in (4, 3, 2, 1, 0)]
    assert admin.get("/events?limit=1").json()["items"][0]["number"] == "00-05093"


def test_events_are_filtered_as_on_the_page(admin):
    add_events(2, application=make_application("MS_1"))
    add_events(1, application=make_application("MS_10"))
    assert len(of_page(admin, "/events?application=MS_1")) == 2
    assert len(of_page(admin, "/events?application=ms&number=5093&time=hour")) == 3
    assert of_page(admin, "/events?number=1") == []
    wrong = admin.get("/events?number=x&since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z")
    assert wrong.status_code == 422
    assert {each["field"] for each in wrong.json()["refusals"]} == {"number", "until"}


def test_who_asks_for_events_after_the_last_one_misses_none(admin):
    first, second, third = add_events(3)
    part = admin.get(f"/events?after={first.pk}&limit=1").json()
    assert [row["id"] for row in part["items"]] == [second.pk]
    part = admin.get(f"/events?after={part['next']}").json()
    assert ([row["id"] for row in part["items"]], part["next"]) == ([third.pk], str(third.pk))
    assert admin.get(f"/events?after={third.pk}").json() == {"items": [], "next": str(third.pk), "count": None}


def test_what_an_event_before_may_still_come_for_waits(db):
    old = add_events(1)[0]
    now = timezone.now()
    Event.objects.create(pk=old.pk + 1, at=now, text="at once")
    Event.objects.create(pk=old.pk + 3, at=now, text="the one before it is not there yet")
    assert [row.pk for row in events.settled(Event.objects.order_by("id"), now)] == [old.pk, old.pk + 1]
    Event.objects.create(pk=old.pk + 2, at=now, text="here it is")
    assert events.settled(Event.objects.all(), now).count() == 4
    Event.objects.filter(pk=old.pk + 1).delete()
    assert events.settled(Event.objects.all(), now + events.SETTLES * 2).count() == 3


def test_history_says_what_changed_and_goes_on_by_number(admin):
    row = make_application("MS_1")
    for before, after in ((None, {"name": "MS_1", "description": ""}),
                          ({"name": "MS_1", "description": ""}, {"name": "MS_1", "description": "new"})):
        history.record(actor=ADMINISTRATOR, row=row, before=before, after=after)
    last = HistoryEntry.objects.order_by("-number").first()
    [found] = admin.get(f"/history?after={last.number - 1}").json()["items"]
    assert found["changes"] == [{"label": "Description", "before": "", "after": "new"}]
    assert (found["user"], found["origin"], found["object_name"]) == ("ada", "192.0.2.7", "MS_1")
    assert admin.get(f"/history/{last.number}").json()["version"]["Description"] == "new"
    assert admin.get("/history?object_type=nothing").status_code == 422
    assert len(of_page(admin, "/history?object_type=application&user=ada")) == 2


def test_a_version_is_restored_as_its_plan_said(admin):
    made = admin("POST", "/hosts", {"name": "alpha", "ip_address": "192.0.2.1"})
    assert made.status_code == 201, made.json()
    number = HistoryEntry.objects.get(object_type="host").number
    admin("PATCH", "/hosts/alpha", {"ip_address": "192.0.2.2"}, If_Match="*")
    plan = admin.get(f"/history/{number}/restore").json()
    assert (plan["possible"], plan["revision"]) == (True, 2)
    assert ("192.0.2.2", "192.0.2.1") in {(each["now"], each["then"]) for each in plan["fields"]}
    tried = admin("POST", f"/history/{number}/restore?dry_run=true", {"revision": 2})
    assert (tried.status_code, admin.get("/hosts/alpha").json()["ip_address"]) == (200, "192.0.2.2")
    done = admin("POST", f"/history/{number}/restore", {"revision": 2})
    assert (done.status_code, done.json()["object_name"]) == (200, "alpha")
    assert admin.get("/hosts/alpha").json()["ip_address"] == "192.0.2.1"
    assert admin("POST", f"/history/{number}/restore", {"revision": 2}).status_code == 409


def test_what_was_deleted_is_listed_until_it_is_brought_back(admin):
    admin("POST", "/hosts", {"name": "alpha", "ip_address": "192.0.2.1"})
    admin("DELETE", "/hosts/alpha")
    [gone] = admin.get("/history/deleted").json()["items"]
    assert (gone["object_name"], gone["action"]) == ("alpha", "deleted")
    assert admin("POST", f"/history/{gone['number']}/restore", {"revision": 0}).status_code == 200
    assert admin.get("/history/deleted").json()["items"] == []
    assert admin.get("/hosts/alpha").status_code == 200


def test_an_alarm_is_told_with_what_happened_around_it(admin):
    primary, _ = make_pair()
    alarm = make_alarm(application=primary.name, host=primary.host.name)
    Event.objects.create(at=alarm.raised_at, application=primary, number=5024, text="It ended: killed.")
    found = admin.get(f"/alarms/{alarm.pk}").json()
    assert (found["condition"], found["pair"]) == (alarm.condition_name, "MS_Primary")
    assert found["advice"].startswith("Nothing is lost")
    assert [each["text"] for each in found["events"]] == ["It ended: killed."]
    assert [row["id"] for row in of_page(admin, f"/alarms?category={alarm.category}")] == [alarm.pk]


def test_an_alarm_is_acknowledged_and_cleared(admin, operator, support):
    alarm = make_alarm()
    assert support("POST", f"/alarms/{alarm.pk}/acknowledge").status_code == 403
    done = operator("POST", f"/alarms/{alarm.pk}/acknowledge", {"note": "I look."})
    assert (done.json()["acknowledged_by"], done.json()["note"]) == ("otto", "I look.")
    refused = operator("POST", f"/alarms/{alarm.pk}/clear", {"reason": " "})
    assert (refused.status_code, refused.json()["refusals"][0]["field"]) == (422, "reason")
    assert operator("POST", f"/alarms/{alarm.pk}/clear?dry_run=true", {"reason": "over"}).status_code == 200
    assert Alarm.objects.get().is_active
    assert operator("POST", f"/alarms/{alarm.pk}/clear", {"reason": "over"}).json()["cleared_how"] == "hand"
    assert operator("POST", f"/alarms/{alarm.pk}/clear", {"reason": "over"}).status_code == 409
    assert HistoryEntry.objects.filter(object_type="alarm", origin__startswith="token ci").count() == 2
    assert admin.get("/alarms").json()["items"] == []
    assert [row["id"] for row in admin.get("/alarms?state=ended").json()["items"]] == [alarm.pk]


def test_a_maintenance_begins_and_ends(admin):
    make_host("alpha")
    until = (timezone.now() + timedelta(hours=1)).isoformat()
    begun = admin("POST", "/maintenance", {"about": "host", "name": "alpha", "ends_at": until, "reason": "A disk."})
    assert (begun.status_code, begun.json()["state"]) == (201, "Going on")
    nowhere = admin("POST", "/maintenance", {"about": "host", "name": "beta", "ends_at": until, "reason": "A disk."})
    assert (nowhere.status_code, nowhere.json()["refusals"][0]["field"]) == (422, "host")
    assert admin("POST", f"/maintenance/{begun.json()['id']}/end").json()["state"] == "Over"
    make_maintenance()
    assert [row["name"] for row in admin.get("/maintenance").json()["items"]] == ["alpha"]
    assert len(admin.get("/maintenance?state=over").json()["items"]) == 1


def test_log_records_are_searched_on_from_where_a_part_ends(admin):
    records = [make_record(text=f"Said {n}.", at=1_700_000_000_000 + n) for n in range(5)]
    assert [row["text"] for row in of_page(admin, "/log")] == [f"Said {n}." for n in (4, 3, 2, 1, 0)]
    assert [row["id"] for row in of_page(admin, "/log?text=said 3")] == [records[3].pk]
    found = admin.get(f"/log/{records[0].pk}").json()
    assert (found["pair"], found["at"], found["number"]) == ("MS_Primary", "2023-11-14T22:13:20Z", "00-04504")
    assert admin.get("/log?cursor=x").status_code == 422
    assert admin.get("/log?level=loud").status_code == 422
