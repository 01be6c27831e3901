"""Every operation of the API, asked by nobody, by a token that only reads, and by somebody of each role."""

import pytest
from django.test import Client

from docs import openapi
from provisioning.core.permissions import (
    ACCEPT_LOSS,
    AUDIT,
    CONFIGURE,
    DRILL,
    EXPORT,
    INSTALL,
    MANAGE_HOSTS,
    OPERATE,
    ROLE_VERBS,
    VIEW,
)
from provisioning.states import Role
from tests.api.conftest import Program
from tests.provisioning.walk import World, forgotten, no_change

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]
METHODS = ("get", "post", "put", "patch", "delete")
APPLICATION = {"name": "Another", "template": "Message_Server"}
HOST = {"name": "another", "ip_address": "203.0.113.9"}

NEEDS: dict[str, tuple[str, dict | None]] = {
    "applications_applications": (VIEW, None), "applications_create": (CONFIGURE, APPLICATION),
    "applications_application": (VIEW, None), "applications_replace": (CONFIGURE, APPLICATION),
    "applications_patch": (CONFIGURE, {"description": "new"}), "applications_delete": (CONFIGURE, None),
    "applications_clone": (CONFIGURE, {"name": "Another"}),
    "verbs_start": (OPERATE, None), "verbs_restart": (OPERATE, None), "verbs_stop": (OPERATE, None),
    "verbs_stop_gracefully": (OPERATE, None), "verbs_certificates": (INSTALL, None), "verbs_install": (INSTALL, None),
    "hosts_hosts": (VIEW, None), "hosts_create": (MANAGE_HOSTS, HOST), "hosts_host": (VIEW, None),
    "hosts_replace": (MANAGE_HOSTS, HOST), "hosts_patch": (MANAGE_HOSTS, {"os_version": "12"}),
    "hosts_delete": (MANAGE_HOSTS, None), "hosts_look": (AUDIT, None), "hosts_join_line": (MANAGE_HOSTS, None),
    "hosts_revoke_join_line": (MANAGE_HOSTS, None),
    "pairs_pairs": (VIEW, None), "pairs_pair": (VIEW, None), "pairs_failover_check": (VIEW, None),
    "pair_verbs_switch_over": (OPERATE, None), "pair_verbs_pause": (OPERATE, {"reason": "A test."}),
    "pair_verbs_resume": (OPERATE, None), "pair_verbs_promote": (ACCEPT_LOSS, {"accept_data_loss": "MS_Primary"}),
    "pair_verbs_synchronize": (CONFIGURE, None), "pair_verbs_drill": (DRILL, None),
    "jobs_jobs": (VIEW, None), "jobs_job": (VIEW, None), "jobs_steps": (VIEW, None), "jobs_lines": (VIEW, None),
    "jobs_cancel": (OPERATE, None), "jobs_retry": (OPERATE, None),
    "status_status": (VIEW, None), "status_health_of_console": (VIEW, None),
    "configuration_export": (EXPORT, None), "configuration_apply": (MANAGE_HOSTS, {"hosts": [HOST]}),
}
"""{operation: (verb of core.permissions that it needs, what is sent)}; a new operation is a row."""
NO_ROLE = "no role"
PEOPLE = (NO_ROLE, *map(str, Role))
NAMES = {"applications": "MS_Primary", "pairs": "MS_Primary"}
"""Of the object that a path below this word names; of others the key of the World."""
DONE = {200, 201, 202, 204, 409, 412, 422, 428, 503}
"""Statuses of what got past permissions."""


@pytest.fixture(scope="module")
def operations():
    """{operation: (method, path)}."""
    return {item[method]["operationId"]: (method.upper(), path) for path, item in
            openapi.described()["paths"].items() for method in METHODS if method in item}


class Walk:
    """One object of every kind, and programs of people of each role."""

    def __init__(self):
        self.world = World()
        self.programs = {who: self._program(who) for who in PEOPLE}
        self.reader = Program(Role.ADMINISTRATOR, name="reader", read_only=True)

    @staticmethod
    def _program(who: str) -> Program:
        if who != NO_ROLE:
            return Program(who, name=f"program {who}")
        program = Program(Role.SUPPORT, name="program")
        program.owner.groups.clear()
        return program

    def address(self, path: str) -> str:
        kind = path.split("/")[3]
        key = NAMES.get(kind) or self.world.objects.get({"hosts": "host", "jobs": "job"}.get(kind, ""), "")
        return path.removeprefix("/api/v1").format(name=key, job_id=key)


@pytest.fixture
def walk(db):
    return Walk()


def test_every_operation_is_in_the_table(operations):
    assert NEEDS.keys() == operations.keys()


def test_who_may_do_what(walk, operations):
    for name, (method, path) in operations.items():
        need, body = NEEDS[name]
        for who, program in walk.programs.items():
            allowed = need in ROLE_VERBS.get(who, ()) and VIEW in ROLE_VERBS.get(who, ())
            told = f"{method} {path} of {who}"
            with forgotten():
                if allowed:
                    answer = program(method, walk.address(path), body, If_Match="*")
                    assert answer.status_code in DONE, f"{told}: {answer.status_code} {answer.content[:300]}"
                    continue
                program.get("/applications")
                with no_change():
                    answer = program(method, walk.address(path), body, If_Match="*")
                assert answer.status_code == 403, f"{told}: {answer.status_code} {answer.content[:300]}"
                assert "role" in answer.json()["detail"], told


def test_nobody_gets_anything_but_the_way_to_sign_in(walk, operations):
    for method, path in operations.values():
        with forgotten(), no_change():
            answer = Client().generic(method, f"/api/v1{walk.address(path)}")
        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json"), path


def test_a_token_that_only_reads_changes_nothing_whatever_its_role(walk, operations):
    for name, (method, path) in operations.items():
        with forgotten():
            walk.reader.get("/applications")
            with no_change():
                answer = walk.reader(method, walk.address(path), NEEDS[name][1])
        assert (answer.status_code == 403) == (method != "GET"), (name, answer.status_code, answer.content[:200])
