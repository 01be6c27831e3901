"""Users and tokens by the API."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from provisioning.models import ApiToken, HistoryEntry
from provisioning.states import Role
from tests.api.conftest import Program
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_user_is_made_with_a_password_that_is_answered_once(admin):
    made = admin("POST", "/users", {"name": "ada", "roles": ["Operator"]})
    assert (made.status_code, made["Location"], made.json()["user"]["roles"]) == (
        201, "/api/v1/users/ada", ["Operator"])
    password = made.json()["password"]
    assert User.objects.get(username="ada").check_password(password)
    assert password not in json.dumps([admin.get(path).json() for path in ("/users", "/users/ada", "/history")])
    with_key = admin("POST", "/users", {"name": "eve", "roles": ["Operator"]}, Idempotency_Key="one")
    assert (with_key.status_code, User.objects.filter(username="eve").exists()) == (422, False)
    tried = admin("POST", "/users?dry_run=true", {"name": "eve", "roles": ["Operator"]})
    assert (tried.status_code, tried.json()["password"]) == (200, "")


def test_users_are_told_with_their_roles_and_found_by_name(admin):
    make_user("otto", roles=(Role.OPERATOR,), is_active=False)
    assert [row["name"] for row in admin.get("/users").json()["items"]] == ["otto", "robot"]
    assert [row["name"] for row in admin.get("/users?role=Operator&state=disabled").json()["items"]] == ["otto"]
    assert admin.get("/users?role=King").status_code == 422
    assert admin.get("/users/nobody").status_code == 404


def test_roles_are_given_to_who_had_those_that_were_seen(admin):
    make_user("otto", roles=(Role.OPERATOR,))
    assert admin("PUT", "/users/otto/roles", {"roles": ["Support"]}).json()["roles"] == ["Support"]
    stale = admin("PUT", "/users/otto/roles", {"roles": ["Administrator"], "seen": ["Operator"]})
    assert (stale.status_code, stale.json()["differences"][0]["theirs"]) == (412, "Support")
    assert admin("PUT", "/users/robot/roles", {"roles": ["Support"]}).status_code == 422
    assert HistoryEntry.objects.filter(object_type="user", object_name="otto").count() == 1


def test_a_user_is_disabled_enabled_and_given_another_password(admin):
    row = make_user("otto", roles=(Role.OPERATOR,), password="of otto")
    assert admin("POST", "/users/otto/disable").json()["enabled"] is False
    assert admin("POST", "/users/otto/enable").json()["enabled"] is True
    assert admin("POST", "/users/otto/unlock").status_code == 409
    reset = admin("POST", "/users/otto/reset-password").json()
    row.refresh_from_db()
    assert row.check_password(reset["password"])
    assert admin("POST", "/users/robot/disable").status_code == 409
    assert admin.get("/users/locked-addresses").json() == []
    assert admin("POST", "/users/locked-addresses/unlock", {"address": "192.0.2.1"}).status_code == 409


def test_who_may_not_manage_users_changes_none(operator):
    make_user("ada")
    for method, path, body in (
            ("POST", "/users", {"name": "eve", "roles": ["Operator"]}),
            ("PUT", "/users/ada/roles", {"roles": ["Support"]}), ("POST", "/users/ada/disable", None)):
        assert operator(method, path, body).status_code == 403
    assert operator.get("/users").status_code == 200


def test_tokens_are_listed_to_their_owner_and_all_to_administrators(admin, operator):
    assert [row["owner"] for row in operator.get("/tokens").json()["items"]] == ["otto"]
    assert {row["owner"] for row in admin.get("/tokens").json()["items"]} == {"otto", "robot"}
    other = ApiToken.objects.get(owner__username="robot")
    assert operator.get(f"/tokens/{other.pk}").status_code == 403
    everything = json.dumps(admin.get("/tokens").json())
    assert not [each for each in (admin, operator) if each.token.rpartition("_")[2] in everything]


def test_a_token_makes_no_token_and_a_session_does(admin):
    body = {"name": "nightly", "roles": ["Support"], "days": 30}
    assert admin("POST", "/tokens", body).status_code == 403
    client = Client()
    client.force_login(make_user("sue", roles=(Role.SUPPORT,)))
    made = client.post("/api/v1/tokens", body, content_type="application/json")
    assert made.status_code == 201, made.json()
    assert made.json()["secret"].startswith("pw_")
    assert client.get(made["Location"]).json()["roles"] == ["Support"]
    changed = client.patch(made["Location"], {"networks": "192.0.2.0/24"}, content_type="application/json",
                           headers={"If-Match": '"r1"'})
    assert (changed.status_code, changed.json()["networks"]) == (200, "192.0.2.0/24")


def test_a_token_revokes_itself(operator):
    key = ApiToken.objects.get().pk
    assert operator("DELETE", f"/tokens/{key}?dry_run=true").status_code == 204
    assert operator("DELETE", f"/tokens/{key}").status_code == 204
    assert operator.get("/tokens").status_code == 401


def test_a_token_that_only_reads_is_told_apart(db):
    program = Program(Role.ADMINISTRATOR, read_only=True)
    [row] = program.get("/tokens").json()["items"]
    assert (row["read_only"], row["state"], row["used_from"]) == (True, "soon", "127.0.0.1")
