"""What holds of every request to the API, whatever it asks for."""

import json
import sqlite3
import sys
import uuid
from urllib.parse import quote

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from api import applications, authentication
from api.limiter import Limiter
from docs import openapi
from provisioning.models import Application, KeptAnswer
from provisioning.states import Role
from tests.api.conftest import Program
from tests.api.operations import operations, value_of
from tests.factories import make_application, make_host, make_template, make_user
from tests.provisioning.walk import forgotten

pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"


def is_problem(answer, status):
    assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM), answer.content
    assert answer.json()["status"] == status
    assert answer.json()["request_id"] == answer["X-Request-ID"]
    return answer.json()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer pw_nothing"}, {"Authorization": "Basic YTpi"},
                                     {"Authorization": ""}])
def test_nobody_is_told_how_to_sign_in(client, headers):
    answer = client.get("/api/v1/applications", headers=headers)
    is_problem(answer, 401)
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "nothing", 404), ("GET", "", 404), ("POST", "openapi.json", 405), ("PATCH", "applications", 405),
    ("OPTIONS", "applications", 405)])
def test_what_is_not_there_is_a_problem(admin, method, path, status):
    is_problem(admin(method, f"/{path}"), status)


def test_another_version_is_a_problem(admin):
    is_problem(admin.client.get("/api/v2/applications"), 404)


def test_no_session_is_made_for_a_token(admin):
    answer = admin.get("/applications")
    assert (answer.status_code, dict(answer.cookies)) == (200, {})
    assert not Session.objects.exists()


def test_every_answer_names_the_release_and_the_request(admin):
    asked = str(uuid.uuid4())
    answer = admin.get("/applications", X_Request_ID=asked)
    assert answer["X-Request-ID"] == asked
    assert answer["Pairwise-Version"]
    assert uuid.UUID(admin.get("/applications", X_Request_ID="<script>")["X-Request-ID"])


def test_head_is_answered_as_get(admin):
    assert admin("HEAD", "/applications").status_code == 200


@pytest.mark.parametrize(("sent", "kind", "status"), [
    (b"{", "application/json", 400), (b"name: x", "application/yaml", 415), (b"a=1", "", 415),
    (b"[]", "application/json", 422), (b"\xff", "application/json", 400), (b"null", "application/json", 422)])
def test_a_body_that_is_no_json_is_a_problem(admin, sent, kind, status):
    answer = admin.client.generic("POST", "/api/v1/applications", data=sent, content_type=kind,
                                  headers={"Authorization": f"Bearer {admin.token}"})
    is_problem(answer, status)


def test_a_body_that_is_too_large_is_a_problem(admin, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    is_problem(admin("POST", "/applications", {"name": "x" * 200}), 413)


def test_a_read_only_token_changes_nothing(db):
    program = Program(Role.ADMINISTRATOR, read_only=True)
    make_application("MS_1")
    assert program.get("/applications/MS_1").status_code == 200
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        is_problem(program(method, "/applications/MS_1", {}), 403)


def test_a_session_needs_a_csrf_token_for_what_changes_something(db):
    make_template()
    make_host("alpha")
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("ada", roles=(Role.ADMINISTRATOR,)))
    body = json.dumps(ASKED)
    assert client.get("/api/v1/applications").status_code == 200
    is_problem(client.post("/api/v1/applications", body, content_type="application/json"), 403)
    token = client.get(reverse("session")).json()["token"]
    made = client.post("/api/v1/applications", body, content_type="application/json", headers={"X-CSRFToken": token})
    assert made.status_code == 201
    assert Application.objects.get().changed_by == "ada"


def test_a_wrong_token_is_not_made_good_by_a_session(db):
    client = Client()
    client.force_login(make_user("ada", roles=(Role.ADMINISTRATOR,)))
    is_problem(client.get("/api/v1/applications", headers={"Authorization": "Bearer pw_wrong"}), 401)


def test_who_has_no_role_sees_nothing(db):
    client = Client()
    client.force_login(make_user("nemo"))
    is_problem(client.get("/api/v1/applications"), 403)


