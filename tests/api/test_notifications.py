"""Alarm Conditions, channels, notification rules, deliveries and saved searches by the API."""

import json

import pytest
from django.db import connection

from provisioning.models import AlarmCondition, Channel, Delivery, HistoryEntry, NotificationRule, SavedSearch
from tests.factories import make_channel, make_delivery, make_rule, make_tried

pytestmark = pytest.mark.django_db
SECRET = "c2VjcmV0LW9mLXRoZS1ob29r"
CONDITION = {"name": "Line lost", "detect_event": "4504", "reactions": ["restart"]}


def test_a_condition_is_made_changed_and_deleted(admin):
    made = admin("POST", "/alarm-conditions", CONDITION)
    assert (made.status_code, made["Location"]) == (201, "/api/v1/alarm-conditions/Line%20lost"), made.json()
    assert (made.json()["detect_event"], made.json()["cancel_timeout"]) == ("00-04504", 24)
    changed = admin("PATCH", "/alarm-conditions/Line lost", {"cancel_timeout": 3}, If_Match=made["ETag"])
    assert (changed.json()["cancel_timeout"], changed.json()["reactions"], changed["ETag"]) == (3, ["restart"], '"r2"')
    stale = admin("PATCH", "/alarm-conditions/Line lost", {"cancel_timeout": 4}, If_Match=made["ETag"])
    assert (stale.status_code, stale.json()["differences"][0]["theirs"]) == (412, "3")
    whole = admin("PUT", "/alarm-conditions/Line lost", CONDITION | {"reactions": []}, If_Match='"r2"')
    assert (whole.json()["cancel_timeout"], whole.json()["reactions"]) == (24, [])
    assert admin("DELETE", "/alarm-conditions/Line lost", If_Match='"r2"').status_code == 412
    gone = admin("DELETE", f"/alarm-conditions/{made.json()['id']}", If_Match='"r3"', X_Pairwise_Reason="Not needed.")
    assert gone.status_code == 204
    assert HistoryEntry.objects.first().reason == "Not needed."
    assert not AlarmCondition.objects.filter(name="Line lost").exists()


def test_a_condition_that_was_read_is_sent_back_as_it_is(admin):
    admin("POST", "/alarm-conditions", CONDITION)
    read = admin.get("/alarm-conditions/Line lost")
    assert admin("PUT", "/alarm-conditions/Line lost", read.json(), If_Match=read["ETag"]).status_code == 200


def test_what_is_wrong_with_a_condition_stands_beside_its_member(admin):
    refused = admin("POST", "/alarm-conditions", {"name": "", "detect_event": "x", "channels": ["nobody"]})
    assert refused.status_code == 422
    assert {each["field"] for each in refused.json()["refusals"]} == {"name", "detect_event", "channels"}


def test_predefined_conditions_are_not_deleted(admin):
    row = AlarmCondition.objects.exclude(predefined="").first()
    assert admin("DELETE", f"/alarm-conditions/{row.pk}").status_code == 409


def test_a_secret_is_never_answered_and_stays_unless_it_is_typed(admin):
    made = admin("POST", "/channels", {"name": "hook", "kind": "webhook", "fields": {
        "url": "https://192.0.2.80/", "secret": SECRET}})
    assert made.status_code == 201, made.json()
    assert made.json()["fields"] == {"url": "https://192.0.2.80/", "secret": {"secret": True, "is_set": True}}
    read = admin.get("/channels/hook")
    for body in (read.json(), read.json() | {"fields": {"url": "https://192.0.2.80/", "secret": None}}):
        sent = admin("PUT", "/channels/hook", body, If_Match="*")
        assert sent.status_code == 200, sent.json()
        assert Channel.objects.get().secret_fields == {"secret": SECRET}
    assert admin("PATCH", "/channels/hook", {"fields": {"url": "https://192.0.2.81/"}}, If_Match="*").status_code == 200
    assert (Channel.objects.get().secret_fields, Channel.objects.get().settings) == (
        {"secret": SECRET}, {"url": "https://192.0.2.81/"})
    taken = admin("PATCH", "/channels/hook", {"fields": {"secret": ""}}, If_Match="*")
    assert taken.json()["fields"]["secret"] == {"secret": True, "is_set": False}
    everything = json.dumps([admin.get(path).json() for path in ("/channels", "/channels/hook", "/history")])
    assert SECRET not in everything


