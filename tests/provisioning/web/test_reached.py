"""Whoever comes by a name that the console does not go by, in the plain, or from a page of another site is told what is
wrong and what to set; programs as a problem."""

from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse

from console import settings as console_settings
from tests.html import flat

URL = "https://pairwise.example.com"
BROWSER = {"Accept": "text/html,*/*"}
PROXY = {"X-Forwarded-For": "10.9.9.9", "X-Forwarded-Proto": "https"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def secured(settings):
    """A console with TLS in front of it, which is what PAIRWISE_HTTPS=1 makes of the settings."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.PAIRWISE_CONSOLE_URL, settings.ALLOWED_HOSTS = URL, ["pairwise.example.com", "localhost", "10.0.0.1"]
    return settings


def ask(path="/login/", *, host="pairwise.example.com", secure=False, method="GET", **headers):
    client = Client(headers={"Host": host, **BROWSER, **headers})
    return client.generic(method, path, secure=secure)


def text_of(answer) -> str:
    assert answer["Cache-Control"] == "no-store"
    return flat(answer.text)


def test_another_name_is_told_and_where_the_console_is(secured):
    answer = ask(host="b.example.com", secure=True)
    assert answer.status_code == 400
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    said = text_of(answer)
    for part in ("asked for as b.example.com", f'href="{URL}"', "header Host", "PAIRWISE_ALLOWED_HOSTS"):
        assert part in said


def test_to_a_program_it_is_a_problem_and_to_a_script_a_sentence(secured):
    answer = ask("/api/v1/applications", host="b.example.com", secure=True)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert "asked for as b.example.com" in answer.json()["detail"]
    answer = ask(host="b.example.com", secure=True, **{"HX-Request": "true"})
    assert "asked for as b.example.com" in unquote(answer["X-Pairwise-Sentence"])
    answer = ask(host="b.example.com", secure=True, Accept="*/*")
    assert answer["Content-Type"].startswith("text/plain")
    assert "PAIRWISE_ALLOWED_HOSTS" in answer.text


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "a\"onload=x", "[1:2:3]<b>"])
@pytest.mark.parametrize("path", ["/login/", "/api/v1/applications"])
def test_no_name_that_is_none_is_repeated(secured, hostile, path):
    answer = ask(path, host=hostile, secure=True)
    assert answer.status_code == 400
    assert hostile not in answer.text


@pytest.mark.parametrize("path", ["/login/", "/", "/monitoring/wall/a-key/"])
def test_in_the_plain_a_page_leads_to_https(secured, path):
    answer = ask(path)
    assert answer.status_code == 400
    said = text_of(answer)
    assert ("plain HTTP" in said, f'href="{URL}"' in said) == (True, True)
    assert "Set-Cookie" not in answer


def test_in_the_plain_no_token_is_taken(secured):
    answer = ask("/api/v1/applications", Accept="*/*", Authorization="Bearer pw_12345678_x")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert f"Open {URL}" in answer.json()["detail"]


def test_a_proxy_that_no_setting_names_is_named(secured):
    assert "forwarded by 127.0.0.1" in text_of(ask(**PROXY))
    secured.PAIRWISE_TRUSTED_PROXIES = ["127.0.0.1"]
    assert "does not send the header X-Forwarded-Proto" in text_of(ask(**PROXY | {"X-Forwarded-Proto": ""}))


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/metrics"])
def test_what_machines_ask_is_answered_in_the_plain_too(secured, path):
    assert "plain HTTP" not in ask(path).text


def test_what_hosts_and_programs_fetch_is_answered_in_the_plain_too(secured):
    program = reverse("join-program")
    assert ask(program, Accept="*/*").status_code == ask(program, Accept="*/*", secure=True).status_code != 400


def test_on_the_machine_itself_and_over_https_pages_are_there(secured):
    assert ask(host="localhost:8000").status_code == 200
    assert ask(secure=True).status_code == 200


def test_without_https_the_plain_is_as_good_as_any(settings):
    settings.ALLOWED_HOSTS = ["10.0.0.1"]
    assert ask(host="10.0.0.1:8000").status_code == 200


# --- forms


def post(origin: str, path="/login/", **headers):
    headers = {"Host": "10.0.0.1:8000", **BROWSER, "Origin": origin, **headers}
    return Client(enforce_csrf_checks=True, headers=headers).post(path, {"username": "ada"})


@pytest.fixture
def open_console(settings):
    settings.ALLOWED_HOSTS = ["10.0.0.1"]
    return settings


@pytest.mark.parametrize(("origin", "headers", "said"), [
    ("https://10.0.0.1:8000", {}, "PAIRWISE_HTTPS=1"), (URL, {}, "does not pass on the name"),
    (URL, PROXY, "PAIRWISE_TRUSTED_PROXIES"), ("null", {}, "allow cookies")])
def test_a_form_of_another_origin_says_which_and_what_to_set(open_console, origin, headers, said):
    answer = post(origin, **headers)
    assert answer.status_code == 403
    assert said in text_of(answer)


def test_nothing_of_a_hostile_origin_is_repeated(open_console):
    assert "<script" not in post("https://<script>alert(1)</script>").text


def test_the_address_of_the_console_is_an_origin_of_its_forms_whatever_name_the_proxy_passes_on(open_console):
    # As console.settings makes it of PAIRWISE_CONSOLE_URL.
    open_console.CSRF_TRUSTED_ORIGINS = [console_settings.place(URL)]
    client = Client(enforce_csrf_checks=True, headers={"Host": "10.0.0.1:8000", "Origin": URL, **BROWSER})
    token = client.get("/login/").context["csrf_token"]
    answer = client.post("/login/", {"username": "ada", "password": "wrong", "csrfmiddlewaretoken": str(token)})
    assert answer.status_code == 200
