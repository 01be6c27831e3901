"""Whatever is sent to whichever address, nobody gets an error of the console."""

import ast
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from django.conf import settings
from django.http import QueryDict
from django.test import Client

from provisioning.states import Role
from tests.protocol.test_outside import ALL
from tests.provisioning.addresses import ADDRESSES, MACHINE, Request
from tests.provisioning.walk import forgotten
from tests.test_architecture import of_pages

pytestmark = pytest.mark.django_db
MACHINES = [(name, request) for name, requests in ADDRESSES.items() for request in requests
            if request.need == MACHINE and request.method == "POST"]
FORM = "application/x-www-form-urlencoded"
VALUES = ("²", "9" * 5000, "9" * 20, "-1", "1e9", "\ud800", "a\0b")
ROWS = tuple(f'{{"port": {value}, "server_id": {value}, "port_id": {value}}}' for value in (
    "[1]", '{"a": 1}', '"\\ud800"', "[" * 900 + "]" * 900, "9" * 20, "9" * 5000, "1.5", "NaN", '"²"', "true"))
"""What a port or a connection of the editor may be said to be."""
NO_ADDRESS = "http://["
IS_NUMBER = ("isdigit", "isdecimal", "isnumeric")
SILENT = {"healthz", "readyz", "livez", "metrics", "join-program"}
"""Say with 503 that control is away, or that nobody has packed the agent."""


@contextmanager
def asked_for(monkeypatch):
    """The names of values that are asked for in what was sent."""
    names: dict[str, None] = {}

    def noting(method):
        def noted(values, name, *args, **kwargs):
            if isinstance(name, str):
                names[name] = None
            return method(values, name, *args, **kwargs)

        return noted

    with monkeypatch.context() as patch:
        for method in ("__getitem__", "_getlist"):
            patch.setattr(QueryDict, method, noting(getattr(QueryDict, method)))
        yield names


def encoded(sent: dict[str, str]) -> str:
    return "&".join(f"{quote(name, errors='surrogatepass')}={quote(value, errors='surrogatepass')}"
                    for name, value in sent.items())


def ask(world, method: str, address: str, sent: dict[str, str]):
    """The answer to an Administrator; surrogates go along as they are. What a view raises is raised here."""
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = world.sessions[str(Role.ADMINISTRATOR)]
    with forgotten():
        if method == "GET":
            answer = client.get(f"{address}?{encoded(sent)}")
        else:
            answer = client.post(address, encoded(sent), content_type=FORM)
        if answer.streaming and not answer.is_async:
            answer.getvalue()
    return answer


def walk(world, monkeypatch, name: str, request: Request) -> None:
    """Every name that the view asks for gets each of the VALUES: together with the others, which get another one, and
    beside what makes the view go as far as it can."""
    address, sent = world.addresses(name, request)[0], world.sent(request)
    with asked_for(monkeypatch) as names:
        ask(world, request.method, address, sent)
    for shift in range(len(VALUES)):
        hostile = {field: VALUES[(place + shift) % len(VALUES)] for place, field in enumerate(names)}
        for values in (hostile, hostile | sent):
            answer = ask(world, request.method, address, values)
            assert answer.status_code < 500 or name in SILENT, (request.method, address, values)


@pytest.mark.parametrize("body", ALL)
def test_a_machine_that_sends_no_json_is_told_so(world, body):
    for name, request in MACHINES:
        for address in world.addresses(name, request):
            with forgotten():
                answer = Client().post(address, ALL[body], content_type="application/json")
            assert (answer.status_code, answer["Content-Type"][:10]) == (403, "text/plain"), address


@pytest.mark.parametrize("name", sorted(ADDRESSES))
def test_no_value_of_a_query_breaks_a_page(world, monkeypatch, name):
    for request in ADDRESSES[name]:
        if request.method == "GET":
            walk(world, monkeypatch, name, request)


@pytest.mark.parametrize("no_host", ["[1:2:3]", "[::::]:80", None])
@pytest.mark.parametrize("name", sorted(ADDRESSES))
def test_nothing_that_is_no_address_breaks_what_is_asked_with_it(world, name, no_host, settings):
    settings.ALLOWED_HOSTS = ["*"]
    headers = {"HX-Current-URL": NO_ADDRESS, "Referer": NO_ADDRESS, "Origin": NO_ADDRESS}
    for request in ADDRESSES[name]:
        for who in (None, str(Role.ADMINISTRATOR)):
            for script in ({}, {"HX-Request": "true"}):
                client = Client(headers=headers | script | ({"Host": no_host} if no_host else {}))
                if who:
                    client.cookies[settings.SESSION_COOKIE_NAME] = world.sessions[who]
                with forgotten():
                    answer = client.generic(request.method, f"{world.addresses(name, request)[0]}?list={NO_ADDRESS}")
                assert answer.status_code < 500 or name in SILENT, (request.method, who, script)
                assert answer.status_code == 400 or not no_host


@pytest.mark.parametrize("name", sorted(ADDRESSES))
def test_no_value_of_a_form_breaks_what_it_is_sent_to(world, monkeypatch, name):
    for request in ADDRESSES[name]:
        if request.method == "POST":
            walk(world, monkeypatch, name, request)


@pytest.mark.parametrize("name", ["application-new", "application-check", "application-edit", "application-fill"])
@pytest.mark.parametrize("kind", ["ports", "connections"])
def test_no_row_of_the_editor_breaks_it(world, name, kind):
    request = next(each for each in ADDRESSES[name] if each.method == "POST")
    for row in ROWS:
        answer = ask(world, "POST", world.addresses(name, request)[0], world.sent(request) | {kind: row})
        assert answer.status_code < 500, row[:60]


NUMBERS = {
    "int(at)", "int(last)", "int(first)", "index.isdecimal()", "int(index)", "int(entry.object_id)",
    "int(timezone.now().timestamp() * 1000)", "int((session.get_expiry_date() - now).total_seconds())",
    "int((lock.until - now).total_seconds())", "int(key)", "int(since_ms)", "int(milliseconds)", "int(number)",
    "int(block_s * 1000)", "int(time.time())", "int(row.created_at.timestamp())"}
"""What is made a number in views and forms: times, keys of ours, and texts that a pattern has bounded."""


def test_what_a_browser_says_becomes_a_number_in_one_way_only():
    """``core.text.key_of`` or a form's field: isdigit() takes ², and int() breaks at thousands of digits."""
    assert len(of_pages()) > 50
    found = {ast.unparse(node) for path in of_pages() for node in ast.walk(ast.parse(path.read_text()))
             if isinstance(node, ast.Call)
             and (getattr(node.func, "id", "") == "int" or getattr(node.func, "attr", "") in IS_NUMBER)}
    assert found == NUMBERS