def test_channels_whose_secrets_no_key_opens_are_still_listed(admin):
    make_channel("chat", kind="slack", fields={"url": "https://hooks.slack.com/services/T1/B1/x"})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE provisioning_channel SET secrets = 'of another key'")
    [row] = admin.get("/channels").json()["items"]
    assert row["fields"] == {"url": {"secret": True, "is_set": True}}


def test_a_channel_is_tested_and_deleted_once_no_rule_needs_it(admin):
    row = make_channel("hook", fields={"url": "https://127.0.0.1:9/"})
    make_rule(row)
    tried = admin("POST", "/channels/hook/test")
    assert (tried.status_code, tried.json()["state"], tried.json()["told"]) == (200, "failed", "test")
    assert [each["succeeded"] for each in tried.json()["tries"]] == [False]
    assert admin("DELETE", "/channels/hook").status_code == 409
    assert [each["rules"] for each in admin.get("/channels").json()["items"]] == [1]


def test_a_rule_is_made_and_changed(admin):
    make_channel("hook")
    made = admin("POST", "/rules", {"name": "Night", "channels": ["hook"], "categories": ["critical"]})
    assert (made.status_code, made.json()["group_s"]) == (201, 60), made.json()
    changed = admin("PATCH", "/rules/Night", {"quiet_hours": "22:00-06:00", "time_zone": "UTC"}, If_Match=made["ETag"])
    assert (changed.json()["quiet_hours"], changed.json()["categories"]) == ("22:00-06:00", ["critical"])
    assert admin("PATCH", "/rules/Night", {"channels": []}, If_Match="*").status_code == 422
    assert admin("DELETE", "/rules/Night").status_code == 204
    assert not NotificationRule.objects.exists()


def test_a_message_is_sent_again(admin, operator):
    sent = make_tried(make_channel("hook"))
    found = admin.get(f"/deliveries/{sent.pk}").json()
    assert (found["channel"], found["text"], found["why_not"]) == ("hook", sent.text, "")
    assert operator("POST", f"/deliveries/{sent.pk}/resend").status_code == 403
    again = admin("POST", f"/deliveries/{sent.pk}/resend")
    assert (again.status_code, again.json()["state"]) == (201, "waiting")
    assert [row["id"] for row in admin.get("/deliveries").json()["items"]] == [again.json()["id"], sent.pk]
    assert admin("POST", f"/deliveries/{again.json()['id']}/resend").status_code == 409
    assert admin("POST", f"/deliveries/{again.json()['id']}/send-now").status_code == 200
    assert admin("POST", f"/deliveries/{sent.pk}/resend?dry_run=true").status_code == 200
    assert Delivery.objects.count() == 2


def test_deliveries_are_listed_without_a_query_for_each(admin, django_assert_max_num_queries):
    channel = make_channel("hook")
    for _ in range(12):
        make_delivery(channel)
    admin.get("/deliveries")
    with django_assert_max_num_queries(8):
        assert len(admin.get("/deliveries").json()["items"]) == 12


def test_searches_are_ones_own_or_shared(admin, operator):
    search = {"list": "event-list", "name": "Lost", "query": "text=lost&nothing=1"}
    made = admin("POST", "/searches", search)
    assert (made.status_code, made.json()["query"]) == (201, "text=lost")
    assert operator("POST", "/searches", search | {"shared": True}).status_code == 403
    assert operator.get("/searches").json()["items"] == []
    assert operator("DELETE", f"/searches/{made.json()['id']}").status_code == 404
    assert admin("POST", "/searches", search).status_code == 422
    assert admin("POST", "/searches", search | {"list": "nothing"}).status_code == 422
    assert admin("DELETE", f"/searches/{made.json()['id']}").status_code == 204
    assert not SavedSearch.objects.exists()
