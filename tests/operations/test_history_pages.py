"""History: before and after by field, grouped by request."""

import pytest
from django.urls import reverse

from provisioning import history
from provisioning.models import Application, HistoryEntry
from provisioning.models.applications import MASK
from provisioning.selectors.history import FieldChange, field_changes, group_by_request
from tests import factories

SNAPSHOT = {
    "name": "MS", "auto_restart": False, "revision": 3, "host": "edge1", "description": "",
    "ports": [{"port_id": "default", "port": 7001, "ha_sync": False}],
    "connections": [{"server": "MS2", "port_id": "default", "timeout_local": 0}],
    "options": {"log": {"verbose": "standard"}, "clients": {"bench": MASK}},
}


def changed(**fields):
    return field_changes(SNAPSHOT, {**SNAPSHOT, **fields})


def test_only_fields_that_differ_are_told():
    assert changed(auto_restart=True, revision=4) == [FieldChange("Auto-Restart", "no", "yes")]


def test_a_port_that_moved_is_one_field_of_that_port():
    ports = [{"port_id": "default", "port": 7003, "ha_sync": True}]
    assert changed(ports=ports) == [
        FieldChange("Listening Port default: Port", "7001", "7003"),
        FieldChange("Listening Port default: HA Sync", "no", "yes")]


def test_a_port_that_came_has_an_empty_before():
    ports = [*SNAPSHOT["ports"], {"port_id": "sync", "port": 7002, "ha_sync": True}]
    assert changed(ports=ports) == [
        FieldChange("Listening Port sync: Port", "", "7002"), FieldChange("Listening Port sync: HA Sync", "", "yes")]


def test_an_option_is_named_by_section_and_key():
    options = {**SNAPSHOT["options"], "log": {"verbose": "trace"}}
    assert changed(options=options) == [FieldChange("Option [log] verbose", "standard", "trace")]


def test_a_connection_is_named_by_its_server():
    connections = [{"server": "MS2", "port_id": "default", "timeout_local": 7}]
    assert changed(connections=connections) == [FieldChange("Connection MS2 default: Local Timeout", "0", "7")]


def test_a_created_object_shows_what_it_began_with_and_a_deleted_one_what_it_was():
    assert FieldChange("Name", "", "MS") in field_changes(None, SNAPSHOT)
    assert FieldChange("Name", "MS", "") in field_changes(SNAPSHOT, None)


def entry(request_id, name):
    return HistoryEntry(request_id=request_id, object_name=name, before={}, after={})


def test_neighbours_of_one_request_stand_together():
    groups = group_by_request([entry("b", "2"), entry("b", "1"), entry("a", "0"), entry("", "x"), entry("", "y")])
    assert [[e.object_name for e, _ in group.entries] for group in groups] == [["2", "1"], ["0"], ["x"], ["y"]]


# --- the page


@pytest.fixture
def rows(db):
    host = factories.make_host("edge1")
    application = factories.make_application("MS_Primary", host=host, options={"clients": {"bench": "benchpass"}})
    before = history.snapshot(application)
    application.auto_restart = True
    application.save()
    history.record(actor=factories.ADMINISTRATOR, row=application, before=before, after=history.snapshot(application),
                   reason="after the incident")
    history.record(actor=factories.OPERATOR, row=host, before=None, after=history.snapshot(host))
    return application


def test_the_page_says_who_from_where_and_before_and_after(support, rows):
    text = support.get(reverse("history")).text
    for word in ("ada", "192.0.2.7", "MS_Primary", "after the incident", "Auto-Restart", "otto", "edge1"):
        assert word in text


def test_no_secret_is_on_the_page(support, rows):
    assert "benchpass" not in support.get(reverse("history")).text


@pytest.mark.parametrize(("query", "names"), [
    ("", ["edge1", "MS_Primary"]), ("user=ada", ["MS_Primary"]), ("object_type=host", ["edge1"]),
    ("text=incident", ["MS_Primary"]), ("action=created", ["edge1"]), ("user=nobody", ["edge1", "MS_Primary"]),
])
def test_the_page_is_filtered_by_its_address(support, rows, query, names):
    page = support.get(f"{reverse('history')}?{query}")
    assert [e.object_name for e in page.context["page"]] == names


def test_the_history_of_one_object(support, rows):
    page = support.get(reverse("history"), {"object_type": "application", "object_id": str(rows.pk)})
    assert [e.object_name for e in page.context["page"]] == ["MS_Primary"]


def test_an_entry_of_a_deleted_object_has_no_link(support, rows):
    url = reverse("application-edit", args=[rows.pk])
    assert url in support.get(reverse("history")).text
    history.record(actor=factories.ADMINISTRATOR, row=rows, before=history.snapshot(rows), after=None)
    Application.objects.filter(pk=rows.pk).delete()
    assert url not in support.get(reverse("history")).text


def test_what_was_typed_is_text_not_markup(support, rows):
    history.record(actor=factories.ADMINISTRATOR, row=rows, reason="<script>alert(1)</script>",
                   before={"name": "<b>x"}, after={"name": "<i>y"})
    text = support.get(reverse("history")).text
    assert "<script>alert" not in text
    assert "<b>x" not in text
