"""The description of the API: complete, valid, and the one that is kept in docs/."""

import pytest
from openapi_spec_validator import validate

from api import authentication, openapi
from api.limiter import Limiter
from docs import openapi as document

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def description():
    return document.made()


def operations(description):
    return [(path, method, item[method]) for path, item in description["paths"].items() for method in METHODS
            if method in item]


def test_it_is_valid(description):
    validate(description)
    assert description["openapi"].startswith("3.1")


def test_it_is_the_one_in_the_documentation(description):
    assert document.FILE.read_text() == document.written(description), "run: python -m docs.openapi"


def test_every_operation_says_what_it_does_and_what_it_answers(description):
    for path, method, operation in operations(description):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["security"], where
        wanted = set(map(str, openapi.READ if method == "get" else openapi.WRITE))
        assert wanted <= operation["responses"].keys(), where
        good = [status for status in operation["responses"] if status < "300"]
        assert good, where
        for status in good:
            assert status == "204" or operation["responses"][status]["content"], where


def test_operations_have_names_of_their_own(description):
    names = [operation["operationId"] for _, _, operation in operations(description)]
    assert len(names) == len(set(names))


@pytest.mark.django_db
def test_everybody_may_read_it(client, description):
    answer = client.get("/api/v1/openapi.json")
    assert (answer.status_code, answer.json()) == (200, description)


@pytest.mark.django_db
def test_one_address_may_not_ask_for_it_all_the_time(client, monkeypatch):
    monkeypatch.setattr(authentication, "strangers", Limiter(rate=0.01, burst=1.0))
    answers = [client.get("/api/v1/openapi.json", REMOTE_ADDR=address) for address in ("192.0.2.1",) * 2 + ("::1",)]
    assert [each.status_code for each in answers] == [200, 429, 200]
    assert int(answers[1]["Retry-After"]) > 1


@pytest.mark.django_db
def test_the_page_shows_every_operation(admin_page, description):
    text = admin_page.content.decode()
    for path, _, operation in operations(description):
        assert f'id="{operation["operationId"].replace("_", "-")}"' in text, path


@pytest.fixture
def admin_page(client):
    from tests.factories import make_user
    client.force_login(make_user("ada", roles=("Support",)))
    assert client.get("/api/v1/docs")["Location"] == "/help/api/"
    return client.get("/help/api/")
