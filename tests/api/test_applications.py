"""Applications by the API: read, listed in parts, created and changed on a revision."""

import json

import pytest
from pydantic import TypeAdapter

from api import applications
from api.applications import ApplicationRow
from provisioning.applications.selectors.export import export_document
from provisioning.models import Application, Connection, HistoryEntry, Option
from provisioning.models.applications import MASK
from tests.factories import make_application, make_host, make_job, make_pair, make_template

pytestmark = pytest.mark.django_db


@pytest.fixture
def some(db):
    host = make_host("alpha")
    return [make_application(f"MS_{number}", host=host) for number in (1, 2, 10)]


def test_one_is_answered_by_its_name_and_by_its_id(admin, some):
    by_name, by_id = admin.get("/applications/MS_2"), admin.get(f"/applications/{some[1].pk}")
    assert by_name.status_code == by_id.status_code == 200
    assert by_name.json() == by_id.json()
    assert (by_name.json()["name"], by_name.json()["template"]) == ("MS_2", "Message_Server")
    assert by_name["ETag"] == f'"r{some[1].revision}"'


def test_the_name_counts_before_the_id(admin, some):
    named = make_application(str(some[0].pk))
    assert admin.get(f"/applications/{some[0].pk}").json()["id"] == named.pk
    assert admin.get("/applications/MS_1").json()["id"] == some[0].pk
    assert admin("DELETE", f"/applications/{some[0].pk}").status_code == 204
    assert set(Application.objects.filter(pk__in=[some[0].pk, named.pk])) == {some[0]}


def test_what_is_read_all_the_time_is_as_the_description_says(admin):
    """Not every answer is held against it."""
    make_job(make_pair()[1])
    make_application("MS_Alone", enabled=False)
    rows = admin.get("/applications").json()["items"]
    assert [set(row) for row in rows] == [set(ApplicationRow.model_fields)] * 3
    adapter = TypeAdapter(ApplicationRow)
    assert [adapter.dump_python(adapter.validate_json(json.dumps(row), strict=True), mode="json")
            for row in rows] == rows


def test_one_is_told_as_a_file_of_apply_has_it(admin):
    primary, backup = make_pair()
    client = make_application("MS_Client", host=primary.host,
                              options={"log": {"verbose": "debug"}, "clients": {"ada": "hidden"}})
    Option.objects.create(application=client, annex=True, section="sml", key="timeout", value="10")
    Connection.objects.create(application=client, server=primary, protocol="addp", timeout_local=9)
    exported = {row["name"]: row for row in export_document()["applications"]}
    for name in (primary.name, backup.name, client.name):
        found = admin.get(f"/applications/{name}").json()
        rows = {kind: [{key: value for key, value in row.items() if value != ""} for row in found[kind]]
                for kind in ("ports", "connections")}
        assert {key: (found | rows)[key] for key in exported[name]} == exported[name]
    assert (found["options"]["clients"], found["annex"]) == ({"ada": MASK}, {"sml": {"timeout": "10"}})


def test_what_there_is_not_is_a_problem_with_the_sentence_of_the_pages(admin):
    answer = admin.get("/applications/nothing")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json() | {"request_id": ""} == {
        "type": "about:blank", "title": "Not found", "status": 404, "instance": "/api/v1/applications/nothing",
        "detail": "There is no application named nothing.", "request_id": "", "refusals": []}


@pytest.mark.parametrize(("sort", "names"), [
    ("id", ["MS_1", "MS_2", "MS_10"]), ("-id", ["MS_10", "MS_2", "MS_1"]),
    ("name", ["MS_1", "MS_2", "MS_10"]), ("-name", ["MS_10", "MS_2", "MS_1"]),
    ("status", ["MS_1", "MS_2", "MS_10"]), ("-changed", ["MS_10", "MS_2", "MS_1"]),
    ("backup", ["MS_1", "MS_2", "MS_10"]), ("enabled", ["MS_1", "MS_2", "MS_10"])])
def test_a_list_is_read_in_parts_without_missing_or_repeating_a_row(admin, some, sort, names):
    found, cursor = [], ""
    while True:
        part = admin.get(f"/applications?limit=1&sort={sort}&cursor={cursor}").json()
        found += [row["name"] for row in part["items"]]
        if not (cursor := part["next"]):
            break
    assert found == names


def test_a_list_counts_only_when_it_is_asked_to_and_gives_the_members_that_were_asked_for(admin, some):
    assert admin.get("/applications").json()["count"] is None
    found = admin.get("/applications?count=true&limit=1&fields=name,id").json()
    assert (found["count"], found["items"]) == (3, [{"name": "MS_1", "id": some[0].pk}])


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "cursor=x", "cursor=WyJpZCIsW251bGxdXQ", "sort=size",
                                   "fields=size", "cursor=WyJpZCIsWyJhIl1d", "cursor=WyJpZCIsWzFlOTk5XV0"])
def test_a_list_refuses_what_it_does_not_know(admin, some, query):
    answer = admin.get(f"/applications?{query}")
    assert (answer.status_code, answer["Content-Type"]) in {
        (422, "application/problem+json")} or answer.json()["items"] == []


