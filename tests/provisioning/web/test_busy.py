"""While another program holds the Configuration Database: no page answers 500, and what was typed is kept."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

import psycopg
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.urls import reverse

from provisioning.models import Application, Host
from provisioning.models.applications import MASK
from provisioning.web import busy, kept
from tests.factories import make_host, make_template, make_user
from tests.html import flat
from tests.provisioning.addresses import ADDRESSES, MACHINE
from tests.provisioning.posted import form_of, post, script
from tests.provisioning.walk import PEOPLE, World, forgotten
from tests.transactions import watched

PASSWORD = "a long password of a test"
HELD = "Another program holds the Configuration Database."
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


class Form(HTMLParser):
    """The form of a page: what a browser would send, and what it asks for."""

    def __init__(self, page):
        super().__init__()
        self.all, self.action, self.encoding = [], "", ""
        self.feed(page)
        self.fields = [(name, value) for name, value, kind in self.all if kind == "hidden"]
        self.asks = [(name, kind) for name, _, kind in self.all if kind != "hidden"]

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.action, self.encoding = attrs["action"], attrs.get("enctype", "")
        elif tag in ("input", "textarea"):
            self.all.append((attrs["name"], attrs.get("value", ""), attrs.get("type", "textarea")))

    def sent(self, **again):
        """{name: values} of the form, with ``again`` for what it asks for."""
        found = {}
        for name, value, kind in self.all:
            found.setdefault(name, []).append(value if kind == "hidden" else again[name])
        return found


@pytest.fixture
def ada(impatient):
    client = Client(raise_request_exception=False, enforce_csrf_checks=True, headers=BROWSER)
    user = make_user("ada", roles=("Administrator",))
    user.set_password(PASSWORD)
    user.save()
    client.force_login(user)
    # The page whose form is sent gives the token.
    client.get(reverse("password-change"))
    return client


# --- every address


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_every_post_of_the_console_waits_and_then_answers_503_with_what_to_do(
        locked, impatient, broker, no_control, monkeypatch):
    world, wrong, busy_ones = World(), [], []
    asked = [(name, request, address) for name, requests in sorted(ADDRESSES.items()) for request in requests
             if request.method == "POST" for address in world.addresses(name, request)]
    writes = set()
    for name, request, address in asked:
        with forgotten(), watched() as seen:
            world.ask(PEOPLE[-1], "POST", address, world.sent(request))
        if seen.found and request.need != MACHINE:
            writes.add((name, address, str(request.sent)))
    with locked():
        for name, request, address in asked:
            for by_script in (False, True):
                answer = ask(world, address, world.sent(request), by_script)
                told = f"{name} {request.sent}{' by a script' if by_script else ''}: {answer.status_code}"
                if answer.status_code == 503 and (fault := says_too_little(answer, by_script)):
                    wrong.append(f"{told}, {fault}")
                elif answer.status_code >= 500 and answer.status_code != 503:
                    wrong.append(told)
                elif (name, address, str(request.sent)) in writes and not by_script:
                    # What control did not answer to is said, though it cannot be written down.
                    said = answer.status_code == 503 or "did not answer" in answer.text
                    (busy_ones if said else wrong).append(told)
    assert wrong == []
    assert len(busy_ones) >= 15, busy_ones


def ask(world, address, sent, by_script):
    client = Client(raise_request_exception=False, headers=BROWSER)
    client.cookies[settings.SESSION_COOKIE_NAME] = world.sessions[PEOPLE[-1]]
    return client.post(address, sent, headers=script() if by_script else None)


def says_too_little(answer, by_script):
    if not answer.get("Retry-After", "").isdigit():
        return "no Retry-After"
    if by_script:
        return "" if unquote(answer.get("X-Pairwise-Sentence", "")).startswith(HELD) else "no sentence for the script"
    return "" if HELD in answer.text and "Try Again" in answer.text else "no page"


@pytest.mark.long
def test_every_page_is_shown_while_nobody_can_write(locked, impatient, broker, no_control):
    world = World()
    with locked():
        for name, requests in sorted(ADDRESSES.items()):
            for request in requests:
                if request.method != "GET" or request.need == MACHINE or name in (
                        "healthz", "readyz", "livez", "metrics", "join-program"):
                    continue
                for address in world.addresses(name, request):
                    answer = world.ask(PEOPLE[-1], "GET", address)
                    # Whoever comes back from a provider without having been sent there is told so.
                    told = 409 if name == "single-sign-on-back" else 200
                    assert answer.status_code in (told, 204, 302), (name, answer.status_code)


# --- what was typed


def test_what_was_typed_is_posted_again_by_try_again(ada, locked):
    typed = {"name": "beta & <co>", "ip_address": "192.0.2.7", "os_type": "Linux", "lca_port": "4999", "enabled": "on"}
    with locked():
        answer = post(ada, reverse("host-new"), {**typed, "name": "beta-1"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "What you typed is kept: Try Again sends it once more." in answer.text
    form = Form(answer.text)
    assert (form.action, form.asks) == (reverse("host-new"), [])
    assert ada.post(form.action, form.sent()).status_code == 302
    assert Host.objects.get().name == "beta-1"


def test_signs_of_html_come_back_as_they_were_typed(ada, locked):
    typed = {"name": 'a"&<b>', "ip_address": "192.0.2.7", "os_type": "Linux", "lca_port": "4999"}
    request = RequestFactory().post("/", typed)
    assert [(field.name, field.value) for field in kept.posted(request)] == list(typed.items())
    with locked():
        page = post(ada, reverse("user-new"), {"name": "sue", "roles": ["Support", "Operator"]}).text
    assert Form(page).sent()["roles"] == ["Support", "Operator"]


def test_a_secret_is_never_in_the_page_and_is_typed_again(ada, locked):
    host, template = make_host("alpha"), make_template()
    sent = form_of(name="MS", template_id=template.pk, host_id=host.pk, working_directory=".", command_line=".",
                   option_section=["log", "clients", "clients"], option_key=["verbose", "bench", "other"],
                   option_value=["all", "verysecret", ""])
    with locked():
        answer = post(ada, reverse("application-new"), sent)
    assert answer.status_code == 503
    assert "verysecret" not in answer.text
    assert "this, which has to be given again:" in flat(answer)
    form = Form(answer.text)
    assert form.asks == [("option_value", "password")]
    assert re.search(r'<label for="(\S+)">\[clients\] bench</label><input [^>]*id="\1"', flat(answer))
    assert ada.post(form.action, form.sent(option_value="typedagain")).status_code == 302
    stored = Application.objects.get(name="MS").options_dict(masked=False)
    assert (stored["log"]["verbose"], stored["clients"]["bench"]) == ("all", "typedagain")


def test_a_stored_secret_that_stays_need_not_be_typed():
    request = RequestFactory().post("/", {"option_section": ["clients"], "option_key": ["bench"],
                                          "option_value": [MASK]})
    assert [(field.name, field.value, field.label) for field in kept.posted(request)][-1] == ("option_value", MASK, "")


def test_a_password_is_typed_again_and_the_user_name_is_kept(impatient, locked):
    client = Client(raise_request_exception=False, headers=BROWSER)
    make_user("sue").set_password(PASSWORD)
    with locked():
        answer = client.post(reverse("login"), {"username": "sue", "password": "wrong password", "next": "/"})
    assert answer.status_code == 503
    assert "wrong password" not in answer.text
    form = Form(answer.text)
    assert (form.asks, dict(form.fields)["username"]) == ([("password", "password")], "sue")


def test_a_private_key_is_pasted_again():
    request = RequestFactory().post("/", {"user": "root", "private_key": "-----BEGIN\nKEY", "password": "", "key": "k"})
    assert [(field.name, field.kind, field.value) for field in kept.posted(request)] == [
        ("user", "hidden", "root"), ("private_key", "text", ""), ("password", "hidden", ""), ("key", "hidden", "k")]


def test_a_file_is_chosen_again(ada, locked, settings, tmp_path):
    settings.PAIRWISE_PACKAGES_DIR = tmp_path
    file = SimpleUploadedFile("a.apd", b"[template]\nname = New\ntype = MessageServer\nversion = 1\nformat = 1\n")
    with locked():
        answer = post(ada, reverse("template-import"), {"file": file})
    form = Form(answer.text)
    assert (answer.status_code, form.asks, form.encoding) == (503, [("file", "file")], "multipart/form-data")


def test_the_token_of_the_form_that_was_posted_is_not_in_the_page(ada, locked):
    with locked():
        answer = ada.post(reverse("host-new"), {"name": "x", "csrfmiddlewaretoken": "t" * 64},
                          headers={"X-CSRFToken": ada.cookies[settings.CSRF_COOKIE_NAME].value})
        assert answer.status_code in (403, 422)
        answer = post(ada, reverse("user-new"), {"name": "sue", "roles": "Support"})
    tokens = [value for name, value in Form(answer.text).fields if name == "csrfmiddlewaretoken"]
    assert len(tokens) == 1


# --- the other kinds of requests


def test_a_page_is_loaded_again(impatient, locked, monkeypatch):
    answer = fault(RequestFactory().get("/audit/?text=a%20b", headers=BROWSER), locked_error())
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert '<a class="button button-primary" href="/audit/?text=a%20b">Try Again</a>' in answer.text


def test_a_script_gets_a_sentence_and_its_form_stays(ada, locked):
    with locked():
        answer = post(ada, reverse("host-new"), {"name": "b-1", "ip_address": "192.0.2.7", "os_type": "Linux",
                                                 "lca_port": "4999"}, headers=script())
    assert (answer.status_code, answer["Content-Type"], answer["Retry-After"]) == (
        503, "text/plain; charset=utf-8", "5")
    assert unquote(answer["X-Pairwise-Sentence"]) == (
        f"{HELD} What you asked for was not finished; what you typed is still here. Try again in a moment.")


@pytest.mark.parametrize("accept", [{}, {"Accept": "*/*"}, {"Accept": "text/event-stream"}])
def test_a_machine_and_the_stream_of_a_page_get_a_line(accept):
    answer = fault(RequestFactory().post("/join/stage", {"token": "secret"}, headers=accept), locked_error())
    assert (answer.status_code, answer["Content-Type"], answer["Retry-After"]) == (
        503, "text/plain; charset=utf-8", "5")
    assert answer.text == f"{HELD} Try again later.\n"


# --- every trouble of a database


def fault(request, error):
    try:
        raise error
    except Exception:
        return busy.fault(request)


def wrapped(cause):
    error = OperationalError("database")
    error.__cause__ = cause
    return error


def locked_error():
    return wrapped(psycopg.errors.LockNotAvailable("x"))


@pytest.mark.parametrize(("cause", "sentence", "heading"), [
    (psycopg.errors.LockNotAvailable("x"), HELD, "The console is busy"),
    (psycopg.errors.DiskFull("x"), "The disk of the Configuration Database is full.", "cannot do this now"),
    (psycopg.errors.ReadOnlySqlTransaction("x"), "The Configuration Database is read-only.", "cannot do this now"),
    (psycopg.OperationalError("connection to server at \"db\" failed"), "The Configuration Database does not answer.",
     "cannot do this now"),
])
def test_each_trouble_is_said_without_asking_the_database(cause, sentence, heading):
    answer = fault(RequestFactory().post("/x/", {"name": "a"}, headers=BROWSER), wrapped(cause))
    assert (answer.status_code, answer["Cache-Control"]) == (503, "no-store")
    assert sentence in answer.text
    assert heading in answer.text
    assert "server at" not in answer.text


def test_a_fault_of_the_console_stays_one():
    answer = fault(RequestFactory().get("/", headers=BROWSER), ValueError("x"))
    assert (answer.status_code, "The console could not show this page" in answer.text) == (500, True)
    assert fault(RequestFactory().get("/"), wrapped(psycopg.errors.UndefinedTable("x"))).status_code == 500