def test_a_program_that_asks_too_much_is_told_when_to_come_again(admin, monkeypatch):
    monkeypatch.setattr(authentication, "limiter", Limiter(rate=0.5, burst=2))
    assert [admin.get("/applications").status_code for _ in range(3)] == [200, 200, 429]
    assert admin.get("/applications")["Retry-After"] in ("1", "2")


def test_a_fault_of_the_console_says_nothing_of_itself(admin, monkeypatch, caplog):
    def fails(*_, **__):
        raise RuntimeError("s3cret words")

    monkeypatch.setattr(applications, "told_list", fails)
    body = is_problem(admin.get("/applications"), 500)
    assert "s3cret" not in json.dumps(body)
    assert "s3cret" in caplog.text


def test_a_database_that_is_locked_is_a_problem_with_a_time(admin, monkeypatch):
    def fails(*_, **__):
        cause = sqlite3.OperationalError("database is locked")
        cause.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise OperationalError("database is locked") from cause

    monkeypatch.setattr(applications, "told_list", fails)
    answer = admin.get("/applications")
    is_problem(answer, 503)
    assert answer["Retry-After"] == "5"


# --- Idempotency-Key


ASKED = {"name": "MS_1", "template": "Message_Server", "host": "alpha"}


def test_a_request_that_is_sent_again_is_answered_as_the_first_time(admin):
    make_template()
    make_host("alpha")
    first = admin("POST", "/applications", ASKED, Idempotency_Key="one")
    again = admin("POST", "/applications", ASKED, Idempotency_Key="one")
    assert (first.status_code, first.content) == (again.status_code, again.content) == (201, first.content)
    assert (again["Location"], again["ETag"]) == (first["Location"], first["ETag"])
    assert again["Idempotency-Replayed"] == "true"
    assert Application.objects.count() == 1


def test_a_key_is_good_for_one_request(admin):
    make_template()
    make_host("alpha")
    admin("POST", "/applications", ASKED, Idempotency_Key="one")
    is_problem(admin("POST", "/applications", {**ASKED, "name": "MS_2"}, Idempotency_Key="one"), 422)
    assert Program(Role.ADMINISTRATOR, name="other")(
        "POST", "/applications", {**ASKED, "name": "MS_2"}, Idempotency_Key="one").status_code == 201


def test_what_was_refused_is_done_when_it_comes_again(admin):
    refused = admin("POST", "/applications", ASKED, Idempotency_Key="one")
    make_template()
    make_host("alpha")
    assert (refused.status_code, admin("POST", "/applications", ASKED, Idempotency_Key="one").status_code) == (422, 201)


def test_a_request_that_is_under_way_is_not_done_twice(admin):
    make_template()
    make_host("alpha")
    admin("POST", "/applications", ASKED, Idempotency_Key="one")
    KeptAnswer.objects.update(status=0)
    answer = admin("POST", "/applications", ASKED, Idempotency_Key="one")
    is_problem(answer, 409)
    assert answer["Retry-After"] == "1"


# --- If-Match


SCHEMA = openapi.described()
BASED = [(operation["operationId"], path) for method, path, operation in operations(SCHEMA) if method == "delete"
         and "If-Match" in {each["name"] for each in operation["parameters"]}]


def saving(find, seen: list):
    """``find``, after which somebody saves what was found."""
    def work(key):
        row = find(key)
        type(row).objects.filter(pk=row.pk).update(revision=row.revision + 1)
        seen.append(row)
        return row

    return work


def test_what_somebody_saves_between_the_look_and_the_delete_stays(world, admin, monkeypatch):
    assert len(BASED) >= 5
    alone = {"applications": make_application("Alone").name, "hosts": make_host("alone").name}
    for name, path in BASED:
        noun, seen = name.partition("_")[0], []
        module = sys.modules[f"api.{noun}"]
        key = alone.get(noun) or value_of(path, path.rpartition("{")[2].rstrip("}"), world)
        stored = module.found(key).revision
        with forgotten(), monkeypatch.context() as patched:
            patched.setattr(module, "found", saving(module.found, seen))
            answer = admin("DELETE", f"/{path.split('/')[3]}/{quote(key)}", If_Match=f'"r{stored}"')
            assert answer.status_code == 412, (name, answer.content)
            assert type(seen[0]).objects.filter(pk=seen[0].pk).exists(), name
