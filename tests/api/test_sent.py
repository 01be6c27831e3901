"""What somebody may put into a request: no text is a fault or is kept that cannot be written, no answer grows far
beyond what was sent, and who may not do something is told so before it is read at length."""

import copy
import json
from collections.abc import Iterator

import pytest

from api import configuration, problems
from docs import openapi
from provisioning.fleet.services.manifest import read_body
from provisioning.states import Role
from tests.api.operations import OPERATIONS, address, operations
from tests.provisioning.walk import forgotten

pytestmark = pytest.mark.django_db
DESCRIBED = {operation["operationId"]: (method, path, operation)
             for method, path, operation in operations(openapi.described())}
ALL = {name: (method, path) for name, (method, path, _) in DESCRIBED.items()}
ILLEGIBLE = ("a\0b", "\ud800")
MORE = {
    "applications_patch": {"options": {"log": {"verbose": "all"}}, "annex": {"site": {"room": "12"}}},
    "applications_create": {"name": "Another", "template": "Message_Server", "host": "host1",
                            "connections": [{"server": "MS_Primary"}], "ports": [{"id": "default", "port": 7000}]},
    "channels_patch": {"description": "another", "fields": {"url": "https://192.0.2.1/"}},
}
"""Bodies with members that those of the table have not."""
REASON = {"reason": "A test."}


def places(value, before=()) -> Iterator[tuple]:
    """Where ``value`` has texts."""
    if isinstance(value, str):
        yield before
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in rows:
        yield from places(each, (*before, key))


def with_text(value, place: tuple, text: str):
    value = at = copy.deepcopy(value)
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = text
    return value


def bodies() -> Iterator[tuple[str, dict]]:
    for name, write in OPERATIONS.items():
        if "requestBody" in DESCRIBED[name][2] and not isinstance(write.sent, bytes):
            yield name, MORE.get(name) or write.sent or REASON


def test_no_text_is_taken_that_cannot_be_written(world, admin):
    for name, sent in bodies():
        method, path = ALL[name]
        where = address(path, world).removeprefix("/api/v1")
        for place in places(sent):
            for text in ILLEGIBLE:
                with forgotten():
                    answer = admin(method.upper(), where, with_text(sent, place, text), If_Match="*")
                assert answer.status_code == 422, (name, place, text, answer.content[:300])
        with forgotten():
            assert admin(method.upper(), where, {**sent, "\ud800": "a"}, If_Match="*").status_code == 422, name


def test_no_address_or_filter_is_looked_up_that_cannot_be_written(world, reader):
    for name, (method, path) in ALL.items():
        if method == "get":
            where = address(path, world).removeprefix("/api/v1")
            # 503: nobody serves here who could be asked.
            assert reader.get(f"{where}?text=%00&name=%00&fields=%00&sort=%00").status_code in (
                200, 403, 422, 503), name
            assert reader.get(f"{where}%00").status_code == 404, name
    assert reader.get("/applications?text=%00").status_code == 422


@pytest.mark.parametrize("path", ["", "a%0Ab", "v1/applications/a%0Ab", "v1/applications/a%0D%0Ab", "v1/stream%0A"])
def test_whatever_is_below_the_api_is_answered_as_a_problem(admin, path):
    answer = admin.client.get(f"/api/{path}", headers={"Authorization": f"Bearer {admin.token}"})
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("sent", [b'{"name": NaN}', b'{"name": -Infinity}', b"[" * 100_000, b'{"a": 1' + b"0" * 5000])
def test_what_no_json_has_is_no_json(admin, sent):
    for path in ("applications", "apply"):
        answer = admin.client.generic("POST", f"/api/v1/{path}", sent, content_type="application/json",
                                      headers={"Authorization": f"Bearer {admin.token}"})
        assert answer.status_code == 400, answer.content


@pytest.mark.parametrize(("path", "body"), [
    ("/applications", {f"k{number}": 1 for number in range(2_000)}),
    ("/applications", {"name": "a", "template": "b", "ports": [{}] * 2_000}),
    ("/apply", {f"k{number}": 1 for number in range(2_000)}),
    ("/batches", {"verb": "start", "applications": [f"k{number}" for number in range(1_000)]})])
def test_an_answer_names_so_much_of_what_is_wrong_and_says_how_much_more_there_is(admin, path, body):
    answer = admin("POST", path, body)
    assert answer.status_code in (409, 422)
    assert len(answer.json()["refusals"]) == problems.NAMED_MOST + 1
    assert answer.json()["refusals"][-1]["message"].startswith("That is not all: ")
    assert len(answer.content) < 60_000


def test_who_may_not_apply_is_told_so_before_the_file_is_read(operator, support, monkeypatch):
    for name in ("read_json", "read_manifest"):
        monkeypatch.setattr(configuration, name, lambda *_, **__: pytest.fail("it was read"))
    for program in (operator, support):
        answer = program("POST", "/apply", {"hosts": []})
        assert answer.status_code == 403
        assert Role.ADMINISTRATOR in answer.json()["detail"]


def test_what_names_many_objects_is_looked_up_at_once(operator, support, django_assert_max_num_queries):
    names = [f"k{number}" for number in range(900)]
    with django_assert_max_num_queries(20):
        assert operator("POST", "/batches", {"verb": "start", "applications": [*names, *map(str, range(100))]}
                        ).status_code == 422
    with django_assert_max_num_queries(20):
        assert support.get(f"/export?names={','.join(names[:700])}").status_code == 404
    with django_assert_max_num_queries(20):
        assert support("POST", "/batches", {"verb": "start", "applications": names}).status_code == 403


def test_json_is_read_as_the_file_that_says_the_same():
    read = read_body(json.loads('{"hosts": [{"name": "a", "lca_port": 4999, "enabled": false}], "applications": '
                                '[{"name": "b", "options": {"log": {"verbose": true, "limit": 1.5, "none": null}}}]}'))
    assert read.hosts == ({"name": "a", "lca_port": 4999, "enabled": False},)
    assert read.applications[0]["options"] == {"log": {"verbose": "true", "limit": "1.5", "none": None}}
