"""Signing in and out at the pages: what is shown, what History gets, and what has to wait for an own password."""

import re
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client

from provisioning.accounts.rules.sign_in import HERE, LIMITS
from provisioning.accounts.services import users
from provisioning.accounts.views.gate import MEANWHILE
from provisioning.accounts.views.one_sign_in import CHOOSE_FIRST
from provisioning.models import Account, HistoryEntry
from tests import factories
from tests.provisioning.addresses import ADDRESSES, MACHINE, OPEN
from tests.provisioning.sign_ins import PASSWORD, told
from tests.provisioning.walk import World, forgotten, no_change, patterns

pytestmark = pytest.mark.django_db
ADDRESS = "198.51.100.7"
OF_THE_MOMENT = re.compile(r'value="[^"]*"|<time.*?</time>|data-live-\S+|"X-CSRFToken": "[^"]*"')
"""What differs from one answer to the next: what was typed, tokens, times."""


def sign_in(password=PASSWORD, name="otto", origin=ADDRESS):
    client = Client(REMOTE_ADDR=origin)
    return client, client.post("/login/", {"username": name, "password": password})


def test_who_comes_and_goes_is_told_with_the_address(otto):
    client, _ = sign_in()
    client.post("/logout/")
    assert told() == [("otto", ADDRESS, "otto", "Signed in."), ("otto", ADDRESS, "otto", "Signed out.")]


def test_history_shows_what_failed_and_can_be_asked_for_it(administrator, otto):
    sign_in("wrong")
    sign_in("wrong", "what is no user", "198.51.100.8")
    text = administrator.get("/operations/history/?action=sign_in").text
    for words in ("Sign-in", "not signed in", ADDRESS, "otto", "Was not let in: wrong password.", "wh… (no such user)",
                  "Was not let in: there is no such user."):
        assert words in text
    assert "what is no user" not in text
    for entry in HistoryEntry.objects.filter(action="sign_in"):
        text = administrator.get(f"/operations/history/{entry.number}/").text
        assert f"<h1 id=\"page-title\">Sign-in: {entry.object_name}" in text
        assert "Restore</a>" not in text


def test_what_is_shown_of_a_lock_says_how_long_it_lasts(otto):
    for _ in range(LIMITS[HERE]):
        _, answer = sign_in("wrong")
    assert answer.status_code == 429
    assert 890 <= int(answer["Retry-After"]) <= 900
    assert "It is locked for 15 more minutes, until <time" in answer.text
    assert "too many failed sign-ins with this user name from your address" in answer.text
    assert sign_in()[1].status_code == 429
    assert sign_in(origin="198.51.100.8")[1].status_code == 302


def test_the_lock_says_nothing_about_whether_there_is_such_a_user(otto):
    answers = []
    for name in ("otto", "nobody"):
        found = [sign_in("wrong", name)[1] for _ in range(LIMITS[HERE])]
        answers.append([(answer.status_code, OF_THE_MOMENT.sub("", answer.text)) for answer in found])
    assert answers[0] == answers[1]


def given(actor=factories.ADMINISTRATOR, roles=("Administrator",)):
    """A new user's client that signed in with the password for one sign-in, and that password."""
    _, password = users.create_user(actor=actor, name="sue", roles=roles)
    client, answer = sign_in(password, "sue")
    assert answer.status_code == 302
    return client, password


def test_a_password_for_one_sign_in_is_refused_the_second_time_with_whom_to_ask():
    _, password = given()
    _, answer = sign_in(password, "sue")
    assert answer.status_code == 200
    assert "has been used. Ask an Administrator for another one" in answer.text


def was_told_to_choose(method, answer, script) -> bool:
    if script:
        return (answer.status_code, answer["X-Pairwise-Sentence"]) == (403, quote(CHOOSE_FIRST))
    if method == "POST":
        return answer.status_code == 403 and "Choose another password first" in answer.text
    return (answer.status_code, answer["Location"]) == (302, "/account/password/")


@pytest.mark.long
def test_nothing_can_be_done_before_another_password_is_chosen(broker, no_control):
    """Every address, with every method that it has; what was posted comes back."""
    world, (client, _) = World(), given()
    world.sessions["sue"] = client.cookies[settings.SESSION_COOKIE_NAME].value
    asked = set()
    for name in patterns().keys() - MEANWHILE:
        for request in ADDRESSES[name]:
            if request.need in (OPEN, MACHINE):
                continue
            asked.add(name)
            for address in world.addresses(name, request)[:1]:
                for script in (False, True):
                    with forgotten(), no_change():
                        answer = world.ask("sue", request.method, address, world.sent(request), script=script)
                    assert was_told_to_choose(request.method, answer, script), (request, address)
    assert {"stream", "home", "account", "user-new", "application-action", "audit-export"} <= asked


