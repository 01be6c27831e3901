"""History: before and after by field, grouped by request."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.applications.selectors.applications import application_draft, get_application
from provisioning.applications.services import applications
from provisioning.drafts import HostDraft
from provisioning.history import history
from provisioning.history.entries import FieldChange, field_changes, group_by_request
from provisioning.hosts.services import hosts
from provisioning.models import Application, HistoryEntry
from provisioning.models.applications import MASK
from tests import factories
from tests.html import flat
from tests.provisioning.posted import form_of

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


# --- one entry


@pytest.fixture
def changed_twice(db):
    """An application that was created (entry 1) and changed (entry 2)."""
    row = applications.create_application(actor=factories.ADMINISTRATOR, draft=factories.make_draft(
        name="MS_Primary", description="first", options={"clients": {"bench": "benchpass"}, "log": {"verbose": "all"}}))
    row = applications.update_application(
        actor=factories.ADMINISTRATOR, application_id=row.pk, revision=row.revision, reason="Ticket 4711.",
        draft=replace(application_draft(row), description="second"))
    return get_application(row.pk)


def url(name, number=1):
    return reverse(name, args=[number])


def script():
    return {"HX-Request": "true", "HX-Target": "dialog-content"}


def test_an_entry_has_a_page_with_all_that_it_says(support, changed_twice):
    text = flat(support.get(url("history-entry", 2)))
    for word in ("ada", "192.0.2.7", "Ticket 4711.", "Description", "first", "second", "The whole version",
                 "Option [log] verbose", "Older version", HistoryEntry.objects.get(number=2).digest):
        assert word in text
    assert "benchpass" not in text


def test_who_may_not_configure_sees_restore_off_and_why(support, changed_twice):
    text = support.get(url("history-entry", 1)).text
    assert "Your role does not let you create, change and delete applications" in text


def test_there_is_no_entry_of_another_number(support, changed_twice):
    assert support.get(url("history-entry", 99)).status_code == 404


def test_entries_of_one_request_are_a_list_of_their_own(support, changed_twice):
    entry = HistoryEntry.objects.get(number=1)
    page = support.get(f"{reverse('history')}?request_id={entry.request_id}")
    assert [e.number for e in page.context["page"]] == [
        e.number for e in HistoryEntry.objects.filter(request_id=entry.request_id)]


def test_an_entry_of_something_that_was_done_offers_no_restore(administrator, changed_twice):
    history.record_verb(actor=factories.ADMINISTRATOR, row=changed_twice, reason="Switched over.")
    assert url("history-restore", 3) not in administrator.get(url("history-entry", 3)).text
    answer = administrator.get(url("history-restore", 3), follow=True)
    assert "This entry holds no version that could be restored." in answer.text


# --- Restore


def test_the_plan_is_shown_first_and_restore_carries_it_out(administrator, changed_twice):
    shown = administrator.get(url("history-restore"), headers=script())
    for word in ('name="fields" value="description" checked', "second", "first", "keeps its present value"):
        assert word in flat(shown)
    answer = administrator.post(url("history-restore"), {
        "revision": shown.context["plan"].revision, "fields": ["description"], "reason": "Back."}, headers=script())
    assert (answer.status_code, answer["HX-Redirect"]) == (204, reverse("application-edit", args=[changed_twice.pk]))
    entry = HistoryEntry.objects.first()
    assert (entry.after["description"], entry.user_name) == ("first", "administrator")
    assert entry.reason.endswith("(entry 1). Back.")


def test_a_plan_that_is_no_longer_true_is_shown_anew_with_the_sentence(administrator, changed_twice):
    answer = administrator.post(url("history-restore"), {"revision": 1, "fields": ["description"]})
    assert answer.status_code == 422
    assert "after this plan was made" in answer.text
    assert HistoryEntry.objects.count() == 2


def test_what_cannot_be_restored_says_why_beside_its_field(administrator, changed_twice):
    other = factories.make_application("Other")
    row = applications.update_application(
        actor=factories.ADMINISTRATOR, application_id=changed_twice.pk, revision=2,
        draft=replace(application_draft(changed_twice), name="Renamed"))
    other.name = "MS_Primary"
    other.save()
    page = administrator.get(url("history-restore"))
    assert 'value="name" aria-describedby="why-name"' in flat(page)
    assert "exists already. Choose another name. Left as it is." in re.sub(r"<[^>]*>", "", flat(page))
    assert row.name == "Renamed"


# --- Edit this version


def test_the_editor_opens_with_the_version_and_stores_nothing(administrator, changed_twice):
    page = administrator.get(reverse("application-edit", args=[changed_twice.pk]), {"version": 1})
    assert page.context["editor"].form["description"].value() == "first"
    assert "not saved yet" in page.text
    assert 'data-unsaved="the version of' in page.text
    assert "benchpass" not in page.text
    assert HistoryEntry.objects.count() == 2


def test_saving_the_opened_version_is_a_save_like_any_other(administrator, changed_twice):
    address = reverse("application-edit", args=[changed_twice.pk])
    sent = form_of(changed_twice) | {"description": "first", "version": 1, "reason": "From the version.", "revision": 1}
    answer = administrator.post(address, sent)
    assert answer.status_code == 409, "somebody saved since that revision"
    answer = administrator.post(address, sent | {"revision": 2})
    assert answer.status_code == 302
    assert HistoryEntry.objects.first().reason == "From the version."


def test_a_version_of_another_object_opens_nothing(administrator, changed_twice):
    other = factories.make_application("Other")
    assert administrator.get(reverse("application-edit", args=[other.pk]), {"version": 1}).status_code == 404
    host = factories.make_host()
    assert administrator.get(reverse("host-edit", args=[host.pk]), {"version": 1}).status_code == 404


def test_what_was_deleted_is_edited_as_a_new_one_and_comes_back_under_its_key(administrator, changed_twice):
    key, host = changed_twice.pk, changed_twice.host_id
    applications.delete_applications(actor=factories.ADMINISTRATOR, application_ids=[key])
    page = administrator.get(reverse("application-new"), {"version": 3})
    assert page.context["editor"].form["name"].value() == "MS_Primary"
    assert "Save brings it back, with its history" in page.text
    sent = form_of() | {"name": "MS_Again", "template_id": factories.make_template().pk, "host_id": host,
                        "filled_from": factories.make_template().pk, "version": 3}
    assert administrator.post(reverse("application-new"), sent).status_code == 302
    assert Application.objects.get().pk == key


def test_a_host_is_edited_from_a_version(administrator, db):
    draft = HostDraft(name="edge1", ip_address="192.0.2.50", os_version="12")
    host = hosts.create_host(actor=factories.ADMINISTRATOR, draft=draft)
    hosts.update_host(actor=factories.ADMINISTRATOR, host_id=host.pk, revision=1, draft=replace(draft, os_version="13"))
    page = administrator.get(reverse("host-edit", args=[host.pk]), {"version": 1})
    assert page.context["form"]["os_version"].value() == "12"
    sent = {"name": "edge1", "ip_address": "192.0.2.50", "os_type": "Linux", "os_version": "12", "lca_port": 4999,
            "enabled": "on", "revision": 2, "version": 1, "reason": "Was right."}
    assert administrator.post(reverse("host-edit", args=[host.pk]), sent).status_code == 302
    assert HistoryEntry.objects.first().reason == "Was right."


# --- deleted objects


def test_deleted_objects_stand_in_a_list_until_they_are_brought_back(administrator, changed_twice):
    assert "Nothing was deleted." in administrator.get(reverse("history-deleted")).text
    applications.delete_applications(actor=factories.ADMINISTRATOR, application_ids=[changed_twice.pk],
                                     reason="Unused.")
    page = administrator.get(reverse("history-deleted"))
    for word in ("MS_Primary", "Unused.", "Bring Back MS_Primary", url("history-restore", 3)):
        assert word in page.text
    assert "MS_Primary" not in administrator.get(reverse("history-deleted"), {"text": "other"}).text
    shown = administrator.get(url("history-restore", 3))
    assert "[clients] bench is secret" in shown.text
    answer = administrator.post(url("history-restore", 3), {
        "revision": 0, "fields": [item.name for item in shown.context["plan"].restored]}, follow=True)
    assert "was brought back" in answer.text
    assert get_application(changed_twice.pk).options_dict() == {"log": {"verbose": "all"}}
    assert "Nothing was deleted." in administrator.get(reverse("history-deleted")).text


@pytest.mark.long
def test_the_deleted_list_costs_the_same_whatever_its_length(administrator, django_assert_max_num_queries):
    for number in range(30):
        row = factories.make_application(f"gone{number}")
        applications.delete_applications(actor=factories.ADMINISTRATOR, application_ids=[row.pk])
    with django_assert_max_num_queries(12):
        assert len(administrator.get(reverse("history-deleted")).context["rows"]) == 30


# --- reasons


def test_a_save_and_a_delete_may_say_why(administrator, changed_twice):
    administrator.post(reverse("application-edit", args=[changed_twice.pk]),
                       form_of(changed_twice) | {"description": "third", "reason": "  Asked\tby Eve. "})
    assert HistoryEntry.objects.first().reason == "Asked by Eve."
    asked = administrator.get(reverse("application-delete", args=[changed_twice.pk]))
    assert 'name="reason"' in asked.text
    administrator.post(reverse("application-action"), {"verb": "delete", "ids": changed_twice.pk, "confirmed": 1,
                                                       "reason": "Unused."})
    assert (HistoryEntry.objects.first().action, HistoryEntry.objects.first().reason) == ("deleted", "Unused.")


def test_a_reason_that_is_too_long_is_refused_beside_its_field(administrator, changed_twice):
    answer = administrator.post(reverse("application-edit", args=[changed_twice.pk]),
                                form_of(changed_twice) | {"description": "third", "reason": "x" * 1001})
    assert answer.status_code == 422
    assert "at most 1000 characters" in answer.text


def test_the_time_range_filters_entries(support):
    row = factories.make_application("MS_1")
    history.record(actor=factories.ADMINISTRATOR, row=row, before=None, after=history.snapshot(row))
    later = (timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    shown = {time: len(support.get(reverse("history"), query).context["page"].object_list) for time, query in (
        ("hour", {"time": "hour"}), ("later", {"since": later}))}
    assert shown == {"hour": 1, "later": 0}


def test_files_hold_what_the_filter_finds_without_secrets(support):
    row = factories.make_application("MS_1")
    factories.set_option(row, "x", "password", "hunter22")
    history.record(actor=factories.ADMINISTRATOR, row=row, before=None, after=history.snapshot(row), reason="=two()")
    answer = support.get(reverse("history-export", args=["json"], query={"object_type": "application"}))
    [entry] = json.loads(answer.getvalue())["entries"]
    assert (entry["object_name"], entry["action"], entry["reason"]) == ("MS_1", "created", "=two()")
    assert {"field": "Name", "before": "", "after": "MS_1"} in entry["changes"]
    assert "hunter22" not in answer.getvalue().decode()
    assert "'=two()" in support.get(reverse("history-export", args=["csv"])).getvalue().decode()