def test_one_is_created_and_says_where_it_is(admin):
    make_template()
    make_host("alpha")
    answer = admin("POST", "/applications", {"name": "MS 1", "template": "Message_Server", "host": "alpha",
                                             "options": {"log": {"verbose": "debug"}}}, X_Pairwise_Reason="A test.")
    assert answer.status_code == 201, answer.json()
    assert (answer["Location"], answer["ETag"]) == ("/api/v1/applications/MS%201", '"r1"')
    assert answer.json()["options"]["log"] == {"verbose": "debug", "all": "stdout"}
    entry = HistoryEntry.objects.get(object_type="application")
    assert (entry.reason, entry.origin[:8], entry.request_id) == ("A test.", "token ci", answer["X-Request-ID"])


def test_what_is_only_tried_changes_nothing(admin):
    make_template()
    make_host("alpha")
    asked = {"name": "MS_1", "template": "Message_Server", "host": "alpha"}
    answer = admin("POST", "/applications?dry_run=true", asked)
    assert (answer.status_code, answer.json()["name"]) == (200, "MS_1")
    assert not Application.objects.exists()
    assert not HistoryEntry.objects.filter(object_type="application").exists()


def test_a_change_needs_the_revision_that_it_is_based_on(admin, some):
    assert admin("PATCH", "/applications/MS_1", {"description": "new"}).status_code == 428
    answer = admin("PATCH", "/applications/MS_1", {"description": "new"}, If_Match='"r1"')
    assert (answer.status_code, answer["ETag"], answer.json()["description"]) == (200, '"r2"', "new")
    stale = admin("PATCH", "/applications/MS_1", {"tenants": "Other"}, If_Match='"r1"')
    body = stale.json()
    assert (stale.status_code, body["revision"], body["saved_by"]) == (412, 2, "robot")
    assert body["differences"] == [{"field": "tenants", "label": "Tenants", "theirs": "Environment", "yours": "Other"}]
    assert admin("PATCH", "/applications/MS_1", {"description": "x"}, If_Match="*").status_code == 200


def test_no_part_is_older_than_the_revision_whoever_saves_while_it_is_read(admin, some, monkeypatch):
    def saved_between(application_ids):
        Application.objects.filter(pk=some[0].pk).update(description="theirs", revision=some[0].revision + 1)
        return described(application_ids)

    described = applications.described
    monkeypatch.setattr(applications, "described", saved_between)
    read = admin.get("/applications/MS_1")
    assert (read.json()["description"], read["ETag"]) == ("", f'"r{some[0].revision}"')
    assert read.json()["revision"] == some[0].revision
    monkeypatch.undo()
    assert admin("PATCH", "/applications/MS_1", {"description": "mine"}, If_Match=read["ETag"]).status_code == 412


def test_what_was_read_can_be_sent_back_as_it_is(admin):
    row = make_application("MS_1", host=make_host("alpha"), options={"clients": {"ada": "s3cret"}},
                           ports={"default": 7001})
    read = admin.get("/applications/MS_1")
    assert read.json()["options"] == {"clients": {"ada": MASK}}
    answer = admin("PUT", "/applications/MS_1", read.json(), If_Match=read["ETag"])
    assert (answer.status_code, answer.json()) == (200, {**read.json(), "age_s": answer.json()["age_s"]})
    assert row.options.get().plain == "s3cret"


def test_null_removes_from_a_table(admin):
    make_application("MS_1", host=make_host("alpha"),
                     options={"log": {"verbose": "all", "all": "stdout"}, "other": {"a": "1"}})
    answer = admin("PATCH", "/applications/MS_1", {"options": {"log": {"all": None}, "other": None}}, If_Match='"r1"')
    assert answer.json()["options"] == {"log": {"verbose": "all"}}


def test_what_names_nothing_is_refused_beside_its_member(admin):
    make_template()
    answer = admin("POST", "/applications", {"name": "MS_1", "template": "Message_Server", "host": "nowhere"})
    assert answer.status_code == 422
    assert answer.json()["refusals"] == [{"field": "host", "message": "There is no Host named nowhere.", "links": []}]
    unknown = admin("POST", "/applications", {"name": "MS_1", "template": "Message_Server", "hots": "alpha"})
    assert (unknown.status_code, unknown.json()["refusals"][0]["field"]) == (422, "hots")


def test_one_is_cloned_and_deleted(admin, some):
    assert admin("POST", "/applications/MS_1/clone", {"name": "MS_3"}).status_code == 201
    assert admin("DELETE", "/applications/MS_3", If_Match='"r7"').status_code == 412
    assert admin("DELETE", "/applications/MS_3?dry_run=true").json() == {"dry_run": True, "would_be_done": True}
    assert admin("DELETE", "/applications/MS_3").status_code == 204
    assert not Application.objects.filter(name="MS_3").exists()


def test_roles_are_asked_of_the_services(operator, support, some):
    for program in (operator, support):
        assert program.get("/applications").status_code == 200
        answer = program("DELETE", "/applications/MS_1")
        assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
        assert "Ask for the role Administrator" in answer.json()["detail"]