def test_the_page_that_asks_for_a_password_opens_no_stream(otto):
    client, _ = given()
    asks, may_wait = client.get("/account/password/").text, sign_in()[0].get("/account/password/").text
    assert ("data-stream" in asks, "good for this one sign-in" in asks, ">Cancel<" in asks) == (False, True, False)
    assert ("data-stream" in may_wait, "good for this one sign-in" in may_wait, ">Cancel<" in may_wait) == (
        True, False, True)


def test_the_given_password_cannot_be_chosen():
    client, password = given()
    form = {"old_password": password, "new_password1": password, "new_password2": password}
    answer = client.post("/account/password/", form)
    assert "This is the current password. Choose another one." in answer.text
    assert Account.objects.get(user__username="sue").must_change_password
    form |= {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert client.post("/account/password/", form).status_code == 302
    assert client.get("/operations/jobs/").status_code == 200
    assert sign_in(name="sue")[1].status_code == 302


def test_the_present_password_cannot_be_guessed_with_a_session(otto):
    client, _ = sign_in()
    form = {"old_password": "wrong", "new_password1": "another long password", "new_password2": "another long password"}
    for _ in range(LIMITS[HERE]):
        client.post("/account/password/", form)
    answer = client.post("/account/password/", form | {"old_password": PASSWORD})
    assert "too many failed sign-ins" in answer.text
    assert ("not signed in", ADDRESS, "otto", "Was not let in: wrong current password.") in told()
    otto.refresh_from_db()
    assert otto.check_password(PASSWORD)


def test_the_users_page_says_until_when_a_given_password_is_good(administrator):
    _, password = users.create_user(actor=factories.ADMINISTRATOR, name="sue", roles=["Support"])
    address = "/provisioning/accounts/users/"
    assert "chooses a password at the next sign-in, until" in administrator.get(address).text
    sign_in(password, "sue")
    assert "No password chosen" in administrator.get(address).text


@pytest.mark.parametrize("sent", [
    {"username": "otto\0", "password": PASSWORD}, {"username": "", "password": PASSWORD},
     {"username": "otto", "password": "x\0"}])
def test_what_cannot_be_a_name_or_a_password_is_refused_and_not_counted(otto, sent):
    answer = Client().post("/login/", sent)
    assert answer.status_code == 200
    assert told() == []


@pytest.mark.parametrize("elsewhere", [
    "//evil.example/", "https://evil.example/", "/\\evil.example/", "javascript:alert(1)"])
def test_a_sign_in_leads_to_no_other_site(otto, elsewhere):
    answer = Client().post("/login/", {"username": "otto", "password": PASSWORD, "next": elsewhere})
    assert answer["Location"] == "/"


def test_another_site_can_neither_sign_somebody_in_nor_lock_somebody_out(otto):
    client = Client(enforce_csrf_checks=True)
    for password in (PASSWORD, *["wrong"] * LIMITS[HERE]):
        assert client.post("/login/", {"username": "otto", "password": password}).status_code == 403
    assert told() == []
    assert sign_in()[1].status_code == 302


def test_the_session_that_somebody_brings_is_not_the_one_that_he_gets(otto):
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    client.post("/login/", {"username": "otto", "password": PASSWORD})
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != "a" * 32
    assert client.cookies[settings.SESSION_COOKIE_NAME]["httponly"]


def test_after_a_wrong_password_the_password_is_typed_again_and_nothing_else(otto):
    for headers in ({}, {"HX-Request": "true"}):
        answer = Client().post("/login/", {"username": "otto", "password": "wrong"}, headers=headers)
        name, password = (re.search(rf'<input[^>]*name="{name}"[^>]*>', answer.text)[0]
                          for name in ("username", "password"))
        assert 'value="otto"' in name
        assert "autofocus" not in name
        assert "autofocus" in password
        assert 'aria-invalid="true"' in password
    first = Client().get("/login/").text
    assert "autofocus" in re.search(r'<input[^>]*name="username"[^>]*>', first)[0]
