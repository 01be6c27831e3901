"""Every operation of the API, asked by nobody, by somebody of each role and with a token that reads only."""

import json
from contextlib import nullcontext

import pytest
from django.conf import settings as console
from django.test import Client

from api.root import api
from provisioning.core.permissions import ROLE_VERBS, VIEW
from tests.api.operations import METHODS, OPERATIONS, READS, address, operations
from tests.provisioning.walk import NO_ROLE, NOBODY, PEOPLE, forgotten, no_change

pytestmark = pytest.mark.django_db
SCHEMA = api.get_openapi_schema()
ALL = {operation["operationId"]: (method, path) for method, path, operation in operations(SCHEMA)}
PROBLEM = "application/problem+json"


def test_every_operation_that_changes_something_is_in_the_table():
    writes = {name for name, (method, _) in ALL.items() if method != "get"}
    assert writes == OPERATIONS.keys(), "add the operation to tests/api/operations.py"
    assert READS.keys() <= ALL.keys()


def test_no_two_operations_have_the_same_name():
    names = [operation["operationId"] for _, _, operation in operations(SCHEMA)]
    assert len(names) == len(set(names))


def need(name: str) -> str:
    return OPERATIONS[name].need if name in OPERATIONS else READS.get(name, VIEW)


def may(who: str, name: str) -> bool:
    verbs = ROLE_VERBS.get(who, ())
    return VIEW in verbs and need(name) in verbs


def ask(world, who: str, name: str, *, csrf: bool = False, token: str = ""):
    method, path = ALL[name]
    write = OPERATIONS.get(name)
    sent = write.sent if write else None
    body = sent if isinstance(sent, bytes) else b"" if sent is None else json.dumps(sent).replace(
        "{tomorrow}", str(world.objects["tomorrow"])).encode()
    client = Client(enforce_csrf_checks=csrf)
    if who != NOBODY:
        client.cookies[console.SESSION_COOKIE_NAME] = world.sessions[who]
    headers = {"If-Match": "*", **({"Authorization": f"Bearer {token}"} if token else {})}
    return client.generic(
        method.upper(), address(path, world) + (write.query if write else ""), body, headers=headers,
        content_type="application/octet-stream" if isinstance(sent, bytes) else "application/json" if body else "")


def test_who_may_do_what(world):
    for name, (method, _) in ALL.items():
        for who in PEOPLE:
            allowed = may(who, name)
            with forgotten(), nullcontext() if allowed and method != "get" else no_change():
                answer = ask(world, who, name)
            told = f"{name} of {who}: {answer.status_code} {answer.content[:300]!r}"
            if allowed:
                assert answer.status_code not in (401, 403, 404, 405), told
                assert answer.status_code < 500 or answer.status_code == 503, told
            else:
                assert answer.status_code == (401 if who == NOBODY else 403), told
                assert answer["Content-Type"] == PROBLEM, told
                assert who in (NOBODY, NO_ROLE) or "Your role does not let you" in answer.json()["detail"], told


def test_another_site_changes_nothing_with_the_session_of_an_administrator(world):
    for name, (method, _) in ALL.items():
        if method != "get":
            with forgotten(), no_change():
                answer = ask(world, PEOPLE[-1], name, csrf=True)
            assert answer.status_code == 403, name
            assert "X-CSRFToken" in answer.json()["detail"]


def test_a_token_that_reads_only_changes_nothing(world, reader):
    for name, (method, _) in ALL.items():
        with forgotten(), no_change():
            answer = ask(world, NOBODY, name, token=reader.token)
        if method == "get":
            assert answer.status_code == 200, name
        else:
            assert answer.status_code == 403, name


def test_methods_that_are_not_described_are_refused(world, reader, client):
    for path, item in SCHEMA["paths"].items():
        for method in METHODS:
            if method not in item and method != "get":
                with forgotten(), no_change():
                    answer = client.generic(method.upper(), address(path, world), headers={
                        "Authorization": f"Bearer {reader.token}"})
                assert answer.status_code in (403, 405), f"{method} {path}: {answer.status_code}"


def test_everything_that_changes_something_can_be_only_tried():
    lacking = {operation["operationId"] for method, _, operation in operations(SCHEMA) if method != "get"
               and "dry_run" not in {each["name"] for each in operation["parameters"]}}
    assert lacking == {"hosts_join_line", "hosts_revoke_join_line"}
