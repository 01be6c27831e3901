"""Every operation of the API, asked by nobody, by a token that only reads, by somebody of each role, and from another
site."""

import pytest
from django.conf import settings
from django.test import Client

from docs import openapi
from provisioning.core.permissions import READS as WITHOUT_CHANGE
from provisioning.core.permissions import ROLE_VERBS, VIEW
from provisioning.states import Role
from tests.api.conftest import Program
from tests.api.operations import METHODS, OPERATIONS, READS, address, asked, need, operations
from tests.provisioning.walk import PEOPLE as BROWSERS
from tests.provisioning.walk import forgotten, no_change

pytestmark = pytest.mark.django_db
NO_ROLE = "no role"
DONE = {200, 201, 202, 204, 409, 412, 422, 428, 503}
"""Statuses of what got past permissions."""
SCHEMA = openapi.described()
ALL = {operation["operationId"]: (method, path) for method, path, operation in operations(SCHEMA)}
PROBLEM = "application/problem+json"


@pytest.fixture
def programs(world):
    """{role: a program of somebody who has it}, each used just now."""
    found = {who: Program(who, name=f"program {who}") for who in map(str, Role)}
    found[NO_ROLE] = Program(Role.SUPPORT, name="program")
    found[NO_ROLE].owner.groups.clear()
    for program in found.values():
        program.get("/health")
    return found


def ask(client: Client, world, name: str, **headers):
    """The answer to what the table has of the operation."""
    return asked(client, world, name, *ALL[name], **headers)


def shown(program: Program) -> dict[str, str]:
    return {"Authorization": f"Bearer {program.token}"}


def test_every_operation_that_changes_something_is_in_the_table():
    writes = {name for name, (method, _) in ALL.items() if method != "get"}
    assert writes == OPERATIONS.keys(), "add the operation to tests/api/operations.py"
    assert READS.keys() <= ALL.keys()


EACH = pytest.mark.parametrize("each", [4, pytest.param(1, marks=pytest.mark.long)])
"""Every fourth of the cases, in turn over operations and roles; ./run test all has all of them."""


@EACH
def test_who_may_do_what(world, programs, client, each):
    for number, name in enumerate(ALL):
        for role, (who, program) in enumerate(programs.items()):
            if (number + role) % each:
                continue
            allowed = {need(name), VIEW} <= ROLE_VERBS.get(who, frozenset())
            with forgotten():
                if allowed:
                    answer = ask(client, world, name, **shown(program))
                else:
                    with no_change():
                        answer = ask(client, world, name, **shown(program))
            told = f"{name} of {who}: {answer.status_code} {answer.content[:300]!r}"
            if allowed and name not in OF_SESSIONS:
                assert answer.status_code in DONE, told
            else:
                assert (answer.status_code, answer["Content-Type"]) == (403, PROBLEM), told
                assert name in OF_SESSIONS or "role" in answer.json()["detail"], told


OF_SESSIONS = {"tokens_make", "tokens_patch"}
"""A token makes and changes no tokens."""


def test_nobody_gets_anything_but_the_way_to_sign_in(world, client):
    for name in ALL:
        with forgotten(), no_change():
            answer = ask(client, world, name)
        assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM), name


def test_a_token_that_only_reads_changes_nothing_whatever_its_role(world, reader, client):
    for name, (method, _) in ALL.items():
        with forgotten(), no_change():
            answer = ask(client, world, name, **shown(reader))
        changes = method != "get" or need(name) not in WITHOUT_CHANGE
        assert (answer.status_code == 403) == changes, (name, answer.status_code, answer.content[:300])


@EACH
def test_a_browser_is_answered_as_a_program_and_only_with_a_token_of_a_page(world, each):
    for number, (name, (method, _)) in enumerate(ALL.items()):
        for checks in (True, False):
            if (number + checks) % each:
                continue
            client = Client(enforce_csrf_checks=checks)
            client.cookies[settings.SESSION_COOKIE_NAME] = world.sessions[BROWSERS[-1]]
            with forgotten():
                answer = ask(client, world, name)
            told = f"{name}: {answer.status_code} {answer.content[:300]!r}"
            if checks and method != "get":
                assert answer.status_code == 403, told
                assert "X-CSRFToken" in answer.json()["detail"], told
            else:
                assert answer.status_code in DONE, told


def test_methods_that_are_not_described_are_refused(world, reader, client):
    for path, item in SCHEMA["paths"].items():
        for method in METHODS:
            if method not in item:
                with forgotten(), no_change():
                    answer = client.generic(method.upper(), address(path, world), headers=shown(reader))
                wanted = 405 if method == "get" else 403
                assert answer.status_code == wanted, f"{method} {path}: {answer.status_code}"


def test_everything_that_changes_something_can_be_only_tried():
    lacking = {operation["operationId"] for method, _, operation in operations(SCHEMA) if method != "get"
               and "dry_run" not in {each["name"] for each in operation["parameters"]}}
    assert lacking == {"pairs_failover_check"}
